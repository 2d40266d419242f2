"""Sanity measures of a table's rows by key, each with the largest value that is accepted.

Every measure is 0 for sound rows and grows with the fault. Beyond a `fatal` limit the key (a symbol, an account) is
left out, because advice built on it would be dangerous; beyond any other limit it is only reported, because a few bad
quotes cost a few contracts and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wheel_assets.market.osi import roots

if TYPE_CHECKING:
    import pandas as pd

ROUNDING = 1e-6
NEAR_THE_MONEY = 0.1  # of the spot


@dataclass(frozen=True)
class Sanity:
    """A measure by key, its largest accepted value, and whether a key beyond it is left out (`fatal`).

    A measure `of_change` also takes the values measured for the same keys before.
    """

    name: str
    measure: Callable[..., pd.Series]
    limit: float
    fatal: bool = False
    of_change: bool = False

    @property
    def consequence(self) -> str:
        """Text of the consequence of exceeding the limit."""
        return "leaves the symbol or account out" if self.fatal else "warns"

    def measured(self, rows: pd.DataFrame, before: Mapping[str, float]) -> pd.Series:
        """The measure of each key that can be measured."""
        found = self.measure(rows, before) if self.of_change else self.measure(rows)
        return found.dropna()

    def beyond(self, measured: pd.Series) -> pd.Series:
        """The keys over the limit with their values; a key that could not be measured is not over it."""
        return measured[measured > self.limit + ROUNDING]


def spot_beyond_strikes(chain: pd.DataFrame) -> pd.Series:
    """How far the spot price lies outside the listed strikes, as a share of it; above 0 it is late or wrong."""
    by = chain.groupby("symbol")
    spot, lowest, highest = by["spot_price"].median(), by["strike"].min(), by["strike"].max()
    outside: pd.Series = np.maximum(np.maximum(lowest - spot, spot - highest), 0) / spot
    return outside


def bid_above_ask(chain: pd.DataFrame) -> pd.Series:
    """The share of two-sided quotes whose bid is above the ask."""
    crossed = (chain["bid"] > chain["ask"])[(chain["bid"] > 0) & (chain["ask"] > 0)]
    return crossed.groupby(chain["symbol"]).mean()


def greeks_out_of_bounds(greeks: pd.DataFrame) -> pd.Series:
    """The share of valued contracts with a wrong sign, or with a volatility after the end of trading."""
    valued = greeks[greeks["iv"].notna()]
    delta = valued["delta"].where(valued["option_type"] == "call", -valued["delta"])
    wrong = (delta < -ROUNDING) | (valued["gamma"] < -ROUNDING) | (valued["vega"] < -ROUNDING) | (valued["years"] <= 0)
    return wrong.groupby(valued["symbol"]).mean()


def without_volatility(greeks: pd.DataFrame) -> pd.Series:
    """The share of contracts with a mid for which no volatility was found."""
    quoted = greeks[greeks["mid"].notna() & (greeks["years"] > 0)]
    return quoted["iv"].isna().groupby(quoted["symbol"]).mean()


def volatilities_lost(greeks: pd.DataFrame, before: Mapping[str, float]) -> pd.Series:
    """The part of the contracts with a volatility that has lost it since the Greeks before.

    `before` is `without_volatility` of those, by symbol; a symbol that is absent from it is not measured.
    """
    now = 1 - without_volatility(greeks)
    earlier = 1 - now.index.to_series().map(dict(before)).astype(float)
    return (1 - now / earlier.where(earlier > 0)).clip(lower=0).dropna()


def contradicted_quotes(greeks: pd.DataFrame) -> pd.Series:
    """The share of two-sided quotes that contradict others or the bounds of an option's value."""
    quoted = greeks[greeks["mid"].notna()]
    return quoted["status"].isin(["arbitrage", "above_bound"]).groupby(quoted["symbol"]).mean()


def refused_spots(greeks: pd.DataFrame) -> pd.Series:
    """The share of contracts without Greeks because the options contradict the quoted spot."""
    return greeks["status"].eq("spot_mismatch").groupby(greeks["symbol"]).mean()


def parity_gap(greeks: pd.DataFrame) -> pd.Series:
    """The median distance, as a share of the spot, of call less put from what put-call parity allows.

    At the strike nearest the spot of each expiration. For American options parity is an inequality,
    S exp(-qT) - K <= C - P <= S - K exp(-rT) (Hull, *Options, Futures, and Other Derivatives*, ch. 11);
    with a negative yield the bounds on the shares change places.
    """
    contract = ["symbol", "expiration", "strike"]
    near = greeks[greeks["mid"].notna() & (np.abs(greeks["strike"] / greeks["spot_price"] - 1) < NEAR_THE_MONEY)]
    calls, puts = (near[near["option_type"] == right] for right in ("call", "put"))
    pairs = calls.merge(puts[[*contract, "mid"]], on=contract, suffixes=("", "_put"))
    distance = (pairs["strike"] / pairs["spot_price"] - 1).abs()
    nearest = pairs.loc[distance.groupby([pairs["symbol"], pairs["expiration"]]).idxmin()]
    spot, strike, difference = nearest["spot_price"], nearest["strike"], nearest["mid"] - nearest["mid_put"]
    shares = spot * np.exp(-nearest["dividend_yield"] * nearest["years"])
    above = difference - (np.maximum(spot, shares) - strike * np.exp(-nearest["risk_free_rate"] * nearest["years"]))
    below = (np.minimum(spot, shares) - strike) - difference
    outside: pd.Series = np.maximum(np.maximum(above, below), 0) / spot
    return outside.groupby(nearest["symbol"]).median()


