"""Cost of data: the plan from the registry of vendors beside the actual spend from the ledger of API calls.

The cost table of docs/costs.md and `wheel costs` are made from `plan()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from wheel_assets.cache.upkeep.ledger import RESERVATION
from wheel_assets.vendors import VENDORS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from wheel_assets.cache.store.store import Store


@dataclass(frozen=True)
class Component:
    """A part of the plan: usage and planned dollars a month; `sources` are its names in the ledger."""

    component: str
    usage: str
    planned_usd: float
    sources: tuple[str, ...] = ()


def plan() -> list[Component]:
    """Planned cost a month of every networked vendor, from its registry entry."""
    paid = [Component(v.title, v.usage, v.monthly_usd, (v.name,)) for v in VENDORS if v.remote]
    return [*paid, Component("storage and compute", "this machine", 0)]


_COUNTED = ("calls", "cost_usd", "calls_saved", "saved_usd")


@dataclass(frozen=True)
class Bill:
    """A month (UTC) of one source; `calls_saved` and `saved_usd` are the calls and dollars that its hits avoided."""

    month: str
    source: str
    calls: int = 0
    failed: int = 0
    bytes: int = 0
    cost_usd: float = 0.0
    hits: int = 0
    calls_saved: float = 0.0
    saved_usd: float = 0.0


def costs(store: Store, budget_usd: float) -> dict[str, Any]:
    """Plan, actual and budget of this calendar month (UTC), and the bill of every month, in plain values.

    `plan`: a row a component, with what was planned, spent and saved; a source outside the plan gets a row too.
    `months`: a row a month and source, newest first. A hit saves the calls and dollars that the snapshot it was served
    from had taken; of snapshots that are gone from the cache nothing is known. `spent_usd` includes `reserved_usd`,
    which is held for downloads under way or was by a process that died.
    """
    store.write_touches()
    month = f"{store.clock():%Y-%m}"
    with store.file.attached() as connection:
        bills, reserved = _bills(connection), _reserved(connection, month)
    this_month = [bill for bill in bills if bill.month == month]
    spent = sum(bill.cost_usd for bill in this_month)
    return {
        "month": month,
        "budget_usd": budget_usd,
        "spent_usd": round(spent, 4),
        "reserved_usd": round(reserved, 4),
        "left_usd": round(max(0.0, budget_usd - spent), 4),
        "plan": [_compared(component, this_month) for component in _components(this_month)],
        "months": [_rounded(asdict(bill)) for bill in bills],
    }


def _components(bills: Sequence[Bill]) -> list[Component]:
    """The plan, and a component for every other source in the ledger."""
    planned = {source for component in plan() for source in component.sources}
    others = sorted({bill.source for bill in bills} - planned)
    return [*plan(), *(Component(source, "not in the plan", 0, (source,)) for source in others)]


def _compared(component: Component, bills: Sequence[Bill]) -> dict[str, Any]:
    mine = [bill for bill in bills if bill.source in component.sources]
    row = {name: asdict(component)[name] for name in ("component", "usage", "planned_usd")}
    return row | _rounded({name: sum(getattr(bill, name) for bill in mine) for name in _COUNTED})


def _bills(connection: DuckDBPyConnection) -> list[Bill]:
    """The ledger by month and source, newest first, with what the cache saved.

    The calls that a snapshot took are those of its source since the put before it; several snapshots put
    together share them. They count in the month in which the snapshot was made.
    """
    query = """
        WITH answered AS (
            SELECT source, "at", cost_usd FROM api_calls WHERE error IS NULL
        ), puts AS (
            SELECT source, created_at, count(*) AS snapshots, sum(hits)::BIGINT AS hits FROM snapshots GROUP BY ALL
        ), taken AS (
            SELECT puts.*, count(*) AS calls, sum(cost_usd) AS cost_usd
            FROM answered ASOF JOIN puts ON answered.source = puts.source AND answered."at" <= puts.created_at
            WHERE puts.created_at - answered."at" < INTERVAL 1 HOUR GROUP BY ALL
        ), saved AS (
            SELECT strftime(created_at, '%Y-%m') AS month, source, sum(hits)::BIGINT AS hits,
                   sum(hits * calls / snapshots) AS calls_saved, sum(hits * cost_usd / snapshots) AS saved_usd
            FROM taken GROUP BY ALL
        ), made AS (
            SELECT strftime("at", '%Y-%m') AS month, source, count(*) FILTER (endpoint <> $reservation) AS calls,
                   count(*) FILTER (endpoint <> $reservation AND error IS NOT NULL) AS failed,
                   coalesce(sum(bytes), 0)::BIGINT AS bytes, sum(cost_usd) AS cost_usd
            FROM api_calls GROUP BY ALL
        )
        SELECT month, source, coalesce(calls, 0), coalesce(failed, 0), coalesce(bytes, 0), coalesce(cost_usd, 0),
               coalesce(hits, 0), coalesce(calls_saved, 0), coalesce(saved_usd, 0)
        FROM made FULL JOIN saved USING (month, source) ORDER BY month DESC, source
    """
    return [Bill(*row) for row in connection.execute(query, {"reservation": RESERVATION}).fetchall()]


def _reserved(connection: DuckDBPyConnection, month: str) -> float:
    query = "SELECT coalesce(sum(cost_usd), 0) FROM api_calls WHERE endpoint = ? AND strftime(\"at\", '%Y-%m') = ?"
    return float(connection.execute(query, [RESERVATION, month]).fetchall()[0][0])


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}
