"""Close, roll, hold, or say why it cannot be told: by hand."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from wheel_assets_tests.recommend.conftest import TODAY


def judged(desk, **options):
    """The row of the first open option."""
    code = next(row["symbol"] for row in desk.positions if row["asset_type"] == "option")
    frame = desk.cash(0).advise(**options).frame
    return frame[frame["option_symbol"] == code].iloc[0]


def test_half_of_the_premium_is_enough(desk):
    # 1 - (0.39 + 0.0065) / 0.80 = 50.4 %
    row = judged(desk.option("put", 28, -2, 0.80).put(28, 0.35, 0.39))
    assert (row["action"], row["quantity"], row["limit_price"]) == ("close", 2, 0.39)
    assert row["credit"] == -79.30  # -2 x (39 + 0.65)
    assert "50 % of the 0.80 premium earned" in row["reason"]


def test_a_little_less_is_not(desk):
    # 1 - (0.40 + 0.0065) / 0.80 = 49.2 %
    row = judged(desk.option("put", 28, -2, 0.80).put(28, 0.35, 0.40))
    assert row["action"] == "hold"
    assert "nothing to do until 50 % is earned or 21 days are left" in row["reason"]


def test_the_share_of_the_premium_is_a_setting(desk):
    assert judged(desk.option("put", 28, -1, 0.80).put(28, 0.35, 0.39), take_profit=0.6)["action"] == "hold"


def test_what_costs_a_nickel_is_closed_though_the_premium_is_unknown(desk):
    row = judged(desk.option("put", 20, -1).put(20, 0.0, 0.05))
    assert row["action"] == "close"
    assert "premium received unknown" in row["reason"]
    assert "no more than 0.05 a share is left to earn" in row["reason"]


def test_on_its_last_day_a_nickel_is_left_to_expire(desk):
    row = judged(desk.option("put", 20, -1, days=0).put(20, 0.0, 0.05, days=0))
    assert row["action"] == "hold"
    assert "out of the money, it may expire worthless" in row["reason"]


def test_an_unknown_premium_is_never_taken_as_profit(desk):
    row = judged(desk.option("put", 28, -1).put(28, 0.35, 0.40))
    assert row["action"] == "hold"
    assert "premium received unknown, so its profit is not known; nothing to do until 21 days are left" in row["reason"]


def test_a_held_put_shows_where_it_loses(desk):
    row = judged(desk.option("put", 28, -2, 0.80).put(28, 0.60, 0.65))
    assert row["collateral"] == 5_600
    assert row["breakeven"] == pytest.approx(27.20)  # 28 - 0.80
    assert row["max_loss"] == 5_440  # 200 x 27.20
    assert row["prob_itm"] == 0.2
    assert math.isnan(row["credit"])


def near_put(desk, strike=31.0, ask=1.30):
    """A put 4 days from its end, sold at 1.00."""
    return desk.option("put", strike, -2, 1.00, days=4).put(strike, ask - 0.05, ask, days=4, delta=0.7, prob=0.7)


def test_a_put_in_the_money_rolls_out_and_down_for_a_credit(desk):
    row = judged(near_put(desk).put(29, 1.80, 1.85, days=39, delta=0.28, prob=0.3, cvar=-0.2))
    assert (row["action"], row["roll_to_option_symbol"]) == ("roll", "U     270101P00029000")
    assert row["limit_price"] == 0.50  # 1.80 - 1.30
    assert (row["limit_start"], row["limit_floor"]) == (0.54, 0.50)  # 1.82 - 1.28, ticks of a cent
    assert row["credit"] == 97.40  # 2 x (50 - 2 x 0.65)
    assert row["collateral"] == 5_800
    assert row["annualized_return"] == pytest.approx(97.40 / 5_800 * 365 / 39)
    assert row["breakeven"] == pytest.approx(27.513)  # 29 - (1.00 + 0.487)
    assert (row["prob_itm"], row["cvar_95"]) == (0.3, -0.2)
    assert "1.00 in the money" in row["reason"]


@pytest.mark.parametrize(
    "target", [{}, {"delta": 0.50}, {"days": 30}, {"days": 60}, {"interest": 10}, {"quality": "wide"}]
)
def test_targets_that_will_do(desk, target):
    assert judged(near_put(desk).put(29, 1.80, 1.85, **({"days": 39} | target)))["action"] == "roll"


@pytest.mark.parametrize(
    "target",
    [
        {"strike": 29, "bid": 1.39, "days": 39},  # 0.09 is below the least credit of 0.10
        {"strike": 29, "bid": 1.55, "days": 39},  # (25 - 1.30) / 2,900 x 365 / 39 = 7.6 %
        {"strike": 29, "bid": 1.80, "days": 29},  # it would have to be managed soon again
        {"strike": 29, "bid": 1.80, "days": 39, "delta": 0.51},  # half-way from 0.30 to 0.70 is 0.50
        {"strike": 31.5, "bid": 2.50, "days": 39},  # above the old strike
        {"strike": 29, "bid": 1.80, "days": 4},  # not later
        {"strike": 29, "bid": 1.80, "days": 61},  # too far out
        {"strike": 29, "bid": 1.80, "days": 39, "interest": 9},
        {"strike": 29, "bid": 1.80, "days": 39, "interest": None},
        {"strike": 29, "bid": 1.80, "days": 39, "root": "U1"},
        {"strike": 29, "bid": 1.80, "days": 39, "quality": "crossed"},
        {"strike": 29, "bid": 1.80, "days": 39, "delta": 0.7},  # as likely to be assigned as now
        {"strike": 29, "bid": 1.80, "days": 39, "delta": math.nan},
        {"strike": 29, "bid": 1.80, "days": 39, "multiplier": 10},
    ],
)
def test_no_roll_without_credit_or_at_worse_terms(desk, target):
    strike, bid = target.pop("strike"), target.pop("bid")
    row = judged(near_put(desk).put(strike, bid, bid + 0.05, **target))
    assert row["action"] == "hold"
    assert "no later put at or below its strike, at most 60 days out, keeps the rules" in row["reason"]
    assert "being assigned is part of the wheel, 200 shares at 31.00" in row["reason"]


def test_a_wide_quote_is_nothing_to_roll_into(desk):
    # 0.60 / 1.80 = 33 % > 25 %
    assert judged(near_put(desk).put(29, 1.50, 2.10, days=39))["action"] == "hold"


def test_a_target_at_a_usual_delta_is_preferred_to_a_safer_one(desk):
    near_put(desk).put(30, 2.00, 2.05, days=39, delta=0.40).put(28, 1.70, 1.75, days=39, delta=0.25)
    assert judged(desk)["roll_to_option_symbol"] == "U     270101P00028000"


def test_in_the_money_the_safest_target_will_do(desk):
    near_put(desk).put(30, 2.00, 2.05, days=39, delta=0.45).put(29.5, 1.80, 1.85, days=39, delta=0.40)
    assert judged(desk)["roll_to_option_symbol"] == "U     270101P00029500"


def test_out_of_the_money_only_a_usual_delta_will_do(desk):
    near_put(desk, strike=29.0, ask=0.80).put(28.5, 2.00, 2.05, days=39, delta=0.40)
    row = judged(desk)
    assert row["action"] == "hold"
    assert "out of the money, it may expire worthless" in row["reason"]


def test_close_to_expiration_it_rolls_out_of_the_money_too(desk):
    near_put(desk, strike=29.0, ask=0.80).put(28.5, 1.20, 1.25, days=32, delta=0.28)
    assert judged(desk)["action"] == "roll"


def test_in_the_money_alone_is_no_reason_to_roll(desk):
    desk.option("put", 31, -1, 1.00).put(31, 1.80, 1.85, delta=0.6).put(30, 2.40, 2.45, days=46, delta=0.28)
    assert judged(desk)["action"] == "hold"


@pytest.mark.parametrize(
    ("delta", "ask", "why"),
    [
        (0.70, 1.85, "delta 0.70 has reached 0.70"),
        (0.60, 1.02, "its time value of 0.01 has vanished, so it may be exercised"),
        (math.nan, 1.85, "delta is unknown, but it is assigned with 90 %"),
    ],
)
def test_far_from_expiration_it_is_managed_at_a_delta_or_without_time_value(desk, delta, ask, why):
    desk.option("put", 31, -1, 1.00).put(31, ask - 0.02, ask, delta=delta, prob=0.9)
    row = judged(desk.put(30, 2.40, 2.45, days=46, delta=0.28))
    assert row["action"] == "roll"
    assert why in row["reason"]


def test_far_from_expiration_and_out_of_the_money_it_is_left_alone(desk):
    desk.option("put", 28, -1, 0.80, days=22).put(28, 0.60, 0.65, days=22).put(28, 1.20, 1.25, days=46)
    assert judged(desk)["action"] == "hold"


def covered(desk, shares=100, basis=32.0):
    """A call 4 days from its end and 1 in the money, over shares bought at `basis`."""
    return desk.option("call", 29, -1, 1.00, days=4).call(29, 1.25, 1.30, days=4, delta=0.7).stock(shares, basis)


@pytest.mark.parametrize(("strike", "action"), [(31.5, "hold"), (32.0, "roll")])
def test_a_call_never_rolls_below_cost(desk, strike, action):
    assert judged(covered(desk).call(strike, 1.70, 1.75, days=39, delta=0.3))["action"] == action


@pytest.mark.parametrize(("strike", "action"), [(29.5, "hold"), (30.0, "roll")])
def test_a_call_of_unknown_cost_never_rolls_below_the_spot(desk, strike, action):
    assert judged(covered(desk, basis=math.nan).call(strike, 1.70, 1.75, days=39, delta=0.3))["action"] == action


def test_a_call_in_the_money_without_a_roll_is_called_away(desk):
    reason = judged(covered(desk))["reason"]
    assert "being called away is part of the wheel, 100 shares at 29.00, cost basis 32.00" in reason
    assert "no later call at or above 32.00" in reason


def test_an_uncovered_call_is_bought_back_and_never_rolled(desk):
    covered(desk, shares=50).call(33, 2.00, 2.05, days=39, delta=0.3)
    row = judged(desk)
    assert (row["action"], row["rank"]) == ("close", 1)
    assert "1 of 1 NOT COVERED, the loss has no limit" in row["reason"]


def test_only_the_uncovered_contracts_are_bought_back(desk):
    desk.option("call", 33, -3, 1.00).call(33, 0.60, 0.65).stock(200, 25)
    assert judged(desk)["quantity"] == 1


def test_a_call_that_a_long_call_covers_is_judged_and_not_rolled_alone(desk):
    desk.option("call", 33, -1, 1.00, days=20).call(33, 0.60, 0.65, days=20).option("call", 30, 1, 2.00, days=20)
    row = judged(desk.call(34, 1.60, 1.65, days=39))
    assert row["action"] == "hold"
    assert "long options stand behind it" in row["reason"]


def test_a_call_that_a_long_call_may_cover_in_part_is_left_to_its_owner(desk):
    desk.option("call", 33, -1, 1.00).call(33, 0.60, 0.65).option("call", 35, 1, 0.50)
    row = judged(desk)
    assert row["action"] == "none"
    assert "maybe by long calls" in row["reason"]


@pytest.mark.parametrize(
    ("bid", "ask", "more", "why"),
    [
        (0.60, 0.65, {"quality": "missing"}, "no live price to buy it back at (quote: missing)"),
        (0.60, 0.65, {"quality": "crossed"}, "no live price to buy it back at (quote: crossed)"),
        (0.60, math.nan, {"quality": "no_ask"}, "no live price to buy it back at (quote: no_ask)"),
        (0.60, 0.65, {"spot": 0.0}, "no price of the underlying"),
    ],
)
def test_what_cannot_be_judged_is_never_a_hold(desk, bid, ask, more, why):
    row = judged(desk.option("put", 28, -1, 0.80).put(28, bid, ask, **more))
    assert row["action"] == "none"
    assert f"cannot be judged: {why}" in row["reason"]


def test_once_trading_has_ended_there_is_only_settlement(desk):
    desk.option("put", 28, -1, 0.80, days=0).put(28, 0.60, 0.65, days=0)
    row = judged(desk, now=datetime(2026, 11, 23, 21, 0, tzinfo=UTC))  # 16:00 in New York
    assert row["action"] == "none"
    assert "trading in it has ended; wait for settlement" in row["reason"]


def test_a_contract_that_is_not_quoted_cannot_be_judged(desk):
    row = judged(desk.option("put", 28, -1, 0.80).put(27, 0.60, 0.65))
    assert row["action"] == "none"
    assert "not among the quoted contracts" in row["reason"]


def test_a_symbol_off_the_watchlist_is_said_with_the_remedy(desk):
    row = judged(desk.option("put", 28, -1, 0.80, symbol="X").put(28, 0.60, 0.65))
    assert (row["action"], row["symbol"]) == ("none", "X")
    assert "X was not asked about" in row["reason"]


def test_a_symbol_that_was_not_evaluated_is_said_with_its_error(desk):
    row = judged(desk.option("put", 28, -1, 0.80), not_evaluated={"U": "the host is unreachable"})
    assert "cannot be judged: U was not evaluated: the host is unreachable" in row["reason"]


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ({"quantity": 1}, "a long option; the wheel does not trade it"),
        ({"quantity": -1, "root": "U1"}, "an adjusted contract"),
        ({"quantity": -1, "unknown": ["strike"]}, "correct the positions"),
    ],
)
def test_options_that_are_not_of_the_wheel_are_reported(desk, option, why):
    root = option.get("root", "U")
    row = judged(desk.option("put", 28, option.pop("quantity"), 0.80, **option).put(28, 0.60, 0.65, root=root))
    assert row["action"] == "none"
    assert why in row["reason"]


@pytest.mark.parametrize(("days", "warned"), [(7, True), (8, False), (36, False)])
def test_earnings_within_a_week_are_warned_of_before_all_else(desk, days, warned):
    event = {"symbol": "U", "kind": "earnings", "date": pd.Timestamp(TODAY + timedelta(days=days)), "amount": math.nan}
    calendar = pd.DataFrame([event | {"estimated": True, "announced_until": pd.NaT}])
    advice = desk.option("put", 28, -1, 1.00).put(28, 0.95, 1.00).advise(calendar=calendar)
    told = "U 28 Dec 2026 28 put: earnings on 30 Nov 2026 (estimated) fall before it ends"
    assert (told in advice.warnings) is warned


def test_several_contracts_are_told_in_the_plural(desk):
    assert "Hold 2 U 28 Dec 2026 28 puts:" in judged(desk.option("put", 28, -2, 0.80).put(28, 0.60, 0.65))["reason"]