def probability_against_strikes(predictions: pd.DataFrame) -> pd.Series:
    """The greatest fall of the probability of assignment over strikes where it should rise.

    A put's probability rises with the strike, a call's falls.
    """
    known = predictions[predictions["prob_itm"].notna()].sort_values("strike")
    put = known["option_type"] == "put"
    rising = known["prob_itm"].where(put, -known["prob_itm"])
    # Roots apart: an adjusted contract (SMCI1) is another series with strikes of its own.
    series = [roots(known["option_symbol"]), known["expiration"], known["option_type"]]
    return (-rising.groupby([key.to_numpy() for key in series]).diff()).clip(lower=0).groupby(known["symbol"]).max()


def put_and_call_apart(predictions: pd.DataFrame) -> pd.Series:
    """How far put and call of one strike are from covering every outcome between them: their sum less 1."""
    known = predictions[predictions["prob_itm"].notna()]
    contract = ["symbol", roots(known["option_symbol"]).rename("root"), "expiration", "strike"]
    both = known.groupby(contract)["prob_itm"].agg(["sum", "size"])
    return (both.loc[both["size"] == 2, "sum"] - 1).abs().groupby(level="symbol").max()


def touch_below_assignment(predictions: pd.DataFrame) -> pd.Series:
    """The greatest excess of the probability of assignment over that of touching, which includes it."""
    excess = (predictions["prob_itm"] - predictions["prob_touch"]).clip(lower=0)
    return excess.groupby(predictions["symbol"]).max()


def cash_rows(positions: pd.DataFrame) -> pd.Series:
    """Number of cash rows missing or in excess: an account has exactly one."""
    cash = (positions["asset_type"] == "cash").groupby(positions["account_id"]).sum()
    return (cash - 1).abs().astype(float)


def value_against_quantity(positions: pd.DataFrame) -> pd.Series:
    """How many holdings are long with a negative value, or short with a positive one."""
    wrong = (positions["quantity"] * positions["market_value"] < 0) & (positions["asset_type"] != "cash")
    return wrong.groupby(positions["account_id"]).sum().astype(float)


def unreconciled_cash(positions: pd.DataFrame) -> pd.Series:
    """Cash free to trade beyond the cash in the account, as a share of the liquidation value.

    The cash row's market value is what the account's total leaves beside its holdings; where less is left than is
    reported as free, holdings and total do not belong together, or the cash is borrowed.
    """
    cash = positions[positions["asset_type"] == "cash"]
    excess = (cash["quantity"] - cash["market_value"]).clip(lower=0).groupby(cash["account_id"]).sum()
    total = positions.groupby("account_id")["market_value"].sum().abs()
    return excess / total.where(total > 0)


SANITY: dict[str, tuple[Sanity, ...]] = {
    "option_chains": (
        Sanity("spot beyond the strikes", spot_beyond_strikes, 0, fatal=True),
        Sanity("share of quotes with the bid above the ask", bid_above_ask, 0.02),
    ),
    "positions": (
        Sanity("cash rows missing or doubled", cash_rows, 0, fatal=True),
        Sanity("holdings whose value contradicts their quantity", value_against_quantity, 0),
        Sanity("free cash that the totals do not explain", unreconciled_cash, 0.01),
    ),
    "greeks": (
        Sanity("share of Greeks out of bounds", greeks_out_of_bounds, 0, fatal=True),
        Sanity("share of quoted contracts without a volatility", without_volatility, 0.75),
        Sanity(
            "part of the volatilities lost since the Greeks before", volatilities_lost, 0.5, fatal=True, of_change=True
        ),
        Sanity("share of contracts whose quoted spot the options contradict", refused_spots, 0, fatal=True),
        Sanity("share of quotes that other quotes contradict", contradicted_quotes, 0.1, fatal=True),
        Sanity("put-call parity gap over the spot", parity_gap, 0.01),
    ),
    "predictions": (
        Sanity("probability against the order of strikes", probability_against_strikes, 0.001, fatal=True),
        Sanity("assignment of put and call together, off 1", put_and_call_apart, 0.001, fatal=True),
        Sanity("assignment more probable than touching", touch_below_assignment, 0.001, fatal=True),
    ),
}
