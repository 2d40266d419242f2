"""States of an account and a market, and what a careful trader of the wheel does in them.

Written from the practice of the wheel (sell 30 to 45 days at a delta of 0.30 or less, manage at 21 days, take half of
the profit, never a call below cost, roll for a credit or not at all) and from the rules of programs that trade it.
"""

from __future__ import annotations

import math
from datetime import timedelta

import pandas as pd
import pytest

from wheel_assets_tests.recommend.conftest import NOW, TODAY, Desk, osi


def earnings(days, symbol="U", **more):
    row = {"symbol": symbol, "kind": "earnings", "date": pd.Timestamp(TODAY + timedelta(days=days)), "amount": math.nan}
    return {"calendar": pd.DataFrame([row | {"estimated": False, "announced_until": pd.NaT} | more])}


def dividend(days, amount):
    return earnings(days, kind="ex_dividend", amount=amount)


def closes(*last, symbol="U"):
    """Daily closes up to yesterday."""
    days = pd.date_range(end=TODAY - timedelta(days=1), periods=len(last))
    return pd.DataFrame({"symbol": symbol, "date": days.astype("datetime64[us]"), "close": list(last)})


def history(*frames):
    return {"price_history": pd.concat(frames, ignore_index=True)}


def volatility(rank, percentile=0.5):
    """Where implied volatility stands within the year."""
    row = {"symbol": "U", "date": pd.Timestamp(TODAY), "days": 252, "iv_rank": rank, "iv_percentile": percentile}
    return {"volatility_history": pd.DataFrame([row])}


def traded(*rows):
    """Transactions: days ago, option (right, strike, days) or None for shares, quantity, amount."""
    columns = ["executed_at", "option_symbol", "quantity", "amount"]
    told = [
        (
            NOW.replace(tzinfo=None) - timedelta(days=ago),
            what and osi("U", TODAY + timedelta(what[2]), *what[:2]),
            *rest,
        )
        for ago, what, *rest in rows
    ]
    return {
        "transactions": pd.DataFrame(told, columns=columns).assign(symbol="U", kind="trade", price=math.nan, fees=0.0)
    }


def funded(**quote):
    """$50,000, and a 28 put at 0.55 to 0.60: 0.20 delta, 35 days."""
    at = {"strike": 28, "bid": 0.55, "ask": 0.60} | quote
    return Desk().cash(50_000).put(at.pop("strike"), at.pop("bid"), at.pop("ask"), **at)


def owning(shares=100, paid=28.0, **quote):
    """Shares, no cash, and a 33 call at 0.60 to 0.65: 0.20 delta, 35 days."""
    at = {"strike": 33, "bid": 0.60, "ask": 0.65} | quote
    return Desk().cash(0).stock(shares, paid).call(at.pop("strike"), at.pop("bid"), at.pop("ask"), **at)


ROLL = {"strike": 28, "bid": 1.90, "ask": 1.95, "days": 42, "delta": 0.28}  # worth rolling the puts below into


def short_put(strike=29.0, premium=1.00, bid=0.95, ask=1.00, days=35, roll=ROLL, **quote):
    """One put sold, its quote, and where it could be rolled to."""
    desk = Desk().cash(0).option("put", strike, -1, premium, days=days).put(strike, bid, ask, days=days, **quote)
    if roll:
        at = dict(roll)
        desk.put(at.pop("strike"), at.pop("bid"), at.pop("ask"), **at)
    return desk


def short_call(strike=31.0, premium=1.00, bid=0.95, ask=1.00, days=35, shares=100, paid=28.0, **quote):
    """One call sold over shares, and its quote."""
    desk = Desk().cash(0).stock(shares, paid).option("call", strike, -1, premium, days=days)
    return desk.call(strike, bid, ask, days=days, **quote)


X_SHARES = {"symbol": "X", "paid": 30.0}
WALK = [30.0 * (1.02 if day % 2 else 0.99) ** (day % 5) for day in range(80)]

