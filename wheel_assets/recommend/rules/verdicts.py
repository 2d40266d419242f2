"""Every rule applied to every candidate: which pass, and all rules that the others break."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from wheel_assets.recommend.rules.entries import rules_of
from wheel_assets.recommend.wording import contract_name

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.market.arrays import Bools, Floats
    from wheel_assets.recommend.bounds import Bounds
    from wheel_assets.recommend.rules.rule import Rule, Use

_CONTRACT = ["symbol", "expiration", "strike", "option_type"]
_SIDE = ["symbol", "option_type"]


@dataclass(frozen=True)
class Verdicts:
    """Verdicts on candidates of one kind.

    `table` has one row per candidate, indexed by option symbol; `values`, `limits` and `failed` are arrays of shape
    (rules, candidates).
    """

    table: pd.DataFrame
    rules: tuple[Rule, ...]
    values: Floats
    limits: Floats
    failed: Bools

    @property
    def passed(self) -> pd.DataFrame:
        """The candidates that break no rule."""
        passes: Bools = ~np.any(self.failed, axis=0)
        return self.table[passes]

    @cached_property
    def first(self) -> np.ndarray:
        """Position of the first rule that each candidate breaks; -1 where it breaks none. Shape (candidates,)."""
        if not len(self.rules):
            return np.full(len(self.table), -1)
        return np.where(self.failed.any(axis=0), self.failed.argmax(axis=0), -1)

    def of(self, mask: Bools) -> Verdicts:
        """The verdicts on the candidates that `mask` selects."""
        return Verdicts(self.table[mask], self.rules, self.values[:, mask], self.limits[:, mask], self.failed[:, mask])

    @cached_property
    def refused(self) -> pd.DataFrame:
        """The candidates that break a rule, one row per candidate, with the first rule broken and by how much.

        Columns: option_symbol, symbol, expiration, strike, option_type, rule, meaning, setting, detail, order
        (position of the rule), miss (how far off, over the limit; infinite where unknown), failures (how many
        rules it breaks).
        """
        broken = np.flatnonzero(self.first >= 0)
        rows = self._rows(self.first[broken], broken)
        return rows.assign(failures=self.failed.sum(axis=0)[broken])

    def every_failure(self) -> pd.DataFrame:
        """One row per candidate and broken rule, columns as of `refused` without `failures`."""
        contracts, positions = np.nonzero(self.failed.T)
        return self._rows(positions, contracts)

    def _rows(self, order: np.ndarray, contracts: np.ndarray) -> pd.DataFrame:
        """One row per pair of a rule's position and a candidate's."""
        out = self.table[_CONTRACT].iloc[contracts].reset_index(names="option_symbol")
        value, limit = self.values[order, contracts], self.limits[order, contracts]
        for name in ("name", "meaning", "setting"):
            texts = np.array([getattr(rule, name) for rule in self.rules], dtype=object)
            out["rule" if name == "name" else name] = texts[order]
        # Most contracts break one of a few rules with one of a few whole numbers, so each distinct text is made once.
        detail = lru_cache(maxsize=None)(lambda position, *numbers: self.rules[position].detail(*numbers))
        out["detail"] = [detail(*each) for each in zip(order.tolist(), value.tolist(), limit.tolist(), strict=True)]
        miss = np.abs(value - limit) / np.maximum(np.abs(limit), 0.01)
        return out.assign(order=order, miss=np.where(np.isnan(miss), np.inf, miss))


def judged(table: pd.DataFrame, use: Use, option_type: str, bounds: Bounds) -> Verdicts:
    """The verdicts on candidates of one kind of sale and one right."""
    rules = rules_of(use, option_type)
    shape = (len(rules), len(table))
    values, limits, failed = np.empty(shape), np.empty(shape), np.empty(shape, dtype=bool)
    for position, rule in enumerate(rules):
        values[position], limits[position] = rule.values(table), rule.limits(table, bounds)
        failed[position] = rule.fails(values[position], limits[position])
    return Verdicts(table, rules, values, limits, failed)


def summaries(refused: pd.DataFrame, most: int = 3) -> dict[tuple[str, str], str]:
    """By symbol and side, a text with the counts by rule, largest first, and the contract that came closest to passing.

    `refused` is as of `Verdicts.refused`. Ties between counts go to the rule that comes first. Closest is the contract
    that breaks the fewest rules, then the one that passed the most rules before its first failure, then the smallest
    miss relative to the limit.
    """
    counts: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    sizes = refused.groupby([*_SIDE, "order", "meaning"]).size().sort_values(ascending=False, kind="stable")
    each: Iterable[Any] = sizes.items()
    for (symbol, option_type, _, meaning), number in each:
        counts[symbol, option_type].append((meaning, number))
    closest: Iterable[Any] = nearest(refused).drop_duplicates(_SIDE).itertuples()
    sides = {(best.symbol, best.option_type): best for best in closest}
    return {side: _summary(counts[side], best, most) for side, best in sides.items()}


def _summary(counts: Sequence[tuple[str, int]], best: Any, most: int) -> str:
    parts = [f"{number:,} {meaning}" for meaning, number in counts[:most]]
    if len(counts) > most:
        parts.append(f"{sum(number for _, number in counts[most:]):,} others")
    name = contract_name(best.symbol, best.expiration, best.strike, best.option_type)
    total = sum(number for _, number in counts)
    return f"{total:,} {best.option_type}s: {', '.join(parts)}; closest: {name} ({best.detail})"


def nearest(refused: pd.DataFrame) -> pd.DataFrame:
    """Refused candidates, the nearest miss first."""
    by: Sequence[str] = ["failures", "order", "miss", "option_symbol"]
    return refused.sort_values(list(by), ascending=[True, False, True, True])
