"""Option chains from tastytrade: the list of contracts in one request, quotes of a hundred in each further one.

Its quotes hold no volatility; ours are computed. To keep the requests few, what is beyond any rule of
the wheel is not quoted: expirations after the farthest that may be rolled into, strikes far off.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import pandas as pd

from wheel_assets.errors import SourceError, SourceRefused, UnknownSymbol
from wheel_assets.fetch.http.response import restated
from wheel_assets.fetch.normalise.chains import VendorChain, first_live_day, first_spot
from wheel_assets.fetch.normalise.quotes import numbers, rows_frame
from wheel_assets.fetch.normalise.times import newest_text
from wheel_assets.fetch.source import Access, MarketSource, tell_progress
from wheel_assets.fetch.tastytrade.metrics import metrics_of
from wheel_assets.fetch.tastytrade.session import SOURCE, TastytradeSession, items, session_of
from wheel_assets.market.indices import INDICES
from wheel_assets.rows import Rows

_QUOTES = "/market-data/by-type"
_SYMBOLS_A_REQUEST = 100
_FARTHEST_STRIKE = 0.5  # of the price, up or down
_NAMES = {
    **{"symbol": "code", "bid": "bid", "ask": "ask", "last": "last", "bid-size": "bid_size", "ask-size": "ask_size"},
    **{"volume": "volume", "open-interest": "open_interest"},
}


class TastytradeMarket(MarketSource):
    """Chains up to `days` ahead, in real time with an account."""

    name: ClassVar[str] = SOURCE

    def __init__(self, session: TastytradeSession, days: int = 90) -> None:
        self._session, self._days = session, days
        self._refused: SourceError | None = None

    def option_chain(self, symbol: str, now: datetime) -> Rows:
        """The contracts of the window, see the module and `MarketSource.option_chain`."""
        listed, notes = self._listed(symbol, now)
        kind = "index" if symbol in INDICES else "equity"
        of_shares = self._quotes({kind: [spelt(symbol)]}, symbol)
        row = of_shares[0] if of_shares else {}
        prices = [(name, row.get(name)) for name in ("last", "mark", "mid", "close", "prev-close")]
        spot, spot_notes = first_spot(prices, symbol, SOURCE)
        near = listed[(listed["strike"] / spot - 1).abs() <= _FARTHEST_STRIKE]
        notes += [f"{len(listed) - len(near)} contracts with strikes beyond {_FARTHEST_STRIKE:.0%} are not quoted"]
        sent = self._in_batches(near["code"].tolist(), symbol)
        quoted = rows_frame(sent, _NAMES).rename(columns=_NAMES).reindex(columns=list(_NAMES.values()))
        quoted = quoted.drop_duplicates("code").set_index("code").reindex(near["code"])
        quotes = near.set_index("code").join(quoted).reset_index()
        as_of = newest_text(row.get("updated-at") for row in sent)
        notes += [*spot_notes, *self._volatility_notes(symbol)]
        notes += [] if as_of else ["tastytrade gave no quote time; counted as of now"]
        return VendorChain(SOURCE, symbol, spot, as_of or now, quotes, notes).rows(now)

    def price_history(self, symbol: str, now: datetime) -> Rows:
        """None: tastytrade gives bars to its streaming clients only."""
        what, why = f"no price history of {symbol}", "tastytrade gives bars to its streaming clients only"
        raise SourceError(what, why, "use another market source for it", source=SOURCE)

    def _listed(self, symbol: str, now: datetime) -> tuple[pd.DataFrame, list[str]]:
        """Code, strike and multiplier of every contract within the days; raises UnknownSymbol for none at all."""
        path = f"/option-chains/{quote(spelt(symbol), safe='')}/nested"
        try:
            chains = items(self._session.get(path, {}, key=symbol, endpoint="/option-chains/{symbol}/nested"))
        except SourceError as error:
            if error.status != 404:
                raise
            raise _unknown(error, symbol) from None
        first = first_live_day(now)
        last, rows, adjusted = first + timedelta(days=self._days), [], 0
        for chain in chains:
            contracts = [row for each in _objects(chain, "expirations") for row in _contracts(each, first, last)]
            standard = chain.get("option-chain-type", "Standard") == "Standard"
            adjusted += 0 if standard else len(contracts)
            rows += [{**row, "multiplier": chain.get("shares-per-contract")} for row in contracts if standard]
        notes = [f"expirations after {last} are not quoted"]
        notes += [f"{adjusted} contracts left out: adjusted (other deliverable than 100 shares)"] if adjusted else []
        names = ("code", "strike", "multiplier")
        frame = rows_frame(rows, names).reindex(columns=names)
        return frame.assign(strike=numbers(frame["strike"])).drop_duplicates("code"), notes

    def _in_batches(self, codes: Sequence[str], symbol: str) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        for first in range(0, len(codes), _SYMBOLS_A_REQUEST):
            tell_progress(f"{first} of {len(codes)} quotes")
            sent += self._quotes({"equity-option": list(codes[first : first + _SYMBOLS_A_REQUEST])}, symbol)
        return [row for row in sent if isinstance(row.get("symbol"), str)]

    def _quotes(self, asked: dict[str, list[str]], symbol: str) -> list[dict[str, Any]]:
        """Quotes; some grants are refused them for good: that is found out once."""
        if self._refused:
            raise self._refused
        try:
            return items(self._session.get(_QUOTES, asked, key=symbol))
        except SourceRefused as error:
            if error.status != 403:
                raise
            remedy = "use another WHEEL_MARKET__SOURCE; account and events still work"
            what = "tastytrade gives no quotes to this grant"
            self._refused = restated(error, SourceRefused, what, error.why, remedy)
        raise self._refused

    def _volatility_notes(self, symbol: str) -> list[str]:
        """IV rank and percentile, where tastytrade sends them; they are an extra, and may fail."""
        try:
            found = metrics_of(self._session, [symbol]).get(symbol)
        except SourceError as error:
            return [f"no IV rank: {error.what}"]
        return [found.volatility_note] if found and found.volatility_note else []


def open_market(access: Access) -> TastytradeMarket:
    """Factory named in the registry entry; expirations beyond the farthest of the strategy are not requested."""
    strategy = access.settings.strategy
    return TastytradeMarket(session_of(access), max(strategy.max_days, strategy.max_roll_days))


def spelt(symbol: str) -> str:
    """A ticker as tastytrade writes it: share classes with a slash."""
    return symbol.replace(".", "/")


def _contracts(expiration: dict[str, Any], first: date, last: date) -> list[dict[str, Any]]:
    """Put and call of every strike of an expiration from `first` to `last`."""
    day = str(expiration.get("expiration-date"))
    if not f"{first}" <= day <= f"{last}":
        return []
    strikes = _objects(expiration, "strikes")
    pairs = [(row.get(right), row.get("strike-price")) for row in strikes for right in ("put", "call")]
    return [{"code": code, "strike": strike} for code, strike in pairs if isinstance(code, str)]


def _objects(container: dict[str, Any], name: str) -> list[dict[str, Any]]:
    inner = container.get(name)
    return [each for each in inner if isinstance(each, dict)] if isinstance(inner, list) else []


def _unknown(error: SourceError, symbol: str) -> UnknownSymbol:
    what = f"tastytrade lists no options on {symbol}"
    return restated(error, UnknownSymbol, what, f"HTTP {error.status}", "check the ticker")
