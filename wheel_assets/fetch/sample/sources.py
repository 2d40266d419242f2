"""A made-up market and an account in it: everything can be tried without a broker, a key or a network.

Both are the same all day long: they depend on the date in New York and on nothing else. Quotes are
those of the close of the last session before that date: at 10 o'clock on a weekday the last complete
set, on a Sunday that of Friday; and so no timestamp ever lies in the future.
"""

from __future__ import annotations

import math
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from wheel_assets.errors import UnknownSymbol
from wheel_assets.fetch.sample.listing import expirations
from wheel_assets.fetch.sample.quotes import Stock, market_at, quotes
from wheel_assets.fetch.source import Access, AccountSource, MarketSource
from wheel_assets.market.calendar import NEW_YORK, last_session, session_of
from wheel_assets.market.osi import format_osi, option_root
from wheel_assets.rows import Rows
from wheel_assets.tables import OPTION_CHAINS, POSITIONS

if TYPE_CHECKING:
    import pandas as pd

# Tickers that many wheel traders know; prices and volatilities are invented.
STOCKS = {
    "U": Stock(anchor=32, volatility=0.55),
    "SMCI": Stock(anchor=38, volatility=0.70),
    "INTC": Stock(anchor=36, volatility=0.45),
    "SOFI": Stock(anchor=22, volatility=0.55),
    "F": Stock(anchor=12.5, volatility=0.38),
}

CASH = 60_000.0
SHARES = 300


class SampleMarket(MarketSource):
    """Chains of a few made-up stocks, without arbitrage, in the shape of real ones."""

    name = "sample"
    concurrency = 4

    def option_chain(self, symbol: str, now: datetime) -> Rows:
        """The chain of the day; raises UnknownSymbol for a stock that is not in this market."""
        return Rows(_chain(symbol, self._stock(symbol), now.astimezone(NEW_YORK).date()).copy())

    def price_history(self, symbol: str, now: datetime) -> Rows:
        """A year that ends at the price of the day's chain; raises UnknownSymbol as `option_chain` does."""
        from wheel_assets.fetch.normalise.bars import history_rows
        from wheel_assets.fetch.sample.price_history import bars

        past = bars(symbol, self._stock(symbol), last_session(now.astimezone(NEW_YORK).date(), before=True))
        return history_rows(self.name, symbol, past["date"], past, now)

    def _stock(self, symbol: str) -> Stock:
        if symbol in STOCKS:
            return STOCKS[symbol]
        raise UnknownSymbol(
            f"the sample market has no {symbol}",
            f"it is made up and has only {', '.join(STOCKS)}",
            "set WHEEL_SYMBOLS to one of these, or WHEEL_MARKET__SOURCE=cboe for real quotes",
            source=self.name,
        )


@lru_cache(maxsize=16)  # the market and the account of one run ask for the same
def _chain(symbol: str, stock: Stock, today: date) -> pd.DataFrame:
    """The chain of a day."""
    import pandas as pd

    session = last_session(today, before=True)
    market = market_at(symbol, stock, session)
    listed = expirations(today, stock.anchor)
    chain = pd.concat(
        [pd.DataFrame(quotes(symbol, market, session, each)).assign(expiration=each.day) for each in listed],
        ignore_index=True,
    )
    contracts = zip(chain["expiration"], chain["option_type"], chain["strike"], strict=True)
    chain["option_symbol"] = [format_osi(option_root(symbol), *contract) for contract in contracts]
    chain = chain.assign(symbol=symbol, spot_price=market.spot, multiplier=100)
    return OPTION_CHAINS.conform(chain.assign(timestamp=session_of(session).closes, source=SampleMarket.name))


class SampleAccount(AccountSource):
    """An account that wheels U: cash, 300 shares, a call that has earned most of its premium, a put to hold."""

    name = "sample"

    def positions(self, account_id: str, now: datetime) -> Rows:
        """The account, whatever its id; market values follow the mids of that day's sample chain."""
        import pandas as pd

        chain = SampleMarket().option_chain("U", now).frame
        spot = float(chain["spot_price"].iloc[0])
        call = _short(chain, "call", days=14, deviations=1.1, earned=0.75)
        put = _short(chain, "put", days=38, deviations=-1.0, earned=0.15)
        shares = {
            "asset_type": "stock",
            "symbol": "U",
            "multiplier": 1,
            "quantity": SHARES,
            "average_price": round(0.97 * spot, 2),
            "market_value": SHARES * spot,
        }
        cash = {"asset_type": "cash", "symbol": "USD", "multiplier": 1, "quantity": CASH, "market_value": CASH}
        frame = pd.DataFrame([shares, call, put, cash])
        stamped = frame.assign(account_id=account_id, timestamp=chain["timestamp"].iloc[0], source=self.name)
        return Rows(POSITIONS.conform(stamped))


def open_market(access: Access) -> SampleMarket:
    """Factory named in the registry entry."""
    return SampleMarket()


def open_account(access: Access) -> SampleAccount:
    """Factory named in the registry entry."""
    return SampleAccount()


def _short(chain: pd.DataFrame, option_type: str, *, days: int, deviations: float, earned: float) -> dict[str, Any]:
    """One contract sold some time ago, of whose premium the part `earned` has been kept so far.

    Of the quoted contracts the one about `days` from its end whose strike is about `deviations`
    standard deviations from the spot.
    """
    quoted = chain[(chain["option_type"] == option_type) & (chain["quote_quality"] == "ok") & (chain["bid"] >= 0.05)]
    left = (quoted["expiration"] - quoted["timestamp"].dt.normalize()).dt.days
    nearest = quoted[left == left.iloc[(left - days).abs().argmin()]]
    reach = deviations * nearest["iv"] * math.sqrt(days / 365)
    contract = nearest.iloc[((nearest["strike"] / nearest["spot_price"]).map(math.log) - reach).abs().argmin()]
    mid = (contract["bid"] + contract["ask"]) / 2
    return {
        "asset_type": "option",
        "symbol": contract["option_symbol"],
        "underlying": contract["symbol"],
        **contract[["option_type", "expiration", "strike", "multiplier"]],
        "quantity": -1,
        "average_price": round(mid / (1 - earned), 2),
        "market_value": -mid * contract["multiplier"],
    }
