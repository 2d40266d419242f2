"""Jobs that a person starts: nothing here runs by itself."""

from typing import Any

import dagster as dg
from pydantic import Field

from wheel_assets.cache.history import forget_materializations, prune_runs
from wheel_assets.cache.maintenance import Removal
from wheel_assets.cache.sentence import one_sentence
from wheel_assets.cache.store import Store
from wheel_assets.defs.declare import settings


class CleanupConfig(dg.Config):
    """How to clean up."""

    dry_run: bool = Field(default=False, description="only tell what would go")


@dg.op
def remove_what_is_too_old(
    context: dg.OpExecutionContext, config: CleanupConfig, store: dg.ResourceParam[Store]
) -> None:
    """Remove old and surplus snapshots and old run records, and compact the file."""
    with one_sentence():
        context.add_output_metadata(clean_up(store, context.instance, config.dry_run))


@dg.op
def empty_the_cache(context: dg.OpExecutionContext, store: dg.ResourceParam[Store]) -> None:
    """Remove every snapshot and the materialization history; the ledger of API calls stays."""
    with one_sentence():
        context.add_output_metadata(clear(store, context.instance))


def clean_up(store: Store, instance: dg.DagsterInstance, dry_run: bool = False) -> dict[str, Any]:
    """Retention now, of the cache and of Dagster's records; what went, or would go, in plain values."""
    removal = store.maintenance.cleanup(dry_run)
    runs = prune_runs(instance, store.clock() - settings().cache.ttl, dry_run)
    return {**_told(removal), "runs": runs, "dry_run": dry_run}


def clear(store: Store, instance: dg.DagsterInstance) -> dict[str, Any]:
    """Empty the cache and forget the materializations of its assets; what went, in plain values."""
    removal = store.maintenance.clear()
    forget_materializations(instance, list(store.tables))
    return _told(removal)


def _told(removal: Removal) -> dict[str, Any]:
    return {
        "snapshots": dict(removal.snapshots),
        "rows": removal.rows,
        "db_size_mb_before": round(removal.bytes_before / 1e6, 3),
        "db_size_mb": round(removal.bytes_after / 1e6, 3),
        "freed_mb": round(removal.freed / 1e6, 3),
    }


@dg.job(description="Retention now: what is older than WHEEL_CACHE__TTL_DAYS or too much goes; the file is compacted.")
def cleanup() -> None:
    """Retention now."""
    remove_what_is_too_old()


@dg.job(description="Empty the cache. The ledger of API calls stays.")
def clear_cache() -> None:
    """Empty the cache."""
    empty_the_cache()


JOBS = (cleanup, clear_cache)