OPENINGS = {
    "a put at a usual delta that pays": (funded(), {}, "open_csp", "0.20 delta"),
    "the greatest delta": (funded(delta=0.30), {}, "open_csp", "0.30 delta"),
    "a delta too great": (funded(delta=0.31), {}, "none", "too likely to be assigned"),
    "a delta too small": (funded(delta=0.09), {}, "none", "too far out of the money"),
    "the first day of the window": (funded(days=30), {}, "open_csp", "30 days"),
    "a day before the window": (funded(days=29), {}, "none", "expire too soon"),
    "the last day of the window": (funded(days=45), {}, "open_csp", "45 days"),
    "a day after the window": (funded(days=46), {}, "none", "expire too late"),
    "hardly any open interest": (funded(interest=9), {}, "none", "hardly traded"),
    "no volume where some is asked": (funded(volume=5), {"min_volume": 10}, "none", "not traded enough"),
    "a third between bid and ask": (funded(bid=0.50, ask=0.70), {}, "none", "quoted too wide"),
    "pennies": (funded(bid=0.04, ask=0.05), {}, "none", "bid for too little"),
    "less than the least credit": (funded(bid=0.09, ask=0.10), {}, "none", "pay too little"),
    "less than the least return": (funded(bid=0.21, ask=0.22), {}, "none", "yield too little"),
    "no bid": (funded(bid=0.0), {}, "none", "without a live two-sided quote"),
    "a strike in the money": (funded(strike=31), {}, "none", "in the money"),
    "a strike above its limit": (funded(), {"max_strike": 27.0}, "none", "above the greatest strike"),
    "a strike at its limit": (funded(), {"max_strike": 28.0}, "open_csp", "28 puts"),
    "an adjusted contract": (funded(root="U1"), {}, "none", "adjusted"),
    "IV rank high enough": (funded(), volatility(0.75) | {"min_iv_rank": 0.5}, "open_csp", "Sell"),
    "IV rank too low": (funded(), volatility(0.25) | {"min_iv_rank": 0.5}, "none", "IV rank 25 %"),
    "IV percentile too low": (funded(), volatility(0.6, 0.4) | {"min_iv_percentile": 0.5}, "none", "IV percentile"),
    "IV rank unknown": (funded(), {"min_iv_rank": 0.5}, "none", "IV rank unknown"),
    "a put on a green day": (funded(), history(closes(29.7)) | {"put_days": "red"}, "none", "did not fall enough"),
    "a put on a red day": (funded(), history(closes(30.3)) | {"put_days": "red"}, "open_csp", "Sell"),
    "a move below the threshold": (funded(), history(closes(30.3)) | {"min_move": 0.02}, "none", "1.0 %, at least 2.0"),
    "a move above the threshold": (funded(), history(closes(31.0)) | {"min_move": 0.02}, "open_csp", "Sell"),
    "a move that is not known": (funded(), {"min_move": 0.02}, "none", "fall of the day unknown"),
    "a call on a red day": (owning(), history(closes(30.3)) | {"call_days": "green"}, "none", "did not rise enough"),
    "a call on a green day": (owning(), history(closes(29.7)) | {"call_days": "green"}, "open_cc", "Sell"),
    "the cap of a run": (funded(), {"max_new_collateral": 0.06}, "open_csp", "Sell 2 "),
    "a cap of a run below one contract": (funded(), {"max_new_collateral": 0.02}, "none", "new collateral"),
    "the reserve of cash": (funded(), {"cash_reserve": 0.45}, "open_csp", "Sell 1 "),
    "all cash is reserve": (funded(), {"cash_reserve": 0.5}, "none", "free cash"),
    "a symbol's share": (funded(), {"max_symbol_share": 0.06}, "open_csp", "Sell 2 "),
    "a symbol's weight": (funded(), {"own": {"U": {"weight": 0.09}}}, "open_csp", "Sell 3 "),
    "shares that fill the symbol's share": (funded().stock(900, 20), {}, "none", "share of the portfolio"),
    "a group that is full": (
        funded().stock(1700, **X_SHARES),
        {"groups": {"alike": ["U", "X"]}},
        "none",
        "group of symbols",
    ),
    "a symbol that moves with a full one": (
        funded().stock(1700, **X_SHARES),
        history(closes(*WALK), closes(*WALK, symbol="X")),
        "none",
        "group of symbols",
    ),
    "a symbol that is only watched": (funded(), {"own": {"U": {"trade": False}}}, "none", "not to be traded"),
    "a delta of its own": (funded(), {"own": {"U": {"max_put_delta": 0.15}}}, "none", "at most 0.15"),
    "earnings while it is held": (funded(), earnings(14), "none", "held over earnings"),
    "earnings after the managing day": (funded(), earnings(15), "open_csp", "before expiration, after the day"),
    "earnings after expiration": (funded(), earnings(36), "open_csp", "Sell"),
    "earnings, to be warned of": (
        funded(),
        earnings(14) | {"events": "warn"},
        "open_csp",
        "Warning: earnings on 7 Dec",
    ),
    "earnings, to be ignored": (funded(), earnings(14) | {"events": "ignore"}, "open_csp", "breakeven 27.46."),
    "a date of earnings that nobody knows": (funded(), {"unknown_events": "warn"}, "open_csp", "earnings is unknown"),
    "an unknown date, to be refused": (funded(), {"unknown_events": "refuse"}, "none", "next earnings unknown"),
    "a mean below zero, refused": (funded(mean=-0.01), {"negative_expectation": "refuse"}, "none", "expected to lose"),
    "a mean below zero, warned of": (
        funded(mean=-0.01),
        {"negative_expectation": "warn"},
        "open_csp",
        "expects -1.0 %",
    ),
    "no edge for Kelly": (funded(mean=-0.01), {"kelly": 0.5}, "none", "Kelly"),
    "no cash": (Desk().cash(0).put(28, 0.55, 0.60), {}, "none", "free cash $0"),
    "a sold option that cannot be read": (
        funded().option("put", 25, -1, unknown=["strike"]),
        {},
        "none",
        "room for the symbol $0",
    ),
    "a call above cost": (owning(), {}, "open_cc", "bought at 28.00"),
    "a call below cost": (owning(paid=34.0), {}, "none", "below what the shares cost"),
    "a call above cost net of premiums": (
        owning(paid=34.0),
        traded((60, None, 100, -3400.0), (50, ("call", 36, -20), -1, 150.0), (20, ("call", 36, -20), 1, 0.0))
        | {"call_basis": "net"},
        "open_cc",
        "bought at 32.50",
    ),
    "fewer than a hundred shares": (owning(shares=99), {}, "none", "99 are free"),
    "half of the shares to be covered": (owning(shares=400), {"max_coverage": 0.5}, "open_cc", "Sell 2 "),
    "a hundred shares kept": (owning(shares=300), {"keep_shares": 100}, "open_cc", "Sell 2 "),
    "only the excess over the weight": (
        owning(shares=300),
        {"excess_only": True, "own": {"U": {"weight": 0.03}}},
        "open_cc",
        "Sell 2 ",
    ),
    "no excess": (owning(shares=100), {"excess_only": True, "own": {"U": {"weight": 0.03}}}, "none", "may be covered"),
}

