"""Inspection: what lies in the cache, how old it is and what it cost, on an asset's page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from wheel_assets.cache.sentence import one_sentence
from wheel_assets.cache.stats import stats
from wheel_assets.cache.store import Store
from wheel_assets.defs.declare import OWNER, settings

FRESHNESS_BY_KEY = dg.AssetCheckSpec(
    "freshness_by_key",
    asset="cache_inspection",
    description="Every key of every table is younger than its limit, and made of what is in force now.",
)
COLUMNS = {
    "table": "table",
    "key": "key",
    "age_minutes": "age, min",
    "max_age_minutes": "limit, min",
    "state": "state",
    "rows": "rows",
    "bytes": "size, kB",
    "source": "source",
    "hits": "hits",
    "last_used_at": "last used, UTC",
}


@dg.asset(group_name="cache", code_version="1", kinds={"duckdb"}, owners=[OWNER], check_specs=[FRESHNESS_BY_KEY])
def cache_inspection(store: dg.ResourceParam[Store]) -> Iterator[dg.MaterializeResult]:
    """What is cached: every key with its age, limit and state; the size, the hit rate, this month's cost.

    Materialize it to look into the cache. It reads the index and nothing else: nothing is fetched,
    computed or stored. `wheel stats` prints the same. No asset is its input: `+cache_inspection`
    must not renew what it is to look at.
    """
    with one_sentence():
        document = stats(store, settings().max_age.of)
    metadata = inspection_metadata(document, settings().budget.monthly_usd)
    yield dg.MaterializeResult(metadata=metadata, check_results=[freshness_by_key(document)])


def inspection_metadata(document: Mapping[str, Any], budget_usd: float) -> dict[str, Any]:
    """The document of `cache.stats.stats` as metadata: a table to read, numbers to plot."""
    limit = document["limit_mb"]
    parts = [
        f"**{document['db_size_mb']:.1f} MB** {f'of {limit:g} MB' if limit else 'without limit'}",
        f"**{document['hits']}** reads served from the cache, **{document['misses']}** made anew",
        f"**${document['cost_usd']:.2f}** of ${budget_usd:g} spent this month in {document['api_calls']} API calls",
    ]
    numbers = {
        "size_mb": document["db_size_mb"],
        "cost_usd": document["cost_usd"],
        "rows": sum(value for name, value in document.items() if name.endswith("_rows")),
        "snapshots": document["misses"],
        "stale_keys": sum(key["state"] != "fresh" for key in document["keys"]),
    }
    rate = {} if document["hit_rate"] is None else {"hit_rate": document["hit_rate"]}
    return {
        "summary": dg.MetadataValue.md("  \n".join(parts)),
        "keys": dg.MetadataValue.md(_table(document["keys"])),
        "file": dg.MetadataValue.path(document["path"]),
        **{name: float(value) if name.endswith(("_mb", "_usd")) else value for name, value in numbers.items()},
        **rate,
    }


def freshness_by_key(document: Mapping[str, Any]) -> dg.AssetCheckResult:
    """Which keys are stale; a warning, for what is stale is renewed when it is asked for."""
    stale = [f"{key['table']} {key['key']} is {key['state']}" for key in document["keys"] if key["state"] != "fresh"]
    return dg.AssetCheckResult(
        passed=not stale,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(stale) or f"all {len(document['keys'])} keys are fresh",
        metadata={"stale_keys": len(stale)},
    )


def _table(keys: list[Mapping[str, Any]]) -> str:
    """The keys as a Markdown table."""
    if not keys:
        return "The cache is empty."
    cells = [[_cell(name, key[name]) for name in COLUMNS] for key in keys]
    return "\n".join(f"| {' | '.join(row)} |" for row in (COLUMNS.values(), ["---"] * len(COLUMNS), *cells))


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "bytes":
        return f"{value / 1000:,.0f}"
    if name == "last_used_at":
        return str(value)[:16].replace("T", " ")
    return f"{value:,.1f}" if isinstance(value, float) else str(value).replace("|", "\\|")
