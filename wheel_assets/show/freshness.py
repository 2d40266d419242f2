"""The view model of freshness: symbols (and accounts) by tables, each cell a state with a time that stays true.

A cell says until when what is cached is served again ("fresh until 23:33 ET"), not how old it was at the moment
of looking: the words are still right when they are read an hour later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
# State and the mark that stands before it; a word always stands beside the colour.
MARKS = {"fresh": "🟢", "due soon": "🟡", "stale": "🟠", "failed": "🔴", "never": "⚪"}
DUE_SOON = 1 / 3  # of the maximum age left; Dagster's own freshness policy warns from there too
BY_SYMBOL = ("option_chains", "greeks", "predictions", "price_history", "events")


class Cell(NamedTuple):
    """The state of one table and key, and since or until when."""

    state: str
    when: str = ""

    def __str__(self) -> str:
        return f"{MARKS[self.state]} {' '.join(filter(None, self))}"


@dataclass(frozen=True)
class Freshness:
    """What is fresh: `symbols` are rows of the matrix, watchlist and holdings first; `others` are only counted."""

    now: datetime
    tables: tuple[str, ...]
    symbols: Mapping[str, tuple[Cell, ...]]
    shared: Mapping[str, Cell]
    others: Mapping[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """Cells by state, those of the other symbols left out."""
        cells = [*(cell for row in self.symbols.values() for cell in row), *self.shared.values()]
        return {state: number for state in MARKS if (number := sum(cell.state == state for cell in cells))}


def freshness(
    document: Mapping[str, Any],
    now: datetime,
    watchlist: Sequence[str],
    *,
    holdings: Iterable[str] = (),
    failures: Mapping[tuple[str, str], str] | None = None,
) -> Freshness:
    """The matrix of the document of `stats.stats`; `now` is naive UTC, `failures` reasons by table and key."""
    keys = {(key["table"], key["key"]): key for key in document["keys"]}
    cached = {key for table, key in keys if table in BY_SYMBOL}
    first = list(dict.fromkeys([*watchlist, *(symbol for symbol in holdings if symbol in cached)]))

    def cell(table: str, key: str) -> Cell:
        return _cell(keys.get((table, key)), now, (failures or {}).get((table, key)))

    tables = tuple(table for table in BY_SYMBOL if f"{table}_count" in document)
    shared = {f"{table} {key}": cell(table, key) for table, key in keys if table not in (*BY_SYMBOL, "documents")}
    others = {}
    for symbol in sorted(cached - set(first)):
        states = [cell(table, symbol).state for table in tables if (table, symbol) in keys]
        others[symbol] = f"{states.count('fresh')} of {len(states)} fresh"
    return Freshness(now, tables, {s: tuple(cell(table, s) for table in tables) for s in first}, shared, others)


def to_pull(matrix: Freshness, fetched: Collection[str] = ("option_chains",)) -> list[str]:
    """What the next answer would fetch from outside: tables and keys that are not fresh, optional ones left out."""
    wanted = [
        f"{table} {symbol}"
        for symbol, row in matrix.symbols.items()
        for table, cell in zip(matrix.tables, row, strict=True)
        if table in fetched and cell.state not in ("fresh", "due soon")
    ]
    shared = [
        name
        for name, cell in matrix.shared.items()
        if name.split()[0] in ("positions", "risk_free_rate") and cell.state not in ("fresh", "due soon")
    ]
    return wanted + shared


def next_pull(matrix: Freshness, keys: Iterable[Mapping[str, Any]], taken: Mapping[str, Any]) -> str:
    """What the next answer would pull, and what that takes by what it took before (`outlook.taken_by_source`)."""
    names = to_pull(matrix)
    if not names:
        return f"As of {et(matrix.now, matrix.now)} the next answer would pull nothing from outside."
    sources = {f"{key['table']} {key['key']}": key["source"] for key in keys}
    known = [taken[sources[name]] for name in names if sources.get(name) in taken]
    calls, dollars = round(sum(each.calls for each in known)), sum(each.cost_usd for each in known)
    cost = f"about {calls} requests, ${dollars:.2f}" if known else "requests not known yet"
    listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return f"As of {et(matrix.now, matrix.now)} the next answer would pull {listed}: {cost}."


def symbol_cells(matrix: Freshness) -> list[tuple[str, ...]]:
    """One row a symbol, in the order of the tables."""
    return [(symbol, *map(str, cells)) for symbol, cells in matrix.symbols.items()]


def shared_cells(matrix: Freshness) -> list[tuple[str, ...]]:
    """One row each of what is not by symbol: accounts, rates, the answer."""
    return [(name, str(cell)) for name, cell in matrix.shared.items()]


def et(when: datetime, now: datetime) -> str:
    """A naive UTC time as New York's clock shows it, with the day where it is another one than now's.

    >>> et(datetime(2026, 11, 24, 4, 33), datetime(2026, 11, 24, 3, 0))
    '23:33 ET'
    >>> et(datetime(2026, 11, 25, 4, 33), datetime(2026, 11, 24, 3, 0))
    'Tue 24 Nov 23:33 ET'
    """
    local, today = (time.replace(tzinfo=UTC).astimezone(NEW_YORK) for time in (when, now))
    if local.date() == today.date():
        return f"{local:%H:%M} ET"
    return f"{local:%a} {local.day} {local:%b} {local:%H:%M} ET"


def _cell(key: Mapping[str, Any] | None, now: datetime, failure: str | None) -> Cell:
    if failure:
        return Cell("failed", failure)
    if key is None:
        return Cell("never")
    created = datetime.fromisoformat(key["created_at"])
    limit = key["max_age_minutes"]
    until = None if limit is None else created + timedelta(minutes=limit)
    if key["state"] == "fresh" and until is None:
        return Cell("fresh")
    if key["state"] == "fresh" and until is not None:
        soon = until - now < timedelta(minutes=limit * DUE_SOON)
        return Cell("due soon" if soon else "fresh", f"until {et(until, now)}")
    if key["state"] == "too_old" and until is not None:
        return Cell("stale", f"since {et(until, now)}")
    renewed = key["state"] == "input_superseded"
    return Cell("stale", "inputs renewed" if renewed else str(key["state"]).replace("_", " "))