MANAGED = {
    "half earned": (short_put(bid=0.45, ask=0.49), {}, "close", "50 % of the premium is earned"),
    "a little less than half": (short_put(bid=0.45, ask=0.51), {}, "hold", "nothing to do until"),
    "a third earned, enough this early": (
        short_put(bid=0.63, ask=0.65),
        {"profit_tiers": "35:0.3"},
        "close",
        "30 % of the premium is earned",
    ),
    "a third earned, not enough later": (
        short_put(bid=0.63, ask=0.65, days=34),
        {"profit_tiers": "35:0.3"},
        "hold",
        "nothing to do",
    ),
    "a nickel left": (short_put(premium=0.08, bid=0.03, ask=0.05, delta=0.05), {}, "close", "no more than 0.05"),
    "hardly a return left": (
        short_put(premium=0.11, bid=0.05, ask=0.06, delta=0.05, days=300),
        {},
        "close",
        "a year is left to earn",
    ),
    "earned, on a quote too wide": (short_put(bid=0.20, ask=0.45), {}, "hold", "too wide to trust"),
    "earned, on a wide quote of next to nothing": (
        short_put(premium=1.80, bid=0.03, ask=0.15),
        {},
        "close",
        "91 % of the 1.80 premium earned",
    ),
    "earnings before it ends": (
        short_put(bid=0.95, ask=1.0),
        earnings(30),
        "hold",
        "earnings on 23 Dec 2026 fall before",
    ),
    "nothing earned yet": (short_put(bid=0.98, ask=1.0), {}, "hold", "none of the 1.00 premium earned"),
    "twice the premium, without a stop": (short_put(bid=1.95, ask=2.00), {}, "hold", "nothing to do"),
    "twice the premium, with a stop": (short_put(bid=1.95, ask=2.00), {"loss_stop": 2.0}, "close", "loss stop"),
    "0.90 in the money with 25 days left": (
        short_put(strike=30.9, bid=1.70, ask=1.75, days=25, delta=0.55),
        {},
        "hold",
        "0.90 in the money",
    ),
    "21 days left and a roll that pays": (short_put(days=21), {}, "roll", "21 of 21 days are left"),
    "22 days left": (short_put(days=22), {}, "hold", "nothing to do until"),
    "21 days left and nothing to roll into": (short_put(days=21, roll=None), {}, "hold", "may expire worthless"),
    "in the money and nothing to roll into": (
        short_put(strike=31, bid=1.5, ask=1.55, days=20, delta=0.6, roll=None),
        {},
        "hold",
        "being assigned is part of the wheel",
    ),
    "nothing to roll into, to be closed": (
        short_put(days=21, roll=None),
        {"close_if_no_roll": True},
        "close",
        "no later put",
    ),
    "more days left than are managed": (short_put(days=15), {"max_manage_days": 10}, "hold", "more than 10 days left"),
    "too little earned to roll": (short_put(days=21), {"min_roll_profit": 0.2}, "hold", "before 20 %"),
    "a roll below the least return": (
        short_put(days=21, roll=ROLL | {"bid": 1.15, "ask": 1.2}),
        {},
        "hold",
        "yield too little",
    ),
    "a roll below the least credit": (
        short_put(days=21, roll=ROLL | {"bid": 1.08, "ask": 1.1}),
        {},
        "hold",
        "pay too little",
    ),
    "a roll to a higher strike": (short_put(days=21, roll=ROLL | {"strike": 29.5}), {}, "hold", "above the strike"),
    "a roll that would be managed soon": (short_put(days=15, roll=ROLL | {"days": 29}), {}, "hold", "expire too soon"),
    "a roll into earnings": (short_put(days=15), earnings(10), "hold", "held over earnings"),
    "a delta that has grown": (short_put(delta=0.72, bid=0.95, ask=1.0), {}, "roll", "delta 0.72 has reached 0.70"),
    "time value gone": (short_put(strike=31, bid=1.0, ask=1.02, delta=0.6), {}, "roll", "has vanished"),
    "a call without shares": (short_call(shares=0), {}, "close", "NOT COVERED"),
    "a call behind a long one": (short_call(shares=0).option("call", 30, 1, 2.0), {}, "hold", "nothing to do"),
    "a call that ended": (short_call(days=-1), {}, "none", "wait for settlement"),
    "a call that nobody quotes": (short_call(quality="missing"), {}, "none", "no live price"),
    "a dividend worth more than waiting": (
        short_call(strike=28, bid=2.05, ask=2.15, delta=0.65),
        dividend(4, 0.5),
        "hold",
        "assignment is likely before the ex-dividend date",
    ),
    "a dividend worth less than waiting": (
        short_call(strike=28, bid=2.95, ask=3.05, delta=0.65),
        dividend(4, 0.5),
        "hold",
        "nothing to do",
    ),
    "early assignment that is accepted": (
        short_call(strike=28, bid=2.05, ask=2.15, delta=0.65),
        dividend(4, 0.5) | {"early_assignment": "accept"},
        "hold",
        "nothing to do",
    ),
    "a call rolled to a lower strike above cost": (
        short_call(strike=34, days=20).call(32, 2.0, 2.05, days=42, delta=0.28),
        {},
        "roll",
        "32 call",
    ),
    "a call under a high-water mark": (
        short_call(strike=34, days=20).call(32, 2.0, 2.05, days=42, delta=0.28),
        {"high_water_mark": True},
        "hold",
        "at or above 34.00",
    ),
    "another symbol": (Desk().cash(0).option("put", 28, -1, 1.0, symbol="X"), {}, "none", "was not asked about"),
}


