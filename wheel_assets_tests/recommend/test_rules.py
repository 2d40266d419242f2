"""Each rule refuses what it is there for, and the first one is named."""

from __future__ import annotations

import pytest

GOOD = (28, 0.55, 0.60)


@pytest.fixture
def funded(desk):
    """$50,000 free: cash is never the reason."""
    return desk.cash(50_000)


def first_rule(desk, **bounds):
    rejected = desk.advise(**bounds).rejected
    return rejected[["rule", "detail"]].iloc[0].tolist() if len(rejected) else None


@pytest.mark.parametrize(
    ("quote", "rule", "detail"),
    [
        ({"root": "U1"}, "adjusted", "plain shares 0, at least 1"),
        ({"days": 29}, "too_near", "days 29, at least 30"),
        ({"days": 46}, "too_far", "days 46, at most 45"),
        ({"delta": 0.09}, "delta_low", "|delta| 0.09, at least 0.10"),
        ({"delta": 0.31}, "delta_high", "|delta| 0.31, at most 0.30"),
        ({"delta": float("nan")}, "greeks", "|delta| unknown"),
        ({"prob": float("nan")}, "prediction", "prediction unknown"),
        ({"cvar": float("nan")}, "prediction", "prediction unknown"),
        ({"interest": 9}, "open_interest", "open interest 9, at least 10"),
        ({"interest": None}, "open_interest", "open interest unknown"),
        ({"quality": "crossed"}, "quote", "no live bid and ask"),
    ],
)
def test_the_first_failed_rule_is_named_with_its_numbers(funded, quote, rule, detail):
    assert first_rule(funded.put(*GOOD, **quote)) == [rule, detail]


@pytest.mark.parametrize(
    ("strike", "bid", "ask", "rule", "detail"),
    [
        (28, 0.00, 0.05, "quote", "no live bid and ask"),
        (28, 0.50, 0.70, "spread", "spread over mid 33 %, at most 25 %"),  # 0.20 / 0.60
        (10, 0.04, 0.05, "bid", "bid 0.04, at least 0.05"),
        (10, 0.09, 0.10, "credit", "premium 0.09, at least 0.10"),
        # (0.21 x 100 - 0.65) / 2,800 x 365 / 35 = 7.6 %
        (28, 0.21, 0.22, "return", "return a year 7.6 %, at least 8.0 %"),
    ],
)
def test_quotes_that_pay_too_little(funded, strike, bid, ask, rule, detail):
    assert first_rule(funded.put(strike, bid, ask)) == [rule, detail]


@pytest.mark.parametrize("edge", [{"days": 30}, {"days": 45}, {"delta": 0.10}, {"delta": 0.30}, {"interest": 10}])
def test_bounds_include_their_edges(funded, edge):
    advice = funded.put(*GOOD, **edge).advise()
    assert list(advice.frame["action"]) == ["open_csp"]


def test_an_expired_contract_is_refused_even_with_no_least_days(funded):
    assert first_rule(funded.put(*GOOD, days=-1), min_days=0)[0] == "expired"


def test_no_least_open_interest_lets_an_unknown_one_pass(funded):
    assert first_rule(funded.put(*GOOD, interest=None), min_open_interest=0) is None


def test_a_wide_quote_is_judged_by_the_traders_own_bound(funded):
    funded.put(28, 0.50, 0.70, quality="wide")
    assert first_rule(funded, max_spread=0.5) is None


def test_puts_and_calls_have_their_own_delta(funded):
    funded.stock(100, 20).put(*GOOD, delta=0.28).call(33, 0.55, 0.60, delta=0.28)
    rejected = funded.advise(max_put_delta=0.25, max_call_delta=0.30).rejected
    assert list(rejected["option_type"]) == ["put"]


def test_every_contract_is_chosen_an_alternative_or_rejected(funded):
    funded.put(*GOOD).put(27, 0.40, 0.45, delta=0.15).put(20, 0.0, 0.05).call(33, 0.35, 0.40)
    advice = funded.advise()
    chosen = set(advice.frame["option_symbol"].dropna())
    others = {suggestion.option_symbol for suggestion in advice.alternatives}
    assert len(chosen | others | set(advice.rejected["option_symbol"])) == 4
    assert (len(chosen), len(others), len(advice.rejected)) == (1, 1, 2)


def test_the_reason_for_nothing_has_counts_and_the_nearest_miss(funded):
    # the 28 put fails the very last of the contract's rules, the others much earlier ones
    funded.put(28, 0.21, 0.22).put(20, 0.0, 0.05).put(24, 0.10, 0.11, delta=0.05).put(25, 0.12, 0.13, delta=0.06)
    reason = funded.advise().frame["reason"].iloc[0]
    assert "4 puts: 2 too far out of the money" in reason
    assert "closest: U 28 Dec 2026 28 put (return a year 7.6 %, at least 8.0 %)" in reason
    assert "Calls need 100 free shares, 0 are free." in reason


def test_of_two_that_fail_the_same_rule_the_nearer_is_the_closest(funded):
    reason = funded.put(24, 0.3, 0.31, delta=0.05).put(26, 0.5, 0.51, delta=0.09).advise().frame["reason"].iloc[0]
    assert "closest: U 28 Dec 2026 26 put (|delta| 0.09, at least 0.10)" in reason
