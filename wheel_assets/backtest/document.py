"""The backtest as one JSON document, with a caution about how little it proves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from wheel_assets.backtest.simulated_account import LedgerEntry
from wheel_assets.backtest.walk import Track

NAMES = {"wheel": "the rules", "plain_wheel": "plain 30-delta wheel", "buy_and_hold": "buy and hold"}
TRADES = ("sell", "buy", "buy_shares")


def backtest_document(tracks: Mapping[str, Track], symbols: Sequence[str], *, skipped: Sequence[str]) -> dict[str, Any]:
    """Symbols, days, results by strategy, equity by day and the ledgers; money is dollars, to the cent.

    `skipped` are days that could not be walked, each with its reason.
    """
    days = list(tracks["wheel"].equity)
    return {
        "symbols": list(symbols),
        "start": days[0].isoformat(),
        "end": days[-1].isoformat(),
        "days": len(days),
        "results": {name: _result(track) for name, track in tracks.items()},
        "equity": [
            {"date": day.isoformat()} | {name: float(track.equity[day]) for name, track in tracks.items()}
            for day in days
        ],
        "ledger": {name: [_line(entry) for entry in track.account.ledger] for name, track in tracks.items()},
        "remarks": {name: list(track.account.not_filled) for name, track in tracks.items()},
        "skipped": list(skipped),
        "caution": _caution(tracks["wheel"]),
    }


def _result(track: Track) -> dict[str, Any]:
    ledger, worth = track.account.ledger, list(track.equity.values())
    first, last = ledger[0].amount, worth[-1]
    return {
        "cash_at_start": float(first),
        "equity": float(last),
        "profit": float(last - first),
        "return": round(float((last - first) / first), 6),
        "max_drawdown": round(_max_drawdown([first, *worth]), 6),
        "trades": sum(entry.event in TRADES for entry in ledger),
        "assignments": sum(entry.event in ("assignment", "called_away") for entry in ledger),
        "fees": float(sum((entry.fee for entry in ledger), Decimal(0))),
    }


def _max_drawdown(worth: Sequence[Decimal]) -> float:
    """The deepest fall from a peak, as a share of the peak.

    >>> _max_drawdown([Decimal(100), Decimal(80), Decimal(120), Decimal(108)])
    0.2
    """
    peak, deepest = worth[0], 0.0
    for value in worth:
        peak = max(peak, value)
        deepest = max(deepest, float(1 - value / peak))
    return deepest


def _line(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "date": entry.date.isoformat(),
        "event": entry.event,
        "symbol": entry.symbol,
        "quantity": entry.quantity,
        "price": entry.price,
        "fee": float(entry.fee),
        "amount": float(entry.amount),
        "cash": float(entry.cash),
    }


def _caution(track: Track) -> str:
    days = len(track.equity)
    trades = sum(entry.event in TRADES for entry in track.account.ledger)
    return (
        f"This is {days} trading day{'s' * (days != 1)} and {trades} trade{'s' * (trades != 1)}, in one market: far "
        "too little to separate skill from luck. A month that only rose says nothing about a fall. Fills at the bid "
        "and the ask of one moment a day; no early assignment."
    )