@pytest.mark.parametrize("state", OPENINGS)
def test_openings(state):
    desk, options, action, reason = OPENINGS[state]
    frame = desk.advise(**options).frame
    row = frame[frame["option_symbol"].isna() | frame["action"].str.startswith("open")].iloc[0]
    assert (row["action"], reason in row["reason"]) == (action, True), row["reason"]


@pytest.mark.parametrize("state", MANAGED)
def test_open_options(state):
    desk, options, action, reason = MANAGED[state]
    code = next(row["symbol"] for row in desk.positions if row["asset_type"] == "option")
    frame = desk.advise(**options).frame
    row = frame[frame["option_symbol"] == code].iloc[0]
    assert (row["action"], reason in row["reason"]) == (action, True), row["reason"]


def test_pin_risk_is_a_warning():
    advice = short_put(strike=30.1, bid=0.2, ask=0.3, days=0).advise()
    assert any("PIN RISK" in line for line in advice.warnings)


def test_what_was_opened_today_counts_against_the_day():
    # 6 % of 100,000 a day; 2,500 of it were opened this morning: one put of 2,800 fits, two do not
    desk = funded().option("put", 25, -1, 1.0).put(25, 0.9, 0.95, delta=0.09)
    opened = desk.advise(**traded((0, ("put", 25, 35), -1, 99.0)), max_new_collateral=0.06, max_new_collateral_day=0.06)
    assert opened.frame.set_index("action").loc["open_csp", "quantity"] == 1
