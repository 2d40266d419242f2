"""The walk over the days in order: every strategy sees a day once and nothing of later days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from wheel_assets.backtest.day import Day
from wheel_assets.backtest.simulated_account import SimulatedAccount
from wheel_assets.backtest.strategies import Strategy
from wheel_assets.errors import UsageError


@dataclass
class Track:
    """One strategy's account, and what it was worth at the end of each day."""

    account: SimulatedAccount
    equity: dict[date, Decimal] = field(default_factory=dict)


@dataclass
class _Market:
    """Knowledge from the days so far: the last price of each symbol with its day, and dividends by ex-date."""

    prices: dict[str, tuple[date, float]] = field(default_factory=dict)
    dividends: dict[tuple[date, str], float] = field(default_factory=dict)

    def learn_dividends(self, day: Day) -> None:
        """Take in the dividends known on the day; the newest amount of an ex-date replaces an earlier one."""
        events = day.inputs.events
        if events is None or events.empty:
            return
        paid = events[(events["kind"] == "ex_dividend") & (events["amount"] > 0)].dropna(subset=["date"])
        for symbol, when, amount in zip(paid["symbol"], paid["date"], paid["amount"], strict=True):
            self.dividends[when.date(), symbol] = float(amount)


def walk(
    days: Iterable[Day], strategies: Mapping[str, Strategy], *, cash: float, commission: float
) -> dict[str, Track]:
    """Each strategy's track over `days`, which come in their order; every account begins with `cash` dollars.

    A day is: expirations and dividends since the day before, orders at its quotes, expirations of the day itself at
    its last price, the value of what is held. Raises UsageError where there is no day.
    """
    tracks: dict[str, Track] = {}
    market, yesterday = _Market(), None
    for day in days:
        market.learn_dividends(day)
        for name, strategy in strategies.items():
            if name not in tracks:
                tracks[name] = Track(SimulatedAccount.opened(day.date, cash, commission))
            _one_day(day, yesterday, market, tracks[name], strategy)
        market.prices |= {symbol: (day.date, spot) for symbol, spot in day.spots.items()}
        yesterday = day.date
    if not tracks:
        raise UsageError(
            "there is nothing to walk over",
            "no option chain of these symbols and dates is in the cache",
            "run `wheel recommend` on some days, or bring an archive back with `wheel restore DIR`",
        )
    return tracks


def _one_day(day: Day, yesterday: date | None, market: _Market, track: Track, strategy: Strategy) -> None:
    account = track.account
    if yesterday is not None:
        _overnight(account, market, yesterday, day.date)
    account.mark(day.quotes, day.spots)
    strategy(day, account)
    for code in [c for c, short in account.shorts.items() if short.quote.expiration <= day.date]:
        symbol = account.shorts[code].quote.symbol
        spot = day.spots[symbol] if symbol in day.spots else market.prices[symbol][1]
        account.settle(code, spot)
    account.mark(day.quotes, day.spots)
    track.equity[day.date] = account.equity


def _overnight(account: SimulatedAccount, market: _Market, yesterday: date, today: date) -> None:
    """Expirations after `yesterday` and before `today`, at the last price before, and dividends, by date.

    Shares held into an ex-date get the dividend, so a dividend comes before an expiration of the same day.
    """
    ended = [
        (short.quote.expiration, 1, code) for code, short in account.shorts.items() if short.quote.expiration < today
    ]
    paid = [(when, 0, symbol) for when, symbol in market.dividends if yesterday < when <= today]
    for when, kind, name in sorted([*ended, *paid]):
        if kind == 0:
            account.receive_dividend(when, name, market.dividends[when, name])
            continue
        quoted, spot = market.prices[account.shorts[name].quote.symbol]
        account.not_filled.append(f"{when} {name}: no quote on its expiration day, settled at the price of {quoted}")
        account.settle(name, spot)
