"""What of the account is free, by hand."""

from __future__ import annotations

import math

import pytest

from wheel_assets.recommend.account.state import read_account


def account(desk, **spots):
    return read_account(desk.frames()["positions"], spots or {"U": 30.0})


def test_short_puts_tie_up_their_whole_strike(desk):
    # 20,000 - 2 x 28 x 100 - 1 x 25 x 100 = 11,900
    desk.cash(20_000).option("put", 28, -2).option("put", 25, -1)
    assert account(desk).free_cash == 11_900


@pytest.mark.parametrize(
    ("strike", "days", "free"),
    [
        (27, 35, 19_900),  # a spread: it can cost (28 - 27) x 100
        (29, 60, 20_000),  # it pays more than the short one costs
        (27, 20, 17_200),  # it ends before the short one
    ],
)
def test_a_long_put_pays_its_strike_of_a_short_one_that_ends_no_later(desk, strike, days, free):
    desk.cash(20_000).option("put", 28, -1).option("put", strike, 1, days=days)
    assert account(desk).free_cash == free


def test_a_long_put_stands_behind_one_short_put_only(desk):
    # 20,000 - 2 x 28 x 100 + 27 x 100
    assert account(desk.cash(20_000).option("put", 28, -2).option("put", 27, 1)).free_cash == 17_100


@pytest.mark.parametrize(("strike", "bare"), [(30, 1), (33, 1), (35, 2)])
def test_long_calls_cover_short_ones_of_no_lower_strike(desk, strike, bare):
    held = account(desk.cash(0).option("call", 33, -2).option("call", strike, 1))
    assert held.uncovered(held.short_calls("U")[0]) == bare


@pytest.mark.parametrize(
    ("free", "whole", "net", "expected"),
    [
        (7_200, 10_000, None, 7_200),  # the balances show that 2,800 are set aside
        (10_000, 10_000, None, 7_200),  # nothing is set aside: the collateral is taken off
        (7_200, 7_200, True, 7_200),
        (10_000, 12_800, False, 7_200),
    ],
)
def test_cash_as_brokers_mean_it(desk, free, whole, net, expected):
    desk.hold("cash", "USD", free, market_value=whole).option("put", 28, -1)
    assert read_account(desk.frames()["positions"], {"U": 30.0}, cash_is_net=net).free_cash == expected


def test_an_adjusted_short_put_still_ties_up_cash(desk):
    # 10,000 - 28 x 100
    assert account(desk.cash(10_000).option("put", 28, -1, root="U1")).free_cash == 7_200


def test_the_multiplier_counts(desk):
    # 10,000 - 28 x 10
    assert account(desk.cash(10_000).option("put", 28, -1, multiplier=10)).free_cash == 9_720


def test_cash_may_be_short(desk):
    held = account(desk.cash(1_000).option("put", 28, -1))
    assert held.free_cash == -1_800  # 1,000 - 2,800
    assert "NOT SECURED: the open puts need $1,800 more cash than the account has" in held.warnings()[0]


@pytest.mark.parametrize(
    ("shares", "calls", "free"), [(250, 0, 250), (250, 1, 150), (250, 2, 50), (100, 2, 0), (-100, 0, 0)]
)
def test_shares_behind_calls_are_not_free(desk, shares, calls, free):
    desk.cash(0).stock(shares)
    if calls:
        desk.option("call", 33, -calls)
    assert account(desk).free_shares("U") == free


def test_shares_cover_the_nearest_expiration_first(desk):
    # 250 shares: 1 contract of the near call is covered, of the 3 far ones only 1
    desk.cash(0).stock(250).option("call", 35, -3, days=60).option("call", 33, -1, days=20)
    held = account(desk)
    near, far = held.short_calls("U")
    assert (held.uncovered(near), held.uncovered(far)) == (0, 2)
    assert any("NOT COVERED by shares: 2 of 3 U 22 Jan 2027 35 call" in line for line in held.warnings())


def test_lots_are_put_together(desk):
    # (100 x 30 + 300 x 34) / 400 = 33
    held = account(desk.cash(0).stock(100, 30).stock(300, 34))
    assert held.shares["U"].quantity == 400
    assert held.cost_basis("U") == pytest.approx(33)


def test_positions_that_cancel_out_are_gone(desk):
    assert account(desk.cash(0).option("put", 28, -1).option("put", 28, 1)).options == ()


@pytest.mark.parametrize("paid", [math.nan, 0.0, -3.0])
def test_a_cost_basis_that_is_no_price_is_unknown(desk, paid):
    assert math.isnan(account(desk.cash(0).stock(100, paid)).cost_basis("U"))


def test_losses_are_measured_from_the_spot_where_the_cost_is_unknown(desk):
    assert account(desk.cash(0).stock(100)).paid("U") == 30.0


@pytest.mark.parametrize(
    ("more", "value"),
    [({"market_value": 3_100.0}, 3_100), ({}, 3_000), ({"symbol": "X", "paid": 7.0}, 700), ({"symbol": "X"}, math.inf)],
)
def test_shares_count_at_market_or_spot_or_cost(desk, more, value):
    symbol = more.get("symbol", "U")
    assert account(desk.cash(0).stock(100, **more)).tied_up(symbol) == value


def test_what_a_symbol_ties_up_is_shares_and_puts(desk):
    # 200 x 30 + 28 x 100
    assert account(desk.cash(0).stock(200).option("put", 28, -1)).tied_up("U") == 8_800


def test_the_portfolio_value_is_the_sum_of_market_values(desk):
    # 10,000 cash + 100 x 30 + the short put's -60
    desk.cash(10_000).stock(100).option("put", 28, -1, market_value=-60.0)
    assert account(desk).portfolio_value == 12_940


@pytest.mark.parametrize(("mid", "value"), [(9.8, 9_020), (math.nan, 9_400)])
def test_a_sold_option_without_a_market_value_is_a_debt_at_its_mid_or_else_at_the_premium(desk, mid, value):
    # 10,000 - 100 x 9.80, or 100 x 6.00
    positions = desk.cash(10_000).option("put", 40, -1, premium=6.0).frames()["positions"]
    code = positions.loc[positions["asset_type"] == "option", "symbol"].item()
    assert read_account(positions, {}, mids={code: mid}).portfolio_value == value


def test_a_given_portfolio_value_wins(desk):
    assert read_account(desk.cash(10_000).frames()["positions"], {}, 50_000).portfolio_value == 50_000


@pytest.mark.parametrize("gap", ["strike", "option_type", "expiration"])
def test_a_short_option_that_cannot_be_read_frees_nothing(desk, gap):
    held = account(desk.cash(20_000).stock(300).option("put", 28, -1, unknown=[gap]))
    assert (held.free_cash, held.free_shares("U")) == (0, 0)
    assert "nothing is opened until it is known" in held.warnings()[0]


def test_an_option_of_unknown_size_counts_as_sold(desk):
    positions = desk.cash(20_000).option("put", 28, -1).frames()["positions"]
    positions.loc[positions["asset_type"] == "option", "quantity"] = math.nan
    assert read_account(positions, {}).free_cash == 0


def test_a_long_option_that_cannot_be_read_does_not_matter(desk):
    assert account(desk.cash(20_000).option("put", 28, 1)).free_cash == 20_000


def test_unknown_cash_frees_nothing(desk):
    held = account(desk.stock(100))
    assert held.free_cash == 0
    assert "the cash in the account is unknown; no put is opened" in held.warnings()


def test_an_account_with_nothing_known_says_so(desk):
    assert account(desk.cash(0)).warnings() == ["the portfolio value is unknown or not positive; no put is opened"]
