"""What to open, and how many, by hand."""

from __future__ import annotations

import pytest


def opened(advice, action):
    return advice.frame[advice.frame["action"] == action].set_index("symbol")


def test_a_put_with_all_its_numbers(desk):
    # room 25 % of 100,000 = 25,000; cash 6,000: 2 x 2,800 fit, 3 do not
    row = opened(desk.cash(6_000).put(28, 0.55, 0.60).advise(), "open_csp").loc["U"]
    assert row["quantity"] == 2
    assert row["limit_price"] == 0.55
    assert row["credit"] == 108.70  # 2 x (55 - 0.65)
    assert row["collateral"] == 5_600
    assert row["annualized_return"] == pytest.approx(108.70 / 5_600 * 365 / 35)
    assert row["breakeven"] == pytest.approx(27.4565)  # 28 - 0.5435
    assert row["max_loss"] == 5_491.30  # 5,600 - 108.70
    assert (row["prob_itm"], row["cvar_95"]) == (0.2, -0.1)


def test_the_reason_says_what_to_check(desk):
    reason = desk.cash(6_000).put(28, 0.55, 0.60).advise().frame["reason"].iloc[0]
    assert reason == (
        "Sell 2 U 28 Dec 2026 28 puts at 0.55 or better: 0.20 delta, 35 days, 20 % a year on $5,600 set aside, "
        "80 % chance to keep it all; breakeven 27.46."
    )


def test_implied_stands_beside_realised_volatility_and_a_loss_is_told(desk):
    desk.cash(6_000).put(28, 0.55, 0.60, iv=0.45, realised=0.62, mean=-0.004)
    row = opened(desk.advise(negative_expectation="warn"), "open_csp").loc["U"]
    assert (row["implied_volatility"], row["realised_volatility"], row["expected_return"]) == (0.45, 0.62, -0.004)
    assert "Volatility: 45 % a year implied, 62 % realised of late" in row["reason"]
    assert "Warning: the model expects -0.4 % of the collateral on average" in row["reason"]


def test_a_covered_call_with_all_its_numbers(desk):
    desk.cash(0).stock(250, 31.0).call(33, 0.60, 0.65)
    row = opened(desk.advise(), "open_cc").loc["U"]
    assert row["quantity"] == 2  # 250 shares
    assert row["credit"] == 118.70  # 2 x (60 - 0.65)
    assert row["collateral"] == 6_000  # 200 shares at 30
    assert row["breakeven"] == pytest.approx(30.4065)  # 31 - 0.5935
    assert row["max_loss"] == 6_081.30  # 200 x 30.4065


@pytest.mark.parametrize(("shares", "quantity"), [(99, None), (100, 1), (199, 1), (300, 3)])
def test_a_call_needs_a_hundred_shares_each(desk, shares, quantity):
    rows = opened(desk.cash(0).stock(shares, 25).call(33, 0.60, 0.65).advise(), "open_cc")
    assert list(rows["quantity"]) == ([] if quantity is None else [quantity])


def test_shares_behind_an_open_call_are_not_sold_twice(desk):
    desk.cash(0).stock(200, 25).option("call", 34, -1, 0.5).call(33, 0.60, 0.65).call(34, 0.40, 0.45)
    assert opened(desk.advise(), "open_cc").loc["U", "quantity"] == 1


def test_a_call_is_never_struck_below_cost(desk):
    desk.cash(0).stock(100, 33.5).call(33, 0.60, 0.65).call(34, 0.40, 0.45)
    advice = desk.advise()
    assert opened(advice, "open_cc").loc["U", "strike"] == 34
    assert advice.rejected["detail"].tolist() == ["strike 33.00, at least 33.50"]


def test_without_a_cost_basis_a_call_is_never_struck_below_the_spot(desk):
    desk.cash(0).stock(100).call(29, 1.6, 1.65).call(31, 0.60, 0.65)
    row = opened(desk.advise(), "open_cc").loc["U"]
    assert row["strike"] == 31
    assert "cost basis unknown" in row["reason"]


