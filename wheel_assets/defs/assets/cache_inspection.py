"""Inspection: contents, freshness and cost of the cache, on an asset's page."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from wheel_assets.cache.reading.names import table_name
from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.fetch_history import FetchCost, fetch_cost_by_source
from wheel_assets.defs.checks.freshness import KEYED, evaluations, inspected
from wheel_assets.defs.declare import OWNER, settings
from wheel_assets.sanitise import for_markdown, one_line
from wheel_assets.show import cache_view, markdown
from wheel_assets.show.freshness import SERVED, Freshness, next_pull, shared_cells, symbol_cells
from wheel_assets.tables import GREEKS, OPTION_CHAINS, POSITIONS, PREDICTIONS, RECOMMENDATION, RISK_FREE_RATE

# Only what every answer makes: Dagster asks for confirmation where a dep was never materialized, and an optional input
# may never be.
INSPECTED = (RISK_FREE_RATE, OPTION_CHAINS, POSITIONS, GREEKS, PREDICTIONS, RECOMMENDATION)
LAST = {"dagster/priority": "-1"}  # after the others, so that Materialize all inspects its own results
FRESHNESS_BY_KEY = dg.AssetCheckSpec(
    "freshness_by_key",
    asset="cache_inspection",
    description="All inputs of the next answer are within their maximum age and made from the snapshots in force.",
)


@dg.asset(
    group_name="cache",
    code_version="2",
    kinds={"duckdb"},
    owners=[OWNER],
    op_tags=LAST,
    check_specs=[FRESHNESS_BY_KEY],
    deps=[table.name for table in INSPECTED],
)
def cache_inspection(
    context: dg.AssetExecutionContext, store: dg.ResourceParam[Store]
) -> Iterator[dg.MaterializeResult[None]]:
    """What is cached: symbols by tables with until when each is fresh; the size, the hit rate, this month's cost.

    Materialize it to look into the cache, and to evaluate the check `freshness` of every asset again. It reads the
    index and nothing else: nothing is fetched, computed or stored. `wheel stats` prints the same.
    """
    with one_line_errors():
        document, matrix = inspected(store, context.instance)
        metadata = inspection_metadata(document, matrix, fetch_cost_by_source(store), settings().budget.monthly_usd)
    context.log.info(one_line("; ".join(f"{number} {state}" for state, number in matrix.counts.items())))
    for verdict in evaluations(matrix, [asset for asset in KEYED if matrix.of(table_name(asset))]):
        context.log_event(verdict)
    yield dg.MaterializeResult(metadata=metadata, check_results=[freshness_by_key(document, matrix)])


def inspection_metadata(
    document: Mapping[str, Any], matrix: Freshness, taken: Mapping[str, FetchCost], budget_usd: float
) -> dict[str, Any]:
    """The document of `stats.stats` and its matrix as metadata: what to read first, then numbers to plot."""
    numbers = {
        "size_mb": float(document["db_size_mb"]),
        "cost_usd": float(document["cost_usd"]),
        "rows": sum(document[f"{name}_rows"] for name in cache_view.table_names(document)),
        "snapshots": document["misses"],
        "stale_keys": sum(cell.state not in SERVED for cell in matrix.cells.values()),
    }
    rate = {} if document["hit_rate"] is None else {"hit_rate": document["hit_rate"]}
    return {
        "next_answer": dg.MetadataValue.md(for_markdown(next_pull(matrix, document["keys"], taken))),
        "freshness": dg.MetadataValue.md(_matrix(matrix)),
        **_at_a_glance(matrix),
        "totals": dg.MetadataValue.md(markdown.bullets(cache_view.summary(document, budget_usd, matrix.now))),
        **numbers,
        **rate,
    }


def _matrix(matrix: Freshness) -> str:
    """Symbols by tables, then what is not by symbol, then how many other symbols are fresh."""
    others = [f"{symbol}: {state}" for symbol, state in matrix.others.items()]
    return markdown.paragraphs(
        markdown.table(_headings(matrix), symbol_cells(matrix)),
        markdown.table(("shared", "state"), shared_cells(matrix)),
        markdown.section("Could not be renewed", markdown.bullets(matrix.failures)),
        markdown.section("Other symbols", markdown.bullets([", ".join(others)]) if others else ""),
    )


def _at_a_glance(matrix: Freshness) -> dict[str, Any]:
    """The matrix as a table where its Markdown is too long for Dagster's page, which shows it only after a click."""
    if len(_matrix(matrix)) < markdown.SHOWN_AT_ONCE:
        return {}
    return {"freshness_of_symbols": _table(dict.fromkeys(_headings(matrix), ""), symbol_cells(matrix))}


def _headings(matrix: Freshness) -> tuple[str, ...]:
    """The tables in words that can break, or six columns would not fit a window of 1,280 pixels."""
    return ("symbol", *(name.replace("_", " ").replace("predic", "predic\N{SOFT HYPHEN}") for name in matrix.tables))


def freshness_by_key(document: Mapping[str, Any], matrix: Freshness) -> dg.AssetCheckResult:
    """The stale keys of the matrix; only a warning, because stale data is refreshed when it is next read.

    Tables and a path as wide as these would make the asset's own page scroll sideways.
    """
    cells = matrix.cells.items()
    stale = [f"{table} {key} {cell.words}" for (table, key), cell in cells if cell.state not in SERVED]
    return dg.AssetCheckResult(
        passed=not stale,
        severity=dg.AssetCheckSeverity.WARN,
        description=one_line("; ".join(stale)) or f"all {len(cells)} keys are fresh",
        metadata={
            "stale_keys": len(stale),
            "keys": _keys(document, matrix),
            "tables": _table(cache_view.TABLE_COLUMNS, cache_view.table_cells(document)),
            "file": document["path"],
        },
    )


def _keys(document: Mapping[str, Any], matrix: Freshness) -> dg.TableMetadataValue:
    """Every key; without when it was last used, for which a window of 1,280 pixels has no room."""
    columns = {name: heading for name, heading in cache_view.KEY_COLUMNS.items() if name != "last used"}
    rows = [dict(zip(cache_view.KEY_COLUMNS, row, strict=True)) for row in cache_view.key_cells(document, matrix.now)]
    return _table(columns, [tuple(row[name].replace("+", "+ ") for name in columns) for row in rows])


def _table(columns: Mapping[str, str], rows: list[cache_view.Cells]) -> dg.TableMetadataValue:
    """Rows for the browser, which shows a table at once and Markdown of this size only after a click."""
    schema = dg.TableSchema([dg.TableColumn(name, "string", meaning) for name, meaning in columns.items()])
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows]
    return dg.MetadataValue.table(records, schema)
