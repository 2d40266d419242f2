"""Frames in, advice out: the whole of the wheel's rules as one pure function."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from wheel_assets import tables
from wheel_assets.errors import UsageError
from wheel_assets.market.quote_times import quote_warnings
from wheel_assets.recommend.account import read_account
from wheel_assets.recommend.contracts import contracts_table, utc
from wheel_assets.recommend.open_options import judge
from wheel_assets.recommend.openings import Openings, find_openings
from wheel_assets.recommend.situation import Situation
from wheel_assets.recommend.suggestion import Suggestion, as_frame, nothing, ranked

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.settings import StrategySettings

RULES_VERSION = "wheel-rules-1"


@dataclass(frozen=True)
class Advice:
    """What to do now, and everything that explains it.

    `frame` is what is stored, the columns of `tables.RECOMMENDATION`, best first; `alternatives`
    are the next best openings, each sized as if it were the only one; `rejected` has one row a
    contract that breaks a rule, with the first it breaks (option_symbol, symbol, expiration, strike,
    option_type, rule, meaning, detail); `declined` a sentence for each symbol and side without an
    opening. Money is dollars. `free_cash` is what is left when all open puts are secured in full.
    """

    frame: pd.DataFrame
    alternatives: tuple[Suggestion, ...]
    rejected: pd.DataFrame
    declined: Mapping[tuple[str, str], str]
    account_id: str
    portfolio_value: float
    free_cash: float
    not_evaluated: Mapping[str, str]
    warnings: tuple[str, ...]
    now: datetime
    quotes_as_of: Mapping[str, datetime] = field(default_factory=dict)
    spots: Mapping[str, float] = field(default_factory=dict)  # dollars a share, of the symbols that are quoted


def advise(
    option_chains: pd.DataFrame,
    positions: pd.DataFrame,
    greeks: pd.DataFrame,
    predictions: pd.DataFrame,
    *,
    strategy: StrategySettings,
    now: datetime,
    symbols: Sequence[str],
    portfolio_value: float | None = None,
    not_evaluated: Mapping[str, str] | None = None,
) -> Advice:
    """What the owner of `positions` should do now about `symbols`.

    The frames have the stored columns of their tables (`tables.SnapshotTable.stored_columns`);
    `now` is aware, or naive UTC; `portfolio_value` is dollars to size against, the sum of the market
    values if not given; `not_evaluated` says, by symbol, why there is no data. A symbol without a
    chain counts as not evaluated too. Numbers may be missing anywhere: that costs the contract,
    position or symbol they are missing for.

    Raises UsageError for a portfolio value that is no positive number.
    """
    if portfolio_value is not None and not 0 < portfolio_value < math.inf:
        raise UsageError(
            f"portfolio value {portfolio_value} is refused",
            "it is not a positive number",
            "give dollars, for example 50000",
        )
    now = utc(now)
    missing = _not_evaluated(symbols, option_chains, not_evaluated or {})
    evaluated = [symbol for symbol in symbols if symbol not in missing]
    contracts = contracts_table(option_chains, greeks, predictions, symbols=evaluated, now=now, strategy=strategy)
    spots = {str(symbol): spot for symbol, spot in contracts.groupby("symbol")["spot_price"].max().dropna().items()}
    account = read_account(positions, spots, portfolio_value)
    situation = Situation(account, contracts, strategy, tuple(symbols), missing)

    held = [judge(option, situation) for option in account.options]
    openings = find_openings(situation, account.free_cash - _cost_of_closing(held))
    unknown = [nothing(symbol, f"{symbol} not evaluated: {why}") for symbol, why in missing.items()]
    stamp = _Stamp(option_chains, positions, greeks, predictions, now, account.portfolio_value)
    return _advice(stamp, situation, openings, [*held, *openings.suggestions, *unknown])


def _advice(stamp: _Stamp, situation: Situation, openings: Openings, suggestions: list[Suggestion]) -> Advice:
    account = situation.account
    as_of = stamp.quotes_as_of(situation.evaluated)
    return Advice(
        frame=stamp.finished(ranked(suggestions)),
        alternatives=tuple(openings.alternatives),
        rejected=openings.refused.drop(columns=["order", "miss"]),
        declined=openings.declined,
        account_id=account.account_id,
        portfolio_value=account.portfolio_value,
        free_cash=account.free_cash,
        not_evaluated=dict(situation.not_evaluated),
        warnings=(*account.warnings(), *_unused_shares(situation), *quote_warnings(as_of, stamp.now)),
        now=stamp.now,
        quotes_as_of=as_of,
        spots=account.spots,
    )


def _not_evaluated(symbols: Sequence[str], chains: pd.DataFrame, given: Mapping[str, str]) -> dict[str, str]:
    """Why, by symbol, in the order of the watchlist."""
    quoted = set(chains["symbol"])
    reasons = {symbol: given.get(symbol, "" if symbol in quoted else "there is no chain of it") for symbol in symbols}
    return {symbol: reason for symbol, reason in reasons.items() if reason or symbol in given}


def _cost_of_closing(held: Sequence[Suggestion]) -> float:
    """Dollars that closing as advised costs. What it sets free is not counted before it is free."""
    return math.fsum(-row.credit for row in held if row.action == "close")


def _unused_shares(situation: Situation) -> list[str]:
    """Stock that no covered call was looked for on."""
    account = situation.account
    others = [s for s in account.shares if s not in situation.symbols and account.free_shares(s) >= 100]
    return [
        f"{account.free_shares(s):,.0f} shares of {s} are free but {s} is not on the watchlist; add it to WHEEL_SYMBOLS"
        for s in others
    ]


@dataclass(frozen=True)
class _Stamp:
    """What every row says about where it comes from."""

    option_chains: pd.DataFrame
    positions: pd.DataFrame
    greeks: pd.DataFrame
    predictions: pd.DataFrame
    now: datetime
    portfolio_value: float

    @property
    def _naive(self) -> datetime:
        return self.now.replace(tzinfo=None)

    def finished(self, suggestions: Sequence[Suggestion]) -> pd.DataFrame:
        """The rows as a frame of `tables.RECOMMENDATION`."""
        frame = as_frame(suggestions)
        oldest = [self._oldest(symbol) for symbol in frame["symbol"]]
        sources = [*self._sources(self.option_chains), *self._sources(self.positions)]
        models = sorted(self.predictions["model_version"].dropna().unique())
        frame = frame.assign(
            timestamp=self._naive,
            portfolio_value=self.portfolio_value,
            data_age_minutes=[minutes for minutes, _ in oldest],
            oldest_input=[table for _, table in oldest],
            source="+".join(dict.fromkeys(sources)) or "none",
            model_version="+".join([*models, RULES_VERSION]),
        )
        return tables.RECOMMENDATION.conform(frame)

    def quotes_as_of(self, symbols: Sequence[str]) -> dict[str, datetime]:
        """The oldest quote of each symbol, aware UTC."""
        own = self.option_chains[self.option_chains["symbol"].isin(list(symbols))]
        return {
            str(symbol): utc(when.to_pydatetime())
            for symbol, when in own.groupby("symbol")["timestamp"].min().dropna().items()
        }

    @cached_property
    def _created(self) -> list[tuple[str, dict[Any, Any]]]:
        """When each table's rows on a symbol were cached; positions count for every symbol."""
        market = {"option_chains": self.option_chains, "greeks": self.greeks, "predictions": self.predictions}
        return [(name, frame.groupby("symbol")["created_at"].min().to_dict()) for name, frame in market.items()]

    def _oldest(self, symbol: str) -> tuple[float, str | None]:
        """Minutes since the oldest input to a row on `symbol` was cached, and which that was."""
        created: dict[str, Any] = {name: times[symbol] for name, times in self._created if symbol in times}
        if len(self.positions):
            created["positions"] = self.positions["created_at"].min()
        if not created:
            return math.nan, None
        name, when = min(created.items(), key=lambda entry: entry[1])
        return max(0.0, (self._naive - when) / timedelta(minutes=1)), name

    @staticmethod
    def _sources(frame: pd.DataFrame) -> list[str]:
        return sorted(frame["source"].dropna().unique())
