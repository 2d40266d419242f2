"""The rules walked over recorded chains: ledger, results beside two plain strategies, and how much is undone at once.

    python benchmarks/recorded_walk.py FOLDER [SYMBOL ...] > benchmarks/results/recorded_walk.txt

FOLDER is as `benchmarks/recorded_days.py` tells. Each chain is valued and predicted with the close of its own day as
spot and the prices known by then; nothing is known of events but what a chain itself tells. A leg is a sale and what
ended it; a roll is a purchase followed by a sale on the same shares and day. How a month of one market came out says
nothing of the rules; how soon they undo what they advised does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from statistics import median

import pandas as pd
from recorded_days import RATE, asked_days, bars_of, chain_of

from wheel_assets.backtest.day import Day
from wheel_assets.backtest.document import NAMES, backtest_document
from wheel_assets.backtest.simulated_account import Entry
from wheel_assets.backtest.strategies import advised, buy_and_hold, plain_wheel
from wheel_assets.backtest.walk import walk
from wheel_assets.greeks import value_chain
from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.predict import predict_chain, realised_volatility
from wheel_assets.recommend.advice import Inputs
from wheel_assets.strategy import StrategySettings

CASH = 150_000.0
SOON = 3  # days


def days_of(folder: Path, symbols: Sequence[str]) -> Iterator[Day]:
    """Each recorded day of all symbols."""
    bars = {symbol: bars_of(folder / symbol) for symbol in symbols}
    for name in sorted({path.name for symbol in symbols for path in (folder / symbol).glob("20*.json.gz")}):
        quoted = [symbol for symbol in symbols if (folder / symbol / name).exists()]
        yield _day(folder, name, {symbol: bars[symbol] for symbol in quoted})


def _day(folder: Path, name: str, bars: dict[str, pd.DataFrame]) -> Day:
    day = pd.Timestamp(name[:10])
    known = {symbol: rows[rows["date"] <= day] for symbol, rows in bars.items()}
    now = datetime.combine(day, time(16, 0), NEW_YORK).astimezone(UTC)
    made = {"snapshot_id": 0, "created_at": pd.Timestamp(now).tz_localize(None)}
    chains, greeks, predictions = [], [], []
    for symbol, rows in known.items():
        chain = chain_of(folder / symbol / name, symbol, float(rows["close"].iloc[-1]))
        valued = value_chain(chain, risk_free_rate=RATE)
        chains.append(chain.assign(**made))
        greeks.append(valued.assign(**made))
        predictions.append(predict_chain(chain, valued, realised_volatility=realised_volatility(rows)).assign(**made))
    history = pd.concat(known.values(), ignore_index=True)
    frames = (pd.concat(parts, ignore_index=True) for parts in (chains, greeks, predictions))
    return Day(now, *frames, Inputs(price_history=history, cash_is_net=False))


def legs(ledger: Sequence[Entry]) -> list[tuple[str, date, date | None, str]]:
    """Every sale: contract, day, the day of what ended it (None: open) and what that was, `roll` among it."""
    found = []
    for at, entry in enumerate(ledger):
        if entry.event != "sell":
            continue
        ends = ((n, e) for n, e in enumerate(ledger) if n > at and e.symbol == entry.symbol and e.event != "sell")
        place, end = next(ends, (0, None))
        told = "open" if end is None else end.event
        after = ledger[place + 1] if end is not None and place + 1 < len(ledger) else None
        if end and after and (after.event, after.date) == ("sell", end.date) and after.symbol[:6] == end.symbol[:6]:
            told = "roll" if end.event == "buy" and after.symbol[12] == end.symbol[12] else told
        found.append((entry.symbol, entry.date, end.date if end else None, told))
    return found


def churn(ledger: Sequence[Entry]) -> Iterator[str]:
    """How long what was sold was held."""
    sold = legs(ledger)
    ended = [((end - begun).days, how) for _, begun, end, how in sold if end]
    rolls = [days for days, how in ended if how == "roll"]
    yield f"{len(sold)} legs sold, {len(ended)} ended, {len(rolls)} of them rolled"
    yield f"held a day or less: {sum(days <= 1 for days, _ in ended)}"
    yield f"rolled within {SOON} days of being sold: {sum(days <= SOON for days in rolls)}"
    if ended:
        yield f"days held: least {min(ended)[0]}, median {median(days for days, _ in ended):.0f}"


def report(folder: Path, symbols: Sequence[str], rules: StrategySettings) -> Iterator[str]:
    """Results, ledger, churn."""
    strategies = {
        "wheel": advised(rules, symbols),
        "plain_wheel": plain_wheel(CASH, symbols),
        "buy_and_hold": buy_and_hold(CASH, symbols),
    }
    tracks = walk(days_of(folder, symbols), strategies, cash=CASH, commission=rules.commission)
    document = backtest_document(tracks, symbols, skipped=[])
    period = f"{document['days']} days, {document['start']} to {document['end']}"
    yield f"{', '.join(symbols)}: {period}; {CASH:,.0f} dollars"
    for name, result in document["results"].items():
        numbers = f"{result['equity']:>12,.2f}{result['profit']:>+11,.2f}{result['return']:>+8.2%}"
        yield f"{NAMES[name]:<22}{numbers}{result['max_drawdown']:>8.2%}{result['trades']:>5} trades"
    yield from ("", *churn(tracks["wheel"].account.ledger), "")
    for entry in tracks["wheel"].account.ledger:
        numbers = f"{entry.quantity:>5}{entry.price:>9.2f}{entry.fee:>7}{entry.amount:>+12,}{entry.cash:>13,}"
        yield f"{entry.date}  {entry.event:<12}{entry.symbol:<22}{numbers}"
    yield from (f"not filled: {line}" for line in tracks["wheel"].account.not_filled)


def main() -> None:
    """Print the report."""
    folder, symbols = asked_days(__doc__)
    sys.stdout.writelines(f"{line}\n" for line in report(folder, symbols, StrategySettings()))


if __name__ == "__main__":
    main()
