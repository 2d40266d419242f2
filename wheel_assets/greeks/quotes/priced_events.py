"""Events that the options price: sessions between two expirations that carry far more variance than their neighbours.

Total variance at the money adds up over time, so that the difference between two expirations is what the market expects
of the sessions between them. An announcement stands out as a large move of one session. Its variance is what those
sessions carry beyond the typical session around them (Dubinsky, Johannes, Kaeck, Seeger, *Option pricing of earnings
announcement risks*, Review of Financial Studies 32, 2019, estimate it likewise from two expirations). The move is one
standard deviation: about two in three are smaller. No events calendar is used to find them.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wheel_assets.greeks.quotes import PRICED_MOVE
from wheel_assets.market.arrays import Floats
from wheel_assets.market.calendar import closes_in_new_york, last_session, new_york_times, sessions_left

NEAR = 1.0  # deviations from the forward within which contracts count for the variance at the money
LEAST_CONTRACTS = 4
FARTHEST = 120  # calendar days; later expirations lie too far apart to date anything
NEIGHBOURS = 2  # intervals to each side from which the typical variance is taken
STANDS_OUT = 2.0  # times the typical variance of as many sessions
LEAST_MOVE = 0.02  # of the spot
LAST_MINUTES = timedelta(minutes=15)  # of a session: quotes from then are called its last
LEAST_SESSIONS = 0.5  # of an interval: less is noise


class PricedEvent(NamedTuple):
    """A priced move within the sessions `first` to `last` (inclusive); `move` is one deviation, decimal of the spot."""

    first: date
    last: date
    move: float


def priced_events(greeks: pd.DataFrame) -> dict[str, list[PricedEvent]]:
    """The events of each symbol, soonest first; takes the columns of `tables.GREEKS` that come before them."""
    found = {}
    for symbol, rows in greeks[greeks["status"] == "ok"].groupby("symbol", sort=False):
        variances = _at_the_money(rows)
        found[str(symbol)] = _events(variances) if len(variances) > NEIGHBOURS else []
    return {symbol: events for symbol, events in found.items() if events}


def event_columns(greeks: pd.DataFrame, events: dict[str, list[PricedEvent]]) -> dict[str, NDArray[np.generic]]:
    """The columns `event_from`, `event_to` and `event_move`: the largest priced move before each expiration."""
    size = len(greeks)
    first, last = (np.full(size, np.datetime64("NaT", "us")) for _ in range(2))
    move = np.full(size, np.nan)
    for symbol, moves in events.items():
        of_symbol = (greeks["symbol"] == symbol).to_numpy()
        for event in sorted(moves, key=lambda event: event.move):
            inside = of_symbol & (greeks["expiration"] >= pd.Timestamp(event.last)).to_numpy()
            first[inside], last[inside], move[inside] = (
                np.datetime64(event.first),
                np.datetime64(event.last),
                event.move,
            )
    return {"event_from": first, "event_to": last, "event_move": move}


def event_notes(found: dict[str, list[PricedEvent]], known: pd.DataFrame | None) -> list[str]:
    """One note for each event, with the earnings date where a known one falls into it."""
    notes = []
    for symbol, events in found.items():
        for event in events:
            days = f"on {_day(event.last)}" if event.first == event.last else f"between {_days(event)}"
            note = f"{symbol}: {PRICED_MOVE} about {100 * event.move:.0f} % {days}"
            notes.append(note + _named(symbol, event, known))
    return notes


def _at_the_money(rows: pd.DataFrame) -> pd.DataFrame:
    """Sessions left and total variance at the forward, one row per expiration, soonest first."""
    forward = rows["spot_price"] * np.exp((rows["risk_free_rate"] - rows["dividend_yield"]) * rows["years"])
    moneyness = np.log(rows["strike"] / forward)
    distance = moneyness / (rows["iv"] * np.sqrt(rows["years"]))
    out_of_the_money = np.where(rows["option_type"] == "put", moneyness <= 0, moneyness >= 0)
    near = rows.assign(distance=distance.abs())[out_of_the_money & (distance.abs() < NEAR)]
    variances = []
    for expiration, each in near.groupby("expiration"):
        nearest = each.nsmallest(LEAST_CONTRACTS, "distance")
        years = float(nearest["years"].iloc[0])
        if len(nearest) == LEAST_CONTRACTS and years * 365 <= FARTHEST:
            weight = 1 / (0.05 + nearest["distance"])
            iv = float((weight * nearest["iv"]).sum() / weight.sum())
            variances.append((expiration, nearest["timestamp"].iloc[0], years, iv * iv * years))
    table = pd.DataFrame(variances, columns=["expiration", "timestamp", "years", "variance"])
    return table.assign(sessions=sessions_left(table["timestamp"], table["years"].to_numpy(dtype=float)))


def _events(table: pd.DataFrame) -> list[PricedEvent]:
    """The intervals that stand out, as events."""
    sessions = np.diff(table["sessions"].to_numpy(), prepend=0.0)
    variance = np.diff(table["variance"].to_numpy(), prepend=0.0)
    begins = [_first_session(table["timestamp"].iloc[0]), *(_after(day) for day in table["expiration"].iloc[:-1])]
    found = []
    for number, (first, last) in enumerate(zip(begins, table["expiration"], strict=True)):
        typical = _typical(number, sessions, variance) * sessions[number]
        beyond = variance[number] - typical
        stands_out = sessions[number] >= LEAST_SESSIONS and variance[number] > STANDS_OUT * typical > 0
        if stands_out and beyond >= LEAST_MOVE**2:
            found.append(PricedEvent(first, last.date(), float(np.sqrt(beyond))))
    return found


def _typical(number: int, sessions: Floats, variance: Floats) -> float:
    """Median variance a session of the neighbouring intervals; 0 where there is none."""
    around = [i for i in range(number - NEIGHBOURS, number + NEIGHBOURS + 1) if i != number and 0 <= i < sessions.size]
    rates = [variance[i] / sessions[i] for i in around if sessions[i] >= LEAST_SESSIONS]
    return float(np.median(rates)) if len(rates) >= NEIGHBOURS else 0.0


def _first_session(quoted: pd.Timestamp) -> date:
    """The first session that can still move after a quote: its own, or the next one once that is over."""
    local = new_york_times(pd.Series([quoted])).iloc[0]
    over = closes_in_new_york(pd.Series([local.normalize()])).iloc[0] - LAST_MINUTES
    return _after(local) if local >= over else local.date()


def _after(day: pd.Timestamp) -> date:
    """The first session after a day."""
    following = day.date() + timedelta(days=1)
    while last_session(following) != following:
        following += timedelta(days=1)
    return following


def _named(symbol: str, event: PricedEvent, known: pd.DataFrame | None) -> str:
    """Suffix of the note: the known earnings date within the event, or nothing."""
    if known is None or known.empty:
        return ""
    earnings = known[(known["symbol"] == symbol) & (known["kind"] == "earnings") & known["date"].notna()]
    earlier = pd.Timestamp(event.first) - pd.Timedelta(days=4)  # announced after a close, it moves the next session
    inside = earnings[(earnings["date"] >= earlier) & (earnings["date"] <= pd.Timestamp(event.last))]
    return f": earnings on {_day(inside['date'].iloc[-1].date())}" if len(inside) else ""


def _day(day: date) -> str:
    return f"{day.day} {day:%B}"


def _days(event: PricedEvent) -> str:
    same_month = (event.first.year, event.first.month) == (event.last.year, event.last.month)
    return f"{event.first.day if same_month else _day(event.first)} and {_day(event.last)}"
