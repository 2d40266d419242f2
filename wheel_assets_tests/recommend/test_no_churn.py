"""A month in which nothing happens: what is advised on one day is not undone on the next."""

from __future__ import annotations

import math
from datetime import timedelta

from wheel_assets_tests.recommend.conftest import NOW, TODAY, Desk

EXPIRATIONS = [TODAY + timedelta(days=4 + 7 * week) for week in range(16)]  # Fridays
STRIKES = range(24, 31)


def market(today):
    """Puts on U at $30 at one volatility, quoted a nickel wide; prices fall with the square root of the time left."""
    desk = Desk()
    for expiration in (day for day in EXPIRATIONS if day >= today):
        years = max((expiration - today).days, 0.3) / 365
        for strike in STRIKES:
            distance = (30 - strike) / (30 * 0.5 * math.sqrt(years))
            bid = round(max(6 * math.sqrt(years) * math.exp(-distance * (1 + distance / 3)), 0.01), 2)
            delta = 0.5 * math.exp(-distance)
            desk.put(strike, bid, bid + 0.05, days=(expiration - TODAY).days, delta=delta, prob=delta)
    return desk


def test_no_leg_of_a_quiet_month_is_held_for_a_day_or_less():
    opened: dict[tuple[int, float], tuple[int, float, int]] = {}  # days and strike: day of opening, premium, contracts
    held, sold = [], 0
    for day in range(31):
        desk = market(TODAY + timedelta(days=day)).cash(60_000)
        for (days, strike), (_, premium, size) in opened.items():
            desk.option("put", strike, -size, premium, days=days)
        frame = desk.advise(now=NOW + timedelta(days=day), max_new_collateral=0.1).frame
        for row in frame[frame["action"].isin(["close", "roll", "open_csp"])].itertuples():
            at = ((row.expiration.date() - TODAY).days, row.strike)
            if row.action == "open_csp":
                before = opened.get(at, (day, row.limit_price, 0))
                opened[at] = (before[0], row.limit_price, before[2] + row.quantity)
                sold += 1
                continue
            held.append(day - opened.pop(at)[0])
    assert sold >= 3
    assert min(held, default=99) > 3, held
