"""`advise`: all rules of the wheel as one pure function, frames in, advice out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from wheel_assets.errors import UsageError
from wheel_assets.market.calendar import new_york_day
from wheel_assets.market.quote_times import quote_warnings
from wheel_assets.recommend.account.basis import collateral_opened
from wheel_assets.recommend.account.state import read_account
from wheel_assets.recommend.bounds import Bounds
from wheel_assets.recommend.contracts_table import contracts_table, utc
from wheel_assets.recommend.managing.open_options import Judgement, judgements
from wheel_assets.recommend.opening.openings import find_openings
from wheel_assets.recommend.outlook import Outlook, read_outlook
from wheel_assets.recommend.portfolio.exposure import Exposures, exposures
from wheel_assets.recommend.portfolio.room import breaches, room_of
from wheel_assets.recommend.rules.verdicts import Verdicts
from wheel_assets.recommend.situation import Situation
from wheel_assets.recommend.stamp import Stamp
from wheel_assets.recommend.suggestion import Suggestion, nothing, ranked
from wheel_assets.recommend.wording import count, dollars

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.strategy import StrategySettings


@dataclass(frozen=True)
class Inputs:
    """Optional inputs of advice besides chains, positions, Greeks and predictions; None where unknown.

    `events`, `price_history` and `transactions` are frames of their tables; `volatility_history` has columns symbol,
    date and iv, the last row of a symbol being now; `cash_is_net` says whether the broker's cash leaves out the
    collateral of open puts.
    """

    events: pd.DataFrame | None = None
    price_history: pd.DataFrame | None = None
    transactions: pd.DataFrame | None = None
    volatility_history: pd.DataFrame | None = None
    cash_is_net: bool | None = None


@dataclass(frozen=True)
class Advice:
    """What to do now, and everything that explains it.

    `frame` is what is stored, the columns of `tables.RECOMMENDATION`, best first; `alternatives` are the next best
    openings, each sized as if it were the only one; `verdicts` what the rules say of every contract; `declined` a
    reason for each symbol and side without an opening. Money is dollars. `free_cash` is what is left when all open
    puts are secured in full; `new_collateral_limit` what new puts may tie up of it. `net_basis` is dollars a share that
    shares cost net of premiums, where the transactions say.
    """

    frame: pd.DataFrame
    alternatives: tuple[Suggestion, ...]
    verdicts: tuple[Verdicts, ...]
    declined: Mapping[tuple[str, str], str]
    account_id: str
    portfolio_value: float
    free_cash: float
    new_collateral_limit: float
    not_evaluated: Mapping[str, str]
    warnings: tuple[str, ...]
    now: datetime
    exposures: Exposures
    net_basis: Mapping[str, float] = field(default_factory=dict)
    quotes_as_of: Mapping[str, datetime] = field(default_factory=dict)
    spots: Mapping[str, float] = field(default_factory=dict)  # dollars a share, of the symbols that are quoted

    @cached_property
    def rejected(self) -> pd.DataFrame:
        """One row a contract that breaks a rule, with the first it breaks, see `Verdicts.refused`."""
        import pandas as pd

        parts = [each.refused for each in self.verdicts if len(each.refused)]
        return pd.concat(parts, ignore_index=True) if parts else self.verdicts[0].refused


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
    inputs: Inputs | None = None,
) -> Advice:
    """What the owner of `positions` should do now about `symbols`.

    The frames have the stored columns of their tables (`tables.SnapshotTable.stored_columns`);
    `now` is aware, or naive UTC; `portfolio_value` is dollars to size against, the sum of the market
    values if not given; `not_evaluated` says, by symbol, why there is no data. A symbol without a
    chain counts as not evaluated too. Numbers may be missing anywhere: that costs the contract,
    position or symbol they are missing for.

    Raises UsageError for a portfolio value that is no positive number.
    """
    _check_value(portfolio_value)
    now, known = utc(now), inputs or Inputs()
    missing = _not_evaluated(symbols, option_chains, not_evaluated or {})
    evaluated = [symbol for symbol in symbols if symbol not in missing]
    bounds = Bounds(strategy)
    contracts = contracts_table(option_chains, greeks, predictions, symbols=evaluated, now=now, bounds=bounds)
    spots = {str(symbol): spot for symbol, spot in contracts.groupby("symbol")["spot_price"].max().dropna().items()}
    account = read_account(positions, spots, portfolio_value, mids=_mids(contracts), cash_is_net=known.cash_is_net)
    stamp = Stamp(option_chains, positions, greeks, predictions, now, account.portfolio_value)
    situation = Situation(
        account=account,
        contracts=contracts,
        strategy=strategy,
        symbols=tuple(symbols),
        not_evaluated=missing,
        today=new_york_day(now),
        outlook=_outlook(known, stamp, evaluated),
        net_basis=_net_basis(known.transactions, positions, new_york_day(now)),
        opened_today=collateral_opened(known.transactions, account, new_york_day(now)),
    )
    return _advice(stamp, situation)


def _mids(contracts: pd.DataFrame) -> dict[str, float]:
    """The middle of each quote, dollars a share, by option symbol; a negative bid counts as 0."""
    mids = (0.5 * (contracts["bid"].clip(lower=0) + contracts["ask"])).where(contracts["ask"] > 0).dropna()
    return {str(code): mid for code, mid in mids.items()}


def _check_value(portfolio_value: float | None) -> None:
    if portfolio_value is not None and not 0 < portfolio_value < math.inf:
        raise UsageError(
            f"portfolio value {portfolio_value} is refused",
            "it is not a positive number",
            "give dollars, for example 50000",
        )


def _outlook(known: Inputs, stamp: Stamp, evaluated: Sequence[str]) -> Outlook:
    return read_outlook(
        now=stamp.now,
        quoted_on={symbol: new_york_day(when) for symbol, when in stamp.quotes_as_of(evaluated).items()},
        events=known.events,
        price_history=known.price_history,
        volatility_history=known.volatility_history,
    )


def _net_basis(transactions: pd.DataFrame | None, positions: pd.DataFrame, today: date) -> dict[str, float]:
    """By symbol, where the transactions lead to just the positions that there are."""
    if transactions is None or transactions.empty:
        return {}
    from wheel_assets.recommend.cycles import cycles, net_basis

    return net_basis(cycles(transactions, positions, today))


def _advice(stamp: Stamp, situation: Situation) -> Advice:
    account = situation.account
    judged = [each for option in account.options for each in judgements(option, situation)]
    held = [judgement.suggestion for judgement in judged]
    room = room_of(situation, _cost_of_closing(held))
    openings = find_openings(situation, room)
    unknown = [nothing(symbol, f"{symbol} not evaluated: {why}") for symbol, why in situation.not_evaluated.items()]
    suggestions = ranked([*held, *openings.suggestions, *unknown])
    as_of = stamp.quotes_as_of(situation.evaluated)
    return Advice(
        frame=stamp.finished(suggestions),
        alternatives=tuple(openings.alternatives),
        verdicts=openings.verdicts,
        declined=openings.declined,
        account_id=account.account_id,
        portfolio_value=account.portfolio_value,
        free_cash=account.free_cash,
        new_collateral_limit=room.total,
        not_evaluated=dict(situation.not_evaluated),
        warnings=(*_warnings(situation, judged), *quote_warnings(as_of, stamp.now), *_freed(situation, held)),
        now=stamp.now,
        exposures=exposures(situation, suggestions),
        net_basis=dict(situation.net_basis),
        quotes_as_of=as_of,
        spots=account.spots,
    )


def _warnings(situation: Situation, judged: Sequence[Judgement]) -> list[str]:
    """What has to be known before anything is typed, what can hurt most first."""
    of_options = dict.fromkeys(line for judgement in judged for line in judgement.warnings)
    return [*situation.account.warnings(), *of_options, *breaches(situation), *_unused_shares(situation)]


def _not_evaluated(symbols: Sequence[str], chains: pd.DataFrame, given: Mapping[str, str]) -> dict[str, str]:
    """Why, by symbol, in the order of the watchlist."""
    quoted = set(chains["symbol"])
    reasons = {symbol: given.get(symbol, "" if symbol in quoted else "there is no chain of it") for symbol in symbols}
    return {symbol: reason for symbol, reason in reasons.items() if reason or symbol in given}


def _cost_of_closing(held: Sequence[Suggestion]) -> float:
    """Cost of the advised closes, dollars. The collateral that they free is not counted before it is free."""
    return math.fsum(-row.credit for row in held if row.action == "close")


def _freed(situation: Situation, held: Sequence[Suggestion]) -> list[str]:
    """Note about the collateral and shares that the advised closes free; they are not used before the fills."""
    closes = {row.option_symbol: row.quantity or 0 for row in held if row.action == "close"}
    account = situation.account
    closed = [(o, closes[o.symbol] / o.contracts) for o in account.options if o.symbol in closes]
    cash = math.fsum(account.collateral(o) * part for o, part in closed if o.option_type == "put")
    calls: Counter[str] = Counter()
    for option, part in closed:
        calls[option.underlying] += round(option.shares * part) if option.option_type == "call" else 0
    shares = math.fsum(account.free_shares(symbol, n) - account.free_shares(symbol) for symbol, n in calls.items())
    freed = [f"{dollars(cash)} of collateral"] * (cash > 0) + [f"{count(shares)} shares"] * (shares >= 100)
    return [f"the closes free {' and '.join(freed)}: ask again after the fills"] if freed else []


def _unused_shares(situation: Situation) -> list[str]:
    """Notes about free shares of symbols that were not evaluated for a covered call."""
    account = situation.account
    others = [s for s in account.shares if s not in situation.symbols and account.free_shares(s) >= 100]
    return [f"{account.free_shares(s):,.0f} shares of {s} are free, but {s} was not asked about" for s in others]
