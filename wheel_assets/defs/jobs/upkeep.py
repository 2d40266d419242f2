"""Jobs of retention: clean-up and clearing, started by a person only."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from pydantic import Field

from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.maintenance import Removal
from wheel_assets.cache.upkeep.stats import stats
from wheel_assets.defs.declare import settings
from wheel_assets.errors import UsageError
from wheel_assets.instance.run_records import compact, forget_materializations, mark_dead_runs, prune_runs

CLEAR = "clear"
DRY_RUN = Field(default=False, description="true: only report what would be removed, and remove nothing")


class CleanupConfig(dg.Config):
    """Run config of a clean-up."""

    dry_run: bool = DRY_RUN


class ClearConfig(dg.Config):
    """Run config of clearing the cache."""

    dry_run: bool = DRY_RUN
    confirm: str = Field(default="", description=f"the word `{CLEAR}`; without it nothing is removed")


@dg.op
def remove_what_is_too_old(
    context: dg.OpExecutionContext, config: CleanupConfig, store: dg.ResourceParam[Store]
) -> None:
    """Remove old and surplus snapshots and run records, and compact the files."""
    with one_line_errors():
        done = clean_up(store, config.dry_run)
        _report(context, {**done, "runs": clean_up_runs(store, context.instance, config.dry_run)})


@dg.op
def empty_the_cache(context: dg.OpExecutionContext, config: ClearConfig, store: dg.ResourceParam[Store]) -> None:
    """Remove every snapshot and the materialization history; the ledger of API calls stays."""
    with one_line_errors():
        if not config.dry_run and config.confirm != CLEAR:
            remedy = f"set `confirm: {CLEAR}`, or `dry_run: true` to look first"
            raise UsageError("nothing was removed", "emptying the cache cannot be undone", remedy)
        _report(context, clear(store, config.dry_run))
        if not config.dry_run:
            forget_materializations(context.instance, list(store.tables))


def clean_up(store: Store, dry_run: bool = False) -> dict[str, Any]:
    """Clean up the cache; what was removed, or would be, in plain values."""
    return {**_numbers(store.maintenance.cleanup(dry_run)), "dry_run": dry_run}


def clean_up_runs(store: Store, instance: dg.DagsterInstance, dry_run: bool = False) -> int:
    """Remove old run records of Dagster; how many were removed, or would be."""
    if not dry_run:
        mark_dead_runs(instance)
    runs = prune_runs(instance, store.clock() - settings().cache.ttl, dry_run)
    if not dry_run:
        compact(instance)
    return runs


def clear(store: Store, dry_run: bool = False) -> dict[str, Any]:
    """Empty the cache; what was removed, or would be, in plain values."""
    removal = _everything(store) if dry_run else store.maintenance.clear()
    return {**_numbers(removal), "dry_run": dry_run}


def _everything(store: Store) -> Removal:
    """What emptying the cache would remove; the size of the file afterwards is not known."""
    found = stats(store)
    counts = {name: found[f"{name}_count"] for name in store.tables if found[f"{name}_count"]}
    rows = sum(found[f"{name}_rows"] for name in counts)
    size = store.file.size
    return Removal(counts, rows, bytes_before=size, bytes_after=size)


def _report(context: dg.OpExecutionContext, done: Mapping[str, Any]) -> None:
    """On the run page: a line in the log, numbers and a table in the metadata."""
    counts = {name: count for name, count in done["snapshots"].items() if count}
    listed = ", ".join(f"{count} of {name}" for name, count in counts.items()) or "none"
    context.log.info(f"snapshots {'that would go' if done['dry_run'] else 'gone'}: {listed}; {done['rows']:,} rows")
    context.add_output_metadata(dict(done))


def _numbers(removal: Removal) -> dict[str, Any]:
    return {
        "snapshots": dict(removal.snapshots),
        "rows": removal.rows,
        "db_size_mb_before": round(removal.bytes_before / 1e6, 3),
        "db_size_mb": round(removal.bytes_after / 1e6, 3),
        "freed_mb": round(removal.freed / 1e6, 3),
    }


@dg.job(
    description="Retention now. What is older than WHEEL_CACHE__TTL_DAYS goes, then what was used least recently while "
    "the file is over WHEEL_CACHE__MAX_SIZE_GB; the file is compacted; old and surplus run records go.\n\n"
    "To look first, set `dry_run: true` in the Launchpad."
)
def cleanup() -> None:
    """Clean up the cache."""
    remove_what_is_too_old()


@dg.job(
    description="Empty the cache: every snapshot goes at once, and only a backup brings it back. Chains, positions, "
    "Greeks and predictions are made again when they are next read; a paid source is paid again.  "
    f"The ledger of API calls stays.\n\nThe Launchpad begins with `dry_run: true`: look first. Then `confirm: {CLEAR}` "
    "in its place.",
    config={"ops": {"empty_the_cache": {"config": {"dry_run": True}}}},
)
def clear_cache() -> None:
    """Empty the cache."""
    empty_the_cache()


JOBS = (cleanup, clear_cache)
