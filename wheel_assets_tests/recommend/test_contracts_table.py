"""Days, ticks, prices and yields of single contracts, by hand."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.market.expiration import days_left
from wheel_assets.market.ticks import tick_size
from wheel_assets.recommend.bounds import Bounds
from wheel_assets.recommend.contracts_table import contracts_table
from wheel_assets.recommend.limit_prices import sale_price
from wheel_assets.strategy import StrategySettings

NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


def table(desk, **bounds):
    frames = desk.frames()
    del frames["positions"]
    return contracts_table(**frames, symbols=["U"], now=NOW, bounds=Bounds(StrategySettings(**bounds)))


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (datetime(2026, 12, 17, 3, 0, tzinfo=UTC), 2),  # 22:00 on the 16th in New York
        (datetime(2026, 12, 18, 20, 59, tzinfo=UTC), 0),  # a minute before the close
        (datetime(2026, 12, 18, 21, 0, tzinfo=UTC), -1),  # 16:00 in New York: trading has ended
        (datetime(2026, 12, 19, 12, 0, tzinfo=UTC), -1),
        (datetime(2026, 12, 18, 14, 0), 0),  # naive is UTC
    ],
)
def test_days_are_counted_in_new_york(now, days):
    assert days_left(date(2026, 12, 18), now) == days


@pytest.mark.parametrize(
    ("bid", "ask", "tick"),
    [
        (0.55, 0.60, 0.01),
        (2.90, 3.00, 0.01),
        (3.00, 3.10, 0.05),
        (3.01, 3.10, 0.01),
        (12.40, 12.55, 0.05),
        (12.40, 12.53, 0.01),
    ],
)
def test_ticks(bid, ask, tick):
    assert tick_size(np.array([bid]), np.array([ask]))[0] == tick


@pytest.mark.parametrize(
    ("bid", "ask", "price"),
    [
        (0.55, 0.60, 0.57),  # mid 0.575, down to the cent
        (0.28, 0.30, 0.29),
        (3.10, 3.25, 3.15),  # mid 3.175, down to 0.05
        (3.10, 3.15, 3.10),  # mid 3.125 would be 3.10
        (5.01, 5.02, 5.01),  # mid 5.015
        (0.555, 0.558, 0.555),  # a bid between ticks is met all the same
    ],
)
def test_a_sale_at_the_mid_is_rounded_down_to_a_tick(bid, ask, price):
    assert sale_price(np.array([bid]), np.array([ask]), "mid")[0] == pytest.approx(price, abs=1e-12)


@given(bid=st.integers(1, 5_000), spread=st.integers(0, 500))
def test_a_sale_never_goes_through_the_bid_nor_above_the_mid(bid, spread):
    low, high = np.array([bid / 100]), np.array([(bid + spread) / 100])
    price = sale_price(low, high, "mid")[0]
    assert low[0] <= price <= (low[0] + high[0]) / 2 + 1e-9


def test_a_put_ties_up_its_strike(desk):
    row = table(desk.put(28, 0.55, 0.60)).iloc[0]
    assert row["collateral"] == 2_800
    assert row["credit"] == pytest.approx(54.35)  # 0.55 x 100 - 0.65
    assert row["annualized_return"] == pytest.approx(54.35 / 2_800 * 365 / 35)
    assert row["spread"] == pytest.approx(0.05 / 0.575)


def test_a_call_ties_up_the_shares_at_market(desk):
    assert table(desk.call(33, 0.35, 0.40)).iloc[0]["collateral"] == 3_000


def objective(days, held, earned, chance, premium=0.55, tail=-0.1):
    """By hand, of the 28 put at 0.55 to 0.60 with 20 % to be assigned; `chance` of the early profit."""
    exit_cost = 0.05 * 100 + 0.65
    kept = (earned * premium * 100 - exit_cost - 0.65) / 2_800 * 0.8
    return (kept + 0.05 * tail * math.sqrt(held / days)) * 365 / (held * (1 - chance / 2))


def test_the_objective_by_hand(desk):
    # 14 days to the managing day: time earns 1 - sqrt(21 / 35) = 0.2254, missing 0.2746 x 0.55 = 0.1510 dollars,
    # a move of 0.7551; the deviation of 14 days is 30 x 0.5 x sqrt(14 / 365) = 2.9377: x = 0.25705
    chance = 1 - NormalDist().cdf(0.257050)
    row = table(desk.put(28, 0.55, 0.60, iv=0.5)).iloc[0]
    expected = objective(35, 14, chance * 0.5 + (1 - chance) * 0.225403, chance)
    assert row["objective"] == pytest.approx(expected, rel=1e-4)


def test_without_a_volatility_no_early_profit_is_counted_on(desk):
    row = table(desk.put(28, 0.55, 0.60, iv=math.nan)).iloc[0]
    assert row["objective"] == pytest.approx(objective(35, 14, 0.225403, 0.0), rel=1e-4)


def test_the_nearest_week_is_not_preferred_for_its_return_alone(desk):
    # premiums that grow with the square root of time, as they do at one volatility
    for days in (31, 38, 45):
        desk.put(28, round(0.55 * math.sqrt(days / 35), 2), round(0.55 * math.sqrt(days / 35), 2) + 0.08, days=days)
    contracts = table(desk)
    assert contracts["days"][contracts["annualized_return"].idxmax()] == 31
    assert contracts["days"][contracts["objective"].idxmax()] == 45


def test_a_gain_in_the_tail_is_no_bonus(desk):
    tails = table(desk.put(28, 0.55, 0.60, cvar=0.02).put(28, 0.55, 0.60, cvar=0.0, root="X"))
    assert tails["objective"].nunique() == 1


def test_the_weight_of_the_tail_is_a_setting(desk):
    light, even, heavy = (table(desk.put(28, 0.55, 0.60), tail_weight=w).iloc[-1]["objective"] for w in (0, 1, 2))
    assert light - even == pytest.approx(even - heavy)
    assert light > even


@pytest.mark.parametrize("quality", ["crossed", "missing", "no_ask", "no_bid"])
def test_a_bad_quote_has_no_sale_price(desk, quality):
    assert np.isnan(table(desk.put(28, 0.55, 0.60, quality=quality)).iloc[0]["sale"])


def test_an_ask_below_the_bid_has_no_sale_price_whatever_its_label(desk):
    assert np.isnan(table(desk.put(28, 0.60, 0.55, quality="ok")).iloc[0]["sale"])


def test_contracts_without_greeks_or_predictions_keep_their_row(desk):
    desk.put(28, 0.55, 0.60)
    desk.greeks.clear()
    desk.predictions.clear()
    row = table(desk).iloc[0]
    assert row[["delta", "prob_itm", "objective"]].isna().all()
    assert row["sale"] == 0.55


def test_other_symbols_are_left_out(desk):
    assert list(table(desk.put(28, 0.55, 0.60).put(28, 0.55, 0.60, symbol="X"))["symbol"]) == ["U"]


def test_a_contract_that_comes_twice_counts_once(desk):
    row = table(desk.put(28, 0.50, 0.60).put(28, 0.55, 0.60))
    assert list(row["bid"]) == [0.55]


def test_the_last_day_counts_as_one_for_the_yield(desk):
    desk.put(28, 0.55, 0.60, days=0)
    assert table(desk).iloc[0]["annualized_return"] == pytest.approx(54.35 / 2_800 * 365)
    assert days_left(NOW.date() + timedelta(days=0), NOW) == 0


def test_a_contract_is_measured_at_the_price_its_greeks_are_of(desk):
    frames = desk.put(28, 0.55, 0.60).frames()
    del frames["positions"]
    frames["greeks"] = frames["greeks"].assign(spot_price=29.5)
    found = contracts_table(**frames, symbols=["U"], now=NOW, bounds=Bounds(StrategySettings()))
    assert found["spot_price"].tolist() == [29.5]
    assert found["otm"].tolist() == pytest.approx([1 - 28 / 29.5])
