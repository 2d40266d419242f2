"""Inspection: what lies in the cache, until when it is fresh and what it cost, on an asset's page."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from wheel_assets.cache.reading.one_line import one_sentence
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.outlook import Taken, last_failures, taken_by_source
from wheel_assets.cache.upkeep.stats import stats
from wheel_assets.defs.declare import OWNER, settings
from wheel_assets.defs.flow import nodes
from wheel_assets.sanitise import for_markdown, one_line
from wheel_assets.show import cache_view, markdown
from wheel_assets.show.freshness import Freshness, freshness, next_pull, shared_cells, symbol_cells
from wheel_assets.tables import GREEKS, OPTION_CHAINS, POSITIONS, PREDICTIONS, RECOMMENDATION, RISK_FREE_RATE

# Shown below what every answer makes, and pulling none of it. Dagster asks for confirmation where a dep was never
# materialized: what is optional may never be.
LOOKED_AT = (RISK_FREE_RATE, OPTION_CHAINS, POSITIONS, GREEKS, PREDICTIONS, RECOMMENDATION)
FRESHNESS_BY_KEY = dg.AssetCheckSpec(
    "freshness_by_key",
    asset="cache_inspection",
    description="Every key of every table is younger than its limit, and made of what is in force now.",
)


@dg.asset(
    group_name="cache",
    code_version="2",
    kinds={"duckdb"},
    owners=[OWNER],
    check_specs=[FRESHNESS_BY_KEY],
    deps=[table.name for table in LOOKED_AT],
)
def cache_inspection(
    context: dg.AssetExecutionContext, store: dg.ResourceParam[Store]
) -> Iterator[dg.MaterializeResult[None]]:
    """What is cached: symbols by tables with until when each is fresh; the size, the hit rate, this month's cost.

    Materialize it to look into the cache. It reads the index and nothing else: nothing is fetched,
    computed or stored. `wheel stats` prints the same.
    """
    with one_sentence():
        document = stats(store, settings().max_age.of, nodes(settings()))
        matrix = freshness(
            document,
            store.clock(),
            settings().symbols,
            holdings=_held(store),
            failures=last_failures(store),
        )
        metadata = inspection_metadata(document, matrix, taken_by_source(store), settings().budget.monthly_usd)
    context.log.info(one_line("; ".join(f"{number} {state}" for state, number in matrix.counts.items())))
    yield dg.MaterializeResult(metadata=metadata, check_results=[freshness_by_key(document)])


def inspection_metadata(
    document: Mapping[str, Any], matrix: Freshness, taken: Mapping[str, Taken], budget_usd: float
) -> dict[str, Any]:
    """The document of `stats.stats` and its matrix as metadata: what to read first, then tables, numbers to plot."""
    numbers = {
        "size_mb": float(document["db_size_mb"]),
        "cost_usd": float(document["cost_usd"]),
        "rows": sum(document[f"{name}_rows"] for name in cache_view.table_names(document)),
        "snapshots": document["misses"],
        "stale_keys": sum(key["state"] != "fresh" for key in document["keys"]),
    }
    rate = {} if document["hit_rate"] is None else {"hit_rate": document["hit_rate"]}
    return {
        "next_answer": dg.MetadataValue.md(for_markdown(next_pull(matrix, document["keys"], taken))),
        "freshness": dg.MetadataValue.md(_matrix(matrix)),
        **_at_a_glance(matrix),
        "totals": dg.MetadataValue.md(markdown.bullets(cache_view.summary(document, budget_usd))),
        "keys": _table(cache_view.KEY_COLUMNS, cache_view.key_cells(document)),
        "tables": _table(cache_view.TABLE_COLUMNS, cache_view.table_cells(document)),
        **numbers,
        **rate,
        "file": dg.MetadataValue.path(document["path"]),
    }


def _matrix(matrix: Freshness) -> str:
    """Symbols by tables, then what is shared by all, then how many other symbols are fresh."""
    others = [f"{symbol}: {told}" for symbol, told in matrix.others.items()]
    return markdown.paragraphs(
        markdown.table(("symbol", *matrix.tables), symbol_cells(matrix)),
        markdown.table(tuple(matrix.shared), shared_cells(matrix)),
        markdown.section("Other symbols", markdown.bullets([", ".join(others)]) if others else ""),
    )


def _at_a_glance(matrix: Freshness) -> dict[str, Any]:
    """The matrix as a table where its Markdown is too long for Dagster's page, which shows it only after a click."""
    if len(_matrix(matrix)) < markdown.SHOWN_AT_ONCE:
        return {}
    columns = dict.fromkeys(("symbol", *matrix.tables), "")
    return {"freshness_of_symbols": _table(columns, symbol_cells(matrix))}


def freshness_by_key(document: Mapping[str, Any]) -> dg.AssetCheckResult:
    """Which keys are stale; a warning, for what is stale is renewed when it is asked for."""
    stale = [f"{key['table']} {key['key']} is {key['state']}" for key in document["keys"] if key["state"] != "fresh"]
    return dg.AssetCheckResult(
        passed=not stale,
        severity=dg.AssetCheckSeverity.WARN,
        description=one_line("; ".join(stale)) or f"all {len(document['keys'])} keys are fresh",
        metadata={"stale_keys": len(stale)},
    )


def _held(store: Store) -> list[str]:
    """The underlyings of the newest positions."""
    query = """SELECT DISTINCT underlying FROM positions WHERE underlying IS NOT NULL AND snapshot_id IN
        (SELECT max(snapshot_id) FROM snapshots WHERE table_name = 'positions' GROUP BY key) ORDER BY 1"""
    with store.file.attached() as connection:
        return [symbol for (symbol,) in connection.execute(query).fetchall()]


def _table(columns: Mapping[str, str], rows: list[cache_view.Cells]) -> dg.TableMetadataValue:
    """Rows for the browser, which shows a table at once and Markdown of this size only after a click.

    Blanks do not break, or narrow columns would part a number from its unit.
    """
    schema = dg.TableSchema([dg.TableColumn(name, "string", meaning) for name, meaning in columns.items()])
    unbroken = [[cell.replace(" ", "\N{NO-BREAK SPACE}") for cell in row] for row in rows]
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in unbroken]
    return dg.MetadataValue.table(records, schema)
