"""Net Greeks and stress results of the account, now and after the advice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wheel_assets.market.calendar import DAYS_PER_YEAR

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.market.arrays import Floats
    from wheel_assets.recommend.situation import Situation
    from wheel_assets.recommend.suggestion import Suggestion

FALLS = (-0.10, -0.20, -0.30)  # of all shares at once
VOLATILITY_RISE = 0.50  # of all implied volatilities, as a share of each


@dataclass(frozen=True)
class Exposure:
    """Exposure of the whole account, dollars.

    `delta` is dollar delta, `gamma` its change for a rise of 1 %, `theta` is for a calendar day, `vega` for a
    volatility point; `stress` is the immediate profit or loss for each fall of all shares and a rise of volatility.
    """

    delta: float
    gamma: float
    theta: float
    vega: float
    stress: Mapping[str, float]


@dataclass(frozen=True)
class Exposures:
    """Before and after the advice; `not_counted` names what has no price or no implied volatility."""

    before: Exposure
    after: Exposure
    not_counted: tuple[str, ...]


def exposures(situation: Situation, suggestions: Sequence[Suggestion]) -> Exposures:
    """The exposure of the account's shares and options, valued as European options at their own volatility."""
    account, contracts = situation.account, situation.contracts
    shares = {symbol: holding.quantity for symbol, holding in account.shares.items()}
    held = {option.symbol: option.quantity for option in account.options}
    names = {option.symbol: option.name for option in account.options}
    valued = contracts[(contracts["iv"] > 0) & (contracts["spot_price"] > 0)]
    missing = [names[code] for code in held if code not in valued.index]
    missing += [symbol for symbol in shares if symbol not in account.spots]
    before = _exposure(held, shares, valued, account.spots)
    after = _exposure(_traded(held, suggestions), shares, valued, account.spots)
    return Exposures(before, after, tuple(missing))


def _traded(held: Mapping[str, float], suggestions: Sequence[Suggestion]) -> dict[str, float]:
    """Contracts by option symbol after following the advice."""
    after = dict(held)
    for row in suggestions:
        changes = {"open_csp": -1, "open_cc": -1, "close": 1, "roll": 1}
        if row.action in changes and row.option_symbol and row.quantity:
            after[row.option_symbol] = after.get(row.option_symbol, 0.0) + changes[row.action] * row.quantity
        if row.roll_to_option_symbol and row.quantity:
            after[row.roll_to_option_symbol] = after.get(row.roll_to_option_symbol, 0.0) - row.quantity
    return after


def _exposure(
    held: Mapping[str, float], shares: Mapping[str, float], valued: pd.DataFrame, spots: Mapping[str, float]
) -> Exposure:
    codes = [code for code in held if code in valued.index and math.isfinite(held[code])]
    own = valued.loc[codes]
    size = np.array([held[code] for code in codes]) * own["multiplier"].to_numpy()
    spot = own["spot_price"].to_numpy()
    stock = math.fsum(n * spots[s] for s, n in shares.items() if s in spots and math.isfinite(n))
    now = _prices(own, spot, 1.0)

    def result(fall: float, volatility: float) -> float:
        """Profit or loss, dollars, of a fall of all shares and a multiple of all volatilities."""
        return round(stock * fall + float(np.sum(size * (_prices(own, spot * (1 + fall), volatility) - now))), 2)

    stress = {f"shares {fall:+.0%}": result(fall, 1.0) for fall in FALLS}
    stress[f"volatility {VOLATILITY_RISE:+.0%}"] = result(0.0, 1 + VOLATILITY_RISE)
    return Exposure(
        delta=stock + _total(own["delta"] * size * spot),
        gamma=_total(own["gamma"] * size * spot * spot * 0.01),
        theta=_total(own["theta"] * size),
        vega=_total(own["vega"] * size),
        stress=stress,
    )


def _total(values: pd.Series) -> float:
    return round(float(values.sum(skipna=True)), 2)


def _prices(own: pd.DataFrame, spot: Floats, volatility: float) -> Floats:
    """Dollars a share of each contract at other spots and a multiple of its own volatility."""
    from wheel_assets.greeks import european
    from wheel_assets.greeks.contracts import Contracts

    years = np.maximum(own["days"].to_numpy(), 0.5) / DAYS_PER_YEAR
    rate, dividends = own["risk_free_rate"].fillna(0.0).to_numpy(), own["dividend_yield"].fillna(0.0).to_numpy()
    is_put = (own["option_type"] == "put").to_numpy()
    contracts = Contracts.of(is_put, spot, own["strike"].to_numpy(), years, rate, dividends)
    return european.price(contracts, own["iv"].to_numpy() * volatility)
