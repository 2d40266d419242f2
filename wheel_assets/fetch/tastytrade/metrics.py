"""tastytrade's market metrics: IV rank, earnings and dividends of a watchlist in one request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

from wheel_assets.errors import UnexpectedAnswer
from wheel_assets.fetch.events.frame import Event, event_frame, sent_day
from wheel_assets.fetch.normalise.quotes import non_negative
from wheel_assets.fetch.source import Access, EventSource, RankSource, VolatilityRank
from wheel_assets.fetch.tastytrade.session import SOURCE, TastytradeSession, items, session_of
from wheel_assets.rows import Rows

_METRICS = "/market-metrics"
_SYMBOLS_A_REQUEST = 50
_TIMES = {"BTO": "before_open", "AMC": "after_close", "before": "before_open", "after": "after_close"}


@dataclass(frozen=True)
class Metrics:
    """What tastytrade says of a stock: IV index decimal a year, rank and percentile 0 to 1; None where unknown."""

    iv_index: float | None
    iv_rank: float | None
    iv_percentile: float | None

    @property
    def volatility_note(self) -> str:
        """Rank and percentile in words; empty where neither is known."""
        ranks = {"IV rank": self.iv_rank, "IV percentile": self.iv_percentile}
        known = [f"{name} {value:.0%}" for name, value in ranks.items() if value is not None]
        return f"{', '.join(known)} (tastytrade, of a year)" if known else ""


class TastytradeEvents(EventSource):
    """Earnings and ex-dividend dates of the market metrics."""

    name: ClassVar[str] = SOURCE

    def __init__(self, session: TastytradeSession) -> None:
        self._session = session

    def events(self, symbols: Sequence[str], until: date, now: datetime) -> Rows:
        """See `EventSource.events`; a symbol that tastytrade does not know, or without a date to be read, fails."""
        found = _items(self._session, symbols)
        failures = {symbol: f"tastytrade has no metrics of {symbol}" for symbol in symbols if symbol not in found}
        events: list[Event] = []
        for symbol, item in found.items():
            try:
                events += [*_earnings(symbol, item.get("earnings")), *_dividends(symbol, item)]
            except ValueError as error:
                failures[symbol] = f"tastytrade sent events of {symbol} that cannot be read; {error}"
        known = [symbol for symbol in symbols if symbol not in failures]
        if not known:
            raise UnexpectedAnswer(next(iter(failures.values())), "", "try again later", source=SOURCE)
        return Rows(event_frame(SOURCE, events, known, now, until=until), (), failures)


def open_events(access: Access) -> TastytradeEvents:
    """Factory named in the registry entry."""
    return TastytradeEvents(session_of(access))


class TastytradeRanks(RankSource):
    """Ranks of the market metrics, of a year."""

    name: ClassVar[str] = SOURCE

    def __init__(self, session: TastytradeSession) -> None:
        self._session = session

    def ranks(self, symbols: Sequence[str]) -> dict[str, VolatilityRank]:
        """See `RankSource.ranks`."""
        found = metrics_of(self._session, symbols)
        return {symbol: VolatilityRank(each.iv_rank, each.iv_percentile) for symbol, each in found.items()}


def open_ranks(access: Access) -> TastytradeRanks:
    """Factory named in the registry entry."""
    return TastytradeRanks(session_of(access))


def metrics_of(session: TastytradeSession, symbols: Sequence[str]) -> dict[str, Metrics]:
    """The metrics by symbol; what tastytrade does not know is left out."""
    return {symbol: _metrics(item) for symbol, item in _items(session, symbols).items()}


def _items(session: TastytradeSession, symbols: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What is sent of each symbol."""
    found: dict[str, dict[str, Any]] = {}
    for first in range(0, len(symbols), _SYMBOLS_A_REQUEST):
        asked = ",".join(symbol.replace(".", "/") for symbol in symbols[first : first + _SYMBOLS_A_REQUEST])
        for item in items(session.get(_METRICS, {"symbols": asked})):
            symbol = str(item.get("symbol")).replace("/", ".")
            found |= {symbol: item} if symbol in symbols else {}
    return found


def _metrics(item: dict[str, Any]) -> Metrics:
    rank = _share(item, "implied-volatility-index-rank") or _share(item, "tw-implied-volatility-index-rank")
    iv = float(non_negative([item.get("implied-volatility-index")])[0])
    return Metrics(iv if 0 < iv < 5 else None, rank, _share(item, "implied-volatility-percentile"))


def _share(item: dict[str, Any], name: str) -> float | None:
    """A number from 0 to 1."""
    value = float(non_negative([item.get(name)])[0])
    return value if 0 <= value <= 1 else None


def _earnings(symbol: str, sent: Any) -> list[Event]:
    """The next report, where one is sent."""
    if sent is None:
        return []
    if not isinstance(sent, dict):
        raise ValueError("its earnings are no object")
    day = sent_day(sent.get("expected-report-date"))
    time_of_day = _TIMES.get(str(sent.get("time-of-day")))
    estimated = sent.get("estimated") if isinstance(sent.get("estimated"), bool) else None
    return [Event(symbol, "earnings", day, time_of_day, estimated)] if day else []


def _dividends(symbol: str, item: dict[str, Any]) -> list[Event]:
    """The next ex-dividend dates; the amount is the last declared, and belongs to its own date only."""
    amount = float(non_negative([item.get("dividend-rate-per-share")])[0])
    days = {day for name in ("dividend-ex-date", "dividend-next-date") if (day := sent_day(item.get(name)))}
    return [Event(symbol, "ex_dividend", day, None, None, amount if amount > 0 else None) for day in sorted(days)]
