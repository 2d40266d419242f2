"""The view model of freshness: symbols (and accounts) by tables, each cell a state with a time that stays true.

A cell says until when what is cached is served again ("fresh until 23:33 ET"), not how old it was at the moment
of looking: the words are still right when they are read an hour later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from wheel_assets.tables import EVENTS, GREEKS, OPTION_CHAINS, POSITIONS, PREDICTIONS, PRICE_HISTORY, RISK_FREE_RATE
from wheel_assets.tables import VOLATILITY_HISTORY as VOLATILITY

if TYPE_CHECKING:
    from wheel_assets.cache.policy import CacheKey
    from wheel_assets.cache.upkeep.fetch_history import Failure

NEW_YORK = ZoneInfo("America/New_York")
# State and the mark that stands before it; a word always stands beside the colour.
MARKS = {"fresh": "🟢", "due soon": "🟡", "stale": "🟠", "failed": "🔴", "never": "⚪"}
SERVED = ("fresh", "due soon")
DUE_SOON = 1 / 3  # of the maximum age left; Dagster's own freshness policy warns from there too
NEEDED = tuple(table.name for table in (OPTION_CHAINS, GREEKS, PREDICTIONS))  # of every symbol, by every answer
BY_SYMBOL = (*NEEDED, *(table.name for table in (VOLATILITY, PRICE_HISTORY, EVENTS)))
FETCHED = tuple(table.name for table in (OPTION_CHAINS, POSITIONS, RISK_FREE_RATE))  # from outside, by every answer


class Cell(NamedTuple):
    """The state of one table and key, since or until when, and the failure if it could not be renewed."""

    state: str
    when: str = ""
    failure: Failure | None = None

    @property
    def words(self) -> str:
        """The state and its time."""
        return " ".join(filter(None, (self.state, self.when)))

    def __str__(self) -> str:
        return f"{MARKS[self.state]} {self.words}"


@dataclass(frozen=True)
class Freshness:
    """What is fresh: `symbols` are rows of the matrix, watchlist and holdings first; `others` are only counted."""

    now: datetime
    tables: tuple[str, ...]
    symbols: Mapping[str, tuple[Cell, ...]]
    shared: Mapping[CacheKey, Cell]
    others: Mapping[str, str]

    @property
    def cells(self) -> dict[CacheKey, Cell]:
        """Every cell by table and key, those of the other symbols left out."""
        rows = self.symbols.items()
        by_symbol = {(table, s): cell for s, row in rows for table, cell in zip(self.tables, row, strict=True)}
        return {**by_symbol, **self.shared}

    def of(self, table: str) -> dict[str, Cell]:
        """The cells of a table by key."""
        return {key: cell for (name, key), cell in self.cells.items() if name == table}

    @property
    def counts(self) -> dict[str, int]:
        """Cells by state."""
        states = [cell.state for cell in self.cells.values()]
        return {state: states.count(state) for state in MARKS if state in states}

    @property
    def failures(self) -> list[str]:
        """A line a reason, with everything that failed for it."""
        about: dict[str, list[str]] = {}
        for (table, key), cell in self.cells.items():
            if cell.failure:
                about.setdefault(cell.failure.why, []).append(f"{table} {key}")
        return [f"{', '.join(names)}: {why}" for why, names in about.items()]


def freshness(
    document: Mapping[str, Any],
    now: datetime,
    watchlist: Sequence[str],
    *,
    holdings: Iterable[str] = (),
    account: str = "default",
    failures: Mapping[CacheKey, Failure] | None = None,
) -> Freshness:
    """The matrix of the document of `stats.stats`; `now` is naive UTC.

    What every answer needs has a place even where it was never made; what an answer can do without has one where it is.
    """
    keys = {(key["table"], key["key"]): key for key in document["keys"]}
    failed = dict(failures or {})
    cached = {key for table, key in keys if table in BY_SYMBOL}
    first = list(dict.fromkeys([*watchlist, *(symbol for symbol in holdings if symbol in cached)]))

    def cell(cache_key: CacheKey) -> Cell:
        """The cell of one cache key."""
        return _cell(keys.get(cache_key), now, failed.get(cache_key))

    tables = tuple(name for name in BY_SYMBOL if name in NEEDED or any((name, s) in {*keys, *failed} for s in first))
    shared = dict.fromkeys([(POSITIONS.name, account), (RISK_FREE_RATE.name, "all")])
    shared |= dict.fromkeys(cache_key for cache_key in keys if cache_key[0] not in BY_SYMBOL)
    others = {}
    for symbol in sorted(cached - set(first)):
        states = [cell((table, symbol)).state for table in BY_SYMBOL if (table, symbol) in keys]
        others[symbol] = f"{sum(state in SERVED for state in states)} of {len(states)} fresh"
    rows = {symbol: tuple(cell((table, symbol)) for table in tables) for symbol in first}
    return Freshness(now, tables, rows, {cache_key: cell(cache_key) for cache_key in shared}, others)


def to_pull(matrix: Freshness) -> list[CacheKey]:
    """What the next answer would fetch from outside; what it can do without is left out."""
    return [key for key, cell in matrix.cells.items() if key[0] in FETCHED and cell.state not in SERVED]


def next_pull(matrix: Freshness, keys: Iterable[Mapping[str, Any]], taken: Mapping[str, Any]) -> str:
    """What the next answer would pull, and what that takes; `taken`: what it took before, by source (`FetchCost`)."""
    wanted = to_pull(matrix)
    if not wanted:
        return f"As of {et(matrix.now, matrix.now)} the next answer would pull nothing from outside."
    sources = {(key["table"], key["key"]): key["source"] for key in keys}
    known = [taken[sources[cache_key]] for cache_key in wanted if sources.get(cache_key) in taken]
    calls, dollars = round(sum(each.calls for each in known)), sum(each.cost_usd for each in known)
    cost = f"about {calls} requests, ${dollars:.2f}" if known else "requests not known yet"
    names = [" ".join(cache_key) for cache_key in wanted]
    listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    return f"As of {et(matrix.now, matrix.now)} the next answer would pull {listed}: {cost}."


def symbol_cells(matrix: Freshness) -> list[tuple[str, ...]]:
    """One row a symbol, in the order of the tables."""
    return [(symbol, *map(str, cells)) for symbol, cells in matrix.symbols.items()]


def shared_cells(matrix: Freshness) -> list[tuple[str, ...]]:
    """One row each of what is not by symbol: accounts, rates, the answer."""
    return [(name if key == "all" else f"{name} {key}", str(cell)) for (name, key), cell in matrix.shared.items()]


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


def key_cell(key: Mapping[str, Any], now: datetime) -> Cell:
    """The state of one entry of `keys` in the document of `stats.stats`."""
    limit = key["max_age_minutes"]
    until = None if limit is None else datetime.fromisoformat(key["created_at"]) + timedelta(minutes=limit)
    if key["state"] == "fresh":
        soon = until is not None and until - now < timedelta(minutes=limit * DUE_SOON)
        return Cell("due soon" if soon else "fresh", f"until {et(until, now)}" if until else "")
    if key["state"] == "too_old" and until is not None:
        return Cell("stale", f"since {et(until, now)}")
    return Cell("stale", {"input_superseded": "inputs renewed", "absent": "made otherwise"}.get(key["state"], ""))


def _cell(key: Mapping[str, Any] | None, now: datetime, failure: Failure | None) -> Cell:
    if failure and (key is None or datetime.fromisoformat(key["created_at"]) < failure.at):
        return Cell("failed", et(failure.at, now), failure)
    return Cell("never") if key is None else key_cell(key, now)
