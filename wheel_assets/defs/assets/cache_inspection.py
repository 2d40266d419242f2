"""Inspection: what lies in the cache, how old it is and what it cost, on an asset's page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from wheel_assets.cache.reading.one_line import one_sentence
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.stats import stats
from wheel_assets.defs.declare import OWNER, settings
from wheel_assets.defs.flow import nodes
from wheel_assets.sanitise import one_line
from wheel_assets.show import cache_view, markdown

FRESHNESS_BY_KEY = dg.AssetCheckSpec(
    "freshness_by_key",
    asset="cache_inspection",
    description="Every key of every table is younger than its limit, and made of what is in force now.",
)


@dg.asset(group_name="cache", code_version="1", kinds={"duckdb"}, owners=[OWNER], check_specs=[FRESHNESS_BY_KEY])
def cache_inspection(store: dg.ResourceParam[Store]) -> Iterator[dg.MaterializeResult]:
    """What is cached: every key with its age, limit and state; the size, the hit rate, this month's cost.

    Materialize it to look into the cache. It reads the index and nothing else: nothing is fetched,
    computed or stored. `wheel stats` prints the same. No asset is its input: `+cache_inspection`
    must not renew what it is to look at.
    """
    with one_sentence():
        document = stats(store, settings().max_age.of, nodes(settings()))
    metadata = inspection_metadata(document, settings().budget.monthly_usd)
    yield dg.MaterializeResult(metadata=metadata, check_results=[freshness_by_key(document)])


def inspection_metadata(document: Mapping[str, Any], budget_usd: float) -> dict[str, Any]:
    """The document of `cache.stats.stats` as metadata: lines and tables to read, numbers to plot."""
    numbers = {
        "size_mb": float(document["db_size_mb"]),
        "cost_usd": float(document["cost_usd"]),
        "rows": sum(document[f"{name}_rows"] for name in cache_view.table_names(document)),
        "snapshots": document["misses"],
        "stale_keys": sum(key["state"] != "fresh" for key in document["keys"]),
    }
    rate = {} if document["hit_rate"] is None else {"hit_rate": document["hit_rate"]}
    lines = cache_view.summary(document, budget_usd)
    return {
        "summary": dg.MetadataValue.md(markdown.bullets(lines)),
        "keys": _table(cache_view.KEY_COLUMNS, cache_view.key_cells(document)),
        "tables": _table(cache_view.TABLE_COLUMNS, cache_view.table_cells(document)),
        **numbers,
        **rate,
        "file": dg.MetadataValue.path(document["path"]),
    }


def freshness_by_key(document: Mapping[str, Any]) -> dg.AssetCheckResult:
    """Which keys are stale; a warning, for what is stale is renewed when it is asked for."""
    stale = [f"{key['table']} {key['key']} is {key['state']}" for key in document["keys"] if key["state"] != "fresh"]
    return dg.AssetCheckResult(
        passed=not stale,
        severity=dg.AssetCheckSeverity.WARN,
        description=one_line("; ".join(stale)) or f"all {len(document['keys'])} keys are fresh",
        metadata={"stale_keys": len(stale)},
    )


def _table(columns: Mapping[str, str], rows: list[cache_view.Cells]) -> dg.TableMetadataValue:
    """Rows for the browser, which shows a table at once and Markdown of this size only after a click.

    Blanks do not break, or narrow columns would part a number from its unit.
    """
    schema = dg.TableSchema([dg.TableColumn(name, "string", meaning) for name, meaning in columns.items()])
    unbroken = [[cell.replace(" ", "\N{NO-BREAK SPACE}") for cell in row] for row in rows]
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in unbroken]
    return dg.MetadataValue.table(records, schema)
