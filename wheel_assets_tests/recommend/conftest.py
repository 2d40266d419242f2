"""A desk to trade at: frames made by hand, with exactly the stored columns of their tables."""

from __future__ import annotations

import math
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from wheel_assets import tables
from wheel_assets.recommend.advice import Advice, Inputs, advise
from wheel_assets.strategy import StrategySettings

# A Monday, 11:00 in New York: the market is open.
NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)


def osi(root: str, expiration: date, right: str, strike: float) -> str:
    """The padded 21-character code."""
    return f"{root:<6}{expiration:%y%m%d}{right[0].upper()}{round(strike * 1000):08d}"


def stored(table: tables.SnapshotTable, rows: list[dict[str, Any]], minutes_old: float) -> pd.DataFrame:
    """The rows as they come out of the cache."""
    names = [column.name for column in table.columns]
    frame = table.conform(pd.DataFrame(rows, columns=names))
    frame.insert(0, "snapshot_id", pd.Series([7] * len(frame), dtype="Int64"))
    created = pd.Timestamp(NOW - timedelta(minutes=minutes_old)).tz_localize(None)
    return frame.assign(created_at=pd.Series([created] * len(frame), dtype="datetime64[us]"))


# What a test is not about: no reserve, no cap on a day, nothing said of events or of the model's mean.
PLAIN = {
    "cash_reserve": 0.0,
    "max_new_collateral": 1.0,
    "unknown_events": "ignore",
    "negative_expectation": "ignore",
}


class Desk:
    """Quotes and holdings, added one at a time; `advise` asks."""

    def __init__(self) -> None:
        self.chains: list[dict[str, Any]] = []
        self.greeks: list[dict[str, Any]] = []
        self.predictions: list[dict[str, Any]] = []
        self.positions: list[dict[str, Any]] = []
        self.minutes_old = {"option_chains": 3.0, "positions": 12.0, "greeks": 3.0, "predictions": 3.0}

    def quote(self, right: str, strike: float, bid: float, ask: float, **more: Any) -> Desk:
        """A contract on U at $30, 35 days out, |delta| 0.20, 20 % to be assigned, worst 5 % losing 10 %."""
        at = {
            "symbol": "U",
            "spot": 30.0,
            "days": 35,
            "delta": 0.2,
            "prob": 0.2,
            "cvar": -0.1,
            "interest": 500,
            "source": "cboe",
        } | more
        expiration = TODAY + timedelta(days=at["days"])
        contract = {
            "timestamp": at.get("as_of", NOW - timedelta(minutes=15)).replace(tzinfo=None),
            "symbol": at["symbol"],
            "option_symbol": osi(at.get("root", at["symbol"]), expiration, right, strike),
            "expiration": expiration,
            "strike": strike,
            "option_type": right,
            "spot_price": at["spot"],
        }
        quality = at.get("quality", "ok" if bid > 0 else "no_bid")
        self.chains.append(
            contract
            | {"bid": bid, "ask": ask, "open_interest": at["interest"], "multiplier": at.get("multiplier", 100)}
            | {"volume": at.get("volume", 50)}
            | {"quote_quality": quality, "source": at["source"]}
        )
        signed = at["delta"] if right == "call" else -at["delta"]
        self.greeks.append(
            contract
            | {
                "risk_free_rate": 0.04,
                "dividend_yield": 0.0,
                "years": at["days"] / 365,
                "delta": signed,
                "iv": at.get("iv", 0.5),
                "status": "ok",
            }
        )
        del contract["spot_price"]
        self.predictions.append(
            contract
            | {
                "prediction_id": "p",
                "prob_itm": at["prob"],
                "cvar_95": at["cvar"],
                "expected_return": at.get("mean", 0.001),
                "realised_volatility": at.get("realised"),
                "input_features": "{}",
                "predictions": "{}",
            }
            | {"model_version": "smile-1"}
        )
        return self

    def put(self, strike: float, bid: float, ask: float, **more: Any) -> Desk:
        """A put, see `quote`."""
        return self.quote("put", strike, bid, ask, **more)

    def call(self, strike: float, bid: float, ask: float, **more: Any) -> Desk:
        """A call, see `quote`."""
        return self.quote("call", strike, bid, ask, **more)

    def hold(self, asset_type: str, symbol: str, quantity: float, average_price: float = math.nan, **more: Any) -> Desk:
        """A row of the account."""
        row = {
            "timestamp": NOW.replace(tzinfo=None),
            "account_id": "default",
            "asset_type": asset_type,
            "symbol": symbol,
            "multiplier": 1,
        }
        self.positions.append(row | {"quantity": quantity, "average_price": average_price, "source": "file"} | more)
        return self

    def cash(self, dollars: float) -> Desk:
        """Cash free to trade."""
        return self.hold("cash", "USD", dollars, market_value=dollars)

    def stock(self, shares: float, paid: float = math.nan, symbol: str = "U", **more: Any) -> Desk:
        """Shares."""
        return self.hold("stock", symbol, shares, paid, **more)

    def option(
        self, right: str, strike: float, quantity: float, premium: float = math.nan, *, days: int = 35, **more: Any
    ) -> Desk:
        """An option position, short where `quantity` is negative; the columns named in `unknown` are empty."""
        symbol, expiration = more.pop("symbol", "U"), TODAY + timedelta(days=days)
        code = osi(more.pop("root", symbol), expiration, right, strike)
        contract = {"underlying": symbol, "option_type": right, "expiration": expiration, "strike": strike}
        blank = dict.fromkeys(more.pop("unknown", ()))
        return self.hold("option", code, quantity, premium, **({"multiplier": 100} | contract | more | blank))

    def frames(self) -> dict[str, pd.DataFrame]:
        """The four inputs, as stored."""
        rows = {
            tables.OPTION_CHAINS: self.chains,
            tables.POSITIONS: self.positions,
            tables.GREEKS: self.greeks,
            tables.PREDICTIONS: self.predictions,
        }
        return {table.name: stored(table, data, self.minutes_old[table.name]) for table, data in rows.items()}

    def advise(self, **options: Any) -> Advice:
        """Advice on U at NOW, sized to $100,000; strategy settings and arguments of `advise` by name.

        `own` are settings of single symbols, `calendar` the events; the other `Inputs` may be given by name too.
        """
        names = set(StrategySettings.model_fields) - {"symbols"}
        bounds = {name: options.pop(name) for name in list(options) if name in names}
        bounds |= {"symbols": options.pop("own", {})}
        known = {f.name: options.pop(f.name) for f in fields(Inputs) if f.name in options}
        inputs = Inputs(**known, events=options.pop("calendar", None))
        asked = {
            "symbols": ("U",),
            "now": NOW,
            "portfolio_value": 100_000.0,
            "strategy": StrategySettings(**(PLAIN | bounds)),
        }
        return advise(**self.frames(), inputs=inputs, **(asked | options))


@pytest.fixture
def desk() -> Desk:
    """An empty desk."""
    return Desk()


@pytest.fixture(scope="session")
def new_desk() -> type[Desk]:
    """For tests that need many."""
    return Desk
