"""What is advised on one day is not undone on the next: in a month in which nothing happens, and in one that moves."""

from __future__ import annotations

import math
from datetime import timedelta
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from wheel_assets.backtest.day import Day
from wheel_assets.backtest.strategies import advised
from wheel_assets.backtest.walk import walk
from wheel_assets.strategy import StrategySettings
from wheel_assets_tests.recommend.conftest import NOW, PLAIN, TODAY, Desk

EXPIRATIONS = [TODAY + timedelta(days=4 + 7 * week) for week in range(16)]  # Fridays
STRIKES = range(24, 31)
VOLATILITY = 0.5
within = NormalDist().cdf


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


@pytest.mark.slow
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


def moving_market(seed):
    """30 sessions of U from $30, log-normal at 50 % a year; chains by Black and Scholes, quoted a twentieth wide."""
    moves = np.random.default_rng(seed).normal(-(VOLATILITY**2) / 2 / 252, VOLATILITY / math.sqrt(252), 30)
    sessions = [day.date() for day in pd.bdate_range(TODAY, periods=30)]
    return dict(zip(sessions, 30 * np.exp(np.cumsum(moves)), strict=True))


def quoted(desk, spot, today, expiration):
    years = max((expiration - today).days, 0.3) / 365
    for strike in range(max(10, round(spot * 0.6)), round(spot * 1.4)):
        deviation = VOLATILITY * math.sqrt(years)
        d1 = math.log(spot / strike) / deviation + deviation / 2
        call = spot * within(d1) - strike * within(d1 - deviation)
        for right, value, delta, prob in (
            ("call", call, within(d1), within(d1 - deviation)),
            ("put", call + strike - spot, within(-d1), within(deviation - d1)),
        ):
            half = max(0.01, round(value / 40, 2))
            more = {"spot": spot, "delta": delta, "prob": prob, "cvar": -min(1.0, 2 * deviation), "iv": VOLATILITY}
            bid = round(max(value - half, 0.0), 2)
            desk.quote(right, strike, bid, round(value + half, 2), days=(expiration - TODAY).days, **more)


def quoted_day(today, spot):
    desk = Desk()
    for expiration in (day for day in EXPIRATIONS if 0 <= (day - today).days <= 65):
        quoted(desk, spot, today, expiration)
    frames = desk.frames()
    del frames["positions"]
    return Day(now=NOW + timedelta(days=(today - TODAY).days), **frames)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_sold_in_a_moving_market_is_undone_only_by_a_move(seed):
    prices = moving_market(seed)
    days = [quoted_day(today, spot) for today, spot in prices.items()]
    rules = StrategySettings(**PLAIN, max_new_collateral_day=1.0)
    track = walk(days, {"wheel": advised(rules, ["U"])}, cash=60_000, commission=0.65)["wheel"]
    ledger = track.account.ledger
    sold = [(n, entry) for n, entry in enumerate(ledger) if entry.event == "sell"]
    undone = [
        (entry.date, end.date)
        for n, entry in sold
        if (end := next((e for e in ledger[n:] if e.symbol == entry.symbol and e.event == "buy"), None))
        and (end.date - entry.date).days <= 3
    ]
    assert len(sold) >= 3
    big = VOLATILITY / math.sqrt(252)
    assert all(abs(math.log(prices[end] / prices[start])) > big for start, end in undone), undone
