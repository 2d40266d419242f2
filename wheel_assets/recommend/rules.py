"""Which contracts may be sold, and which rule refuses each of the others first.

A rule is one bound on one number. A number that is not known fails its bound, so that missing data
costs the contract it is missing for, and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from wheel_assets.recommend.wording import contract_name, count, dollars, percent, price, ratio

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.settings import StrategySettings


@dataclass(frozen=True)
class Rule:
    """`column` is at least, or at most, `limit`: a number, or the name of another column."""

    name: str
    column: str
    limit: float | str
    meaning: str  # of those that fail: "96 too far out of the money"
    label: str  # of the number: "|delta| 0.05, at least 0.10"
    text: Callable[[float], str]
    at_most: bool = False
    absent: str = ""  # in place of the detail where the number is not known

    def limits(self, table: pd.DataFrame) -> np.ndarray:
        """The limit of each contract."""
        if isinstance(self.limit, str):
            return table[self.limit].to_numpy(dtype="float64")
        return np.full(len(table), float(self.limit))

    def passes(self, table: pd.DataFrame) -> np.ndarray:
        """True where the bound is kept; a hair's breadth of rounding is forgiven."""
        values, limits = table[self.column].to_numpy(dtype="float64"), self.limits(table)
        return values <= limits + 1e-9 if self.at_most else values >= limits - 1e-9

    def detail(self, value: float, limit: float) -> str:
        """What the number is and what it should be."""
        if math.isnan(value):
            return self.absent or f"{self.label} unknown"
        return f"{self.label} {self.text(value)}, at {'most' if self.at_most else 'least'} {self.text(limit)}"


def opening_rules(option_type: str, strategy: StrategySettings) -> tuple[Rule, ...]:
    """The rules of a sale in the order in which they are tried: what is asked, what it pays, what it needs."""
    max_delta = strategy.max_put_delta if option_type == "put" else strategy.max_call_delta
    contract = (
        Rule("adjusted", "standard", 1, "adjusted, they deliver something else", "plain shares", count),
        Rule("expired", "days", 0, "expired", "days left", count),
        Rule("quote", "sale", 0.01, "without a live two-sided quote", "bid", price, absent="no live bid and ask"),
        Rule("too_near", "days", strategy.min_days, "expire too soon", "days", count),
        Rule("too_far", "days", strategy.max_days, "expire too late", "days", count, at_most=True),
        Rule("greeks", "abs_delta", 0, "without Greeks", "|delta|", ratio),
        Rule("delta_low", "abs_delta", strategy.min_delta, "too far out of the money", "|delta|", ratio),
        Rule("delta_high", "abs_delta", max_delta, "too likely to be assigned", "|delta|", ratio, at_most=True),
        Rule("spread", "spread", strategy.max_spread, "quoted too wide", "spread over mid", percent, at_most=True),
        Rule("credit", "sale", strategy.min_credit, "pay too little", "premium", price),
        Rule(
            "return", "annualized_return", strategy.min_annualized_return, "yield too little", "return a year", percent
        ),
        Rule("prediction", "objective", -math.inf, "without a prediction", "prediction", ratio),
    )
    interest = Rule(
        "open_interest", "open_interest", strategy.min_open_interest, "hardly traded", "open interest", count
    )
    # A limit of zero asks for nothing, so an unknown open interest passes it.
    traded = (interest,) if strategy.min_open_interest else ()
    return (*_call_only(option_type), *contract, *traded, *_put_only(option_type))


def _call_only(option_type: str) -> tuple[Rule, ...]:
    if option_type != "call":
        return ()
    return (
        Rule("shares", "free_shares", "multiplier", "without free shares to cover them", "free shares", count),
        Rule("cost_basis", "strike", "strike_floor", "below what the shares cost", "strike", price),
    )


def _put_only(option_type: str) -> tuple[Rule, ...]:
    if option_type != "put":
        return ()
    return (
        Rule(
            "symbol_share",
            "symbol_room",
            "collateral",
            "over the symbol's share of the portfolio",
            "room for the symbol",
            dollars,
        ),
        Rule("cash", "free_cash", "collateral", "more than free cash secures", "free cash", dollars),
    )


def first_failures(table: pd.DataFrame, rules: Sequence[Rule]) -> pd.DataFrame:
    """One row a contract, same index: `rule` (position in `rules`, -1 where all pass), `value`, `limit`."""
    failed = np.full(len(table), -1)
    values, limits = np.full(len(table), np.nan), np.full(len(table), np.nan)
    for position, rule in enumerate(rules):
        now = (failed == -1) & ~rule.passes(table)
        failed[now] = position
        values[now], limits[now] = table[rule.column].to_numpy(dtype="float64")[now], rule.limits(table)[now]
    return table[[]].assign(rule=failed, value=values, limit=limits)


def rejected(table: pd.DataFrame, rules: Sequence[Rule], failures: pd.DataFrame | None = None) -> pd.DataFrame:
    """The contracts that fail, one row each: which, their first failed rule, how far off, in words.

    Columns: symbol, option_symbol, expiration, strike, option_type, rule, meaning, detail, order
    (position of the rule), miss (how far off, over the limit; infinite where unknown).
    """
    failures = first_failures(table, rules) if failures is None else failures
    failures = failures[failures["rule"] >= 0]
    order, value, limit = (failures[name].to_numpy() for name in ("rule", "value", "limit"))
    out = table.loc[failures.index, ["symbol", "expiration", "strike", "option_type"]].reset_index()
    out["rule"] = [rules[position].name for position in order]
    out["meaning"] = [rules[position].meaning for position in order]
    # Most contracts fail one of a few rules with one of a few whole numbers: each sentence is made once.
    sentence = lru_cache(maxsize=None)(lambda position, *numbers: rules[position].detail(*numbers))
    out["detail"] = [sentence(*failure) for failure in zip(order.tolist(), value.tolist(), limit.tolist(), strict=True)]
    miss = np.abs(value - limit) / np.maximum(np.abs(limit), 0.01)
    return out.assign(order=order, miss=np.where(np.isnan(miss), np.inf, miss))


def summary(refused: pd.DataFrame, option_type: str) -> str:
    """Counts by rule, most first, and the contract that came closest.

    Closest is the one that passed most rules, and among those the one that misses its bound by the
    smallest share of it.
    """
    counts = refused["meaning"].value_counts()
    parts = [f"{number:,} {meaning}" for meaning, number in counts.head(3).items()]
    if len(counts) > 3:
        parts.append(f"{counts.iloc[3:].sum():,} others")
    best = refused.sort_values(["order", "miss", "option_symbol"], ascending=[False, True, True]).iloc[0]
    name = contract_name(best["symbol"], best["expiration"], best["strike"], best["option_type"])
    return f"{len(refused):,} {option_type}s: {', '.join(parts)}; closest: {name} ({best['detail']})"
