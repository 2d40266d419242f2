"""Strategies of the backtest: the wheel's own rules and two benchmarks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from wheel_assets.backtest.day import Day, Quote
from wheel_assets.backtest.simulated_account import SimulatedAccount
from wheel_assets.market.osi import parse_osi
from wheel_assets.recommend.advice import advise

if TYPE_CHECKING:
    from wheel_assets.strategy import StrategySettings

Strategy = Callable[[Day, SimulatedAccount], None]
PLAIN_DELTA = 0.30
PLAIN_DAYS = range(30, 46)


def advised(strategy: StrategySettings, symbols: Sequence[str]) -> Strategy:
    """The strategy that follows the advice exactly, best first: closes and rolls before openings, at bid and ask."""

    def trade(day: Day, account: SimulatedAccount) -> None:
        """Trade the day's advice."""
        frame = advise(
            day.option_chains,
            account.positions(day.now),
            day.greeks,
            day.predictions,
            strategy=strategy,
            now=day.now,
            symbols=symbols,
            inputs=day.inputs,
        ).frame
        rows = frame.to_dict("records")
        for row in [r for r in rows if r["action"] in ("close", "roll")]:
            _manage(day, account, row)
        for row in [r for r in rows if r["action"] in ("open_csp", "open_cc")]:
            if row["symbol"] in day.spots:
                account.sell(day.date, day.quotes[row["option_symbol"]], int(row["quantity"]))

    return trade


def _manage(day: Day, account: SimulatedAccount, row: dict[Any, Any]) -> None:
    """Closes, or rolls with both legs; a roll whose second leg has no bid is not begun."""
    held, later = day.quotes.get(row["option_symbol"]), day.quotes.get(row["roll_to_option_symbol"])
    contracts = int(row["quantity"])
    if held is None or (row["action"] == "roll" and (later is None or not later.bid > 0)):
        account.not_filled.append(f"{day.date} {row['action']} {row['option_symbol']}: a leg has no quote")
        return
    if account.buy_back(day.date, held, contracts) and row["action"] == "roll" and later is not None:
        account.sell(day.date, later, contracts)


def plain_wheel(cash: float, symbols: Sequence[str]) -> Strategy:
    """The strategy that sells what is nearest to 30 delta, 30 to 45 days out, and holds it; `cash` in equal parts."""
    part = cash / max(1, len(symbols))

    def trade(day: Day, account: SimulatedAccount) -> None:
        """Sell one put or call on each symbol without an open option."""
        for symbol in [s for s in symbols if s in day.spots]:
            if any(short.quote.symbol == symbol for short in account.shorts.values()):
                continue
            lots = account.free_shares(symbol) // 100
            found = _nearest(day, symbol, "call" if lots else "put")
            if found is None:
                continue
            affordable = int(min(part, float(account.free_cash)) // (found.strike * found.multiplier))
            if contracts := lots or affordable:
                account.sell(day.date, found, contracts)

    return trade


def _nearest(day: Day, symbol: str, right: str) -> Quote | None:
    """The standard contract with a bid whose |delta| is nearest to 0.30; the earlier and lower of equals."""
    fit = [
        quote
        for quote in day.quotes.values()
        if (quote.symbol, quote.option_type, quote.multiplier) == (symbol, right, 100)
        and (quote.expiration - day.date).days in PLAIN_DAYS
        and quote.bid > 0
        and quote.delta == quote.delta
        and not parse_osi(quote.option_symbol).is_adjusted
    ]
    return min(fit, key=lambda q: (abs(abs(q.delta) - PLAIN_DELTA), q.expiration, q.strike), default=None)


def buy_and_hold(cash: float, symbols: Sequence[str]) -> Strategy:
    """The strategy that buys each symbol on its first quoted day with an equal part of `cash`: whole shares at spot."""
    part, bought = cash / max(1, len(symbols)), set[str]()

    def trade(day: Day, account: SimulatedAccount) -> None:
        """Buy the symbols quoted for the first time."""
        for symbol in [s for s in symbols if s in day.spots and s not in bought]:
            bought.add(symbol)
            if quantity := int(part // day.spots[symbol]):
                account.buy_shares(day.date, symbol, quantity, day.spots[symbol])

    return trade