def test_what_a_symbol_already_ties_up_counts_against_its_share(desk):
    # 25,000 - 500 x 30 - 28 x 100 = 7,200: 2 puts of 2,800, though cash would do for many
    desk.cash(90_000).stock(500, 20).option("put", 28, -1, 1.0).put(28, 0.55, 0.60)
    assert opened(desk.advise(take_profit=0.9), "open_csp").loc["U", "quantity"] == 2


def test_a_symbol_that_has_its_share_gets_nothing_more(desk):
    desk.cash(90_000).stock(900, 20).put(28, 0.55, 0.60)
    advice = desk.advise()
    assert advice.rejected["detail"].tolist() == ["room for the symbol $0, at least $2,800"]


def test_no_cash_is_said(desk):
    reason = desk.cash(1_200).put(28, 0.55, 0.60).advise().frame["reason"].iloc[0]
    assert "closest: U 28 Dec 2026 28 put (free cash $1,200, at least $2,800)" in reason


def test_every_symbol_is_served_before_the_better_put_takes_the_rest(desk):
    # A pays twice what B pays. Cash 9,000: one of each is 5,600, and one more of A.
    desk.cash(9_000).put(28, 0.50, 0.55, symbol="B").put(28, 1.00, 1.05, symbol="A")
    rows = opened(desk.advise(symbols=("B", "A")), "open_csp")
    assert rows["quantity"].to_dict() == {"A": 2, "B": 1}


def test_cash_that_serves_no_more_is_said(desk):
    desk.cash(3_000).put(28, 0.50, 0.55, symbol="B").put(28, 1.00, 1.05, symbol="A")
    advice = desk.advise(symbols=("B", "A"))
    assert list(opened(advice, "open_csp").index) == ["A"]
    assert "free cash $200, at least $2,800" in advice.declined["B", "put"]


def test_a_symbol_falls_back_to_a_put_that_the_cash_left_secures(desk):
    # Of 4,500 A's put takes 2,800; 1,700 are left: B's 28 is too dear, its 15 is not.
    desk.cash(4_500).put(28, 1.00, 1.05, symbol="A")
    desk.put(28, 0.60, 0.65, symbol="B").put(15, 0.30, 0.31, symbol="B", delta=0.1, prob=0.1)
    rows = opened(desk.advise(symbols=("A", "B")), "open_csp")
    assert rows["strike"].to_dict() == {"A": 28, "B": 15}
    assert rows["collateral"].sum() == 4_300


def test_closing_is_paid_before_anything_is_opened(desk):
    # 5,600 would secure 2 puts; buying back the put at 0.05 takes 5.65 of it
    desk.cash(5_600 + 2_000).option("put", 20, -1, 1.0).put(20, 0.03, 0.05, delta=0.05).put(28, 0.55, 0.60)
    frame = desk.advise().frame
    assert list(frame["action"]) == ["close", "open_csp"]
    assert frame["quantity"].tolist() == [1, 1]


def test_one_put_and_one_call_a_symbol_and_the_next_best_beside_them(desk):
    desk.cash(50_000).stock(100, 20)
    for strike in (25, 26, 27, 28, 29):
        desk.put(strike, strike / 25 - 0.5, strike / 25 - 0.48).call(strike + 6, 0.60, 0.65)
    advice = desk.advise()
    assert sorted(advice.frame["action"]) == ["open_cc", "open_csp"]
    assert [s.action for s in advice.alternatives] == ["open_csp"] * 3 + ["open_cc"] * 3
    assert advice.alternatives[0].strike == 28  # the best is the 29


def test_the_premium_may_be_the_mid(desk):
    # (0.55 + 0.62) / 2 = 0.585, down to 0.58
    row = opened(desk.cash(3_000).put(28, 0.55, 0.62).advise(price="mid"), "open_csp").loc["U"]
    assert (row["limit_price"], row["credit"]) == (0.58, 57.35)


def test_a_symbol_without_quoted_contracts_of_a_side_says_so(desk):
    assert desk.cash(0).stock(100, 20).put(28, 0.55, 0.60).advise().declined["U", "call"] == "No calls are quoted."
