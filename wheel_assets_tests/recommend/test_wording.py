"""Numbers as a trader reads them, and rows as a frame holds them."""

from __future__ import annotations

import math
from datetime import date

import pytest

from wheel_assets.recommend.suggestion import Suggestion, Urgency, as_frame, nothing, ranked
from wheel_assets.recommend.wording import contract_of, count, dollars, percent, price, ratio, strike_text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0"),
        (0.05, "$0.05"),
        (999.99, "$999.99"),
        (1000.4, "$1,000"),
        (-5600, "-$5,600"),
        (-0.001, "$0"),
        (250.0, "$250"),
    ],
)
def test_cents_only_where_they_matter(amount, text):
    assert dollars(amount) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.0994, "9.9 %"), (0.0996, "10 %"), (1.234, "123 %"), (-0.05, "-5.0 %"), (0, "0.0 %")]
)
def test_small_shares_have_a_decimal(share, text):
    assert percent(share) == text


@pytest.mark.parametrize(("strike", "text"), [(100.0, "100"), (7.5, "7.5"), (0.625, "0.625"), (1234.0, "1234")])
def test_strikes_have_no_idle_zeros(strike, text):
    assert strike_text(strike) == text


@pytest.mark.parametrize("word", [price, dollars, percent, ratio, count, strike_text])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_known_is_said(word, number):
    assert word(number) == "unknown"


@pytest.mark.parametrize("code", ["U     261318P00028000", "not a contract", ""])
def test_a_code_that_cannot_be_read_is_shown_as_it_is(code):
    assert contract_of("U", code) == code.strip()


def row(urgency=Urgency.OPEN, **numbers):
    return Suggestion(urgency=urgency, action="open_csp", symbol="U", reason="because", **numbers)


def test_an_empty_frame_has_its_columns():
    assert {"rank", "strike", "quantity", "reason"} <= set(as_frame([]).columns)


def test_money_is_whole_cents_and_never_a_negative_zero():
    frame = as_frame([row(credit=3 * 54.35, collateral=-0.0, max_loss=-0.001)])
    assert frame.loc[0, ["credit", "collateral", "max_loss"]].tolist() == [163.05, 0.0, 0.0]
    assert math.copysign(1, frame.loc[0, "collateral"]) == math.copysign(1, frame.loc[0, "max_loss"]) == 1


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_is_missing(number):
    assert math.isnan(as_frame([row(annualized_return=number)]).loc[0, "annualized_return"])


def test_what_is_not_traded_has_no_size():
    frame = as_frame([nothing("U", "why"), row(quantity=2, expiration=date(2026, 12, 18))])
    assert frame["quantity"].isna().tolist() == [True, False]
    assert frame["expiration"].isna().tolist() == [True, False]


def test_an_unknown_objective_does_not_upset_the_order():
    rows = [row(objective=0.1), row(objective=math.nan), row(objective=0.3), row(Urgency.TAKE_PROFIT)]
    assert [suggestion.objective for suggestion in ranked(rows)[1:3]] == [0.3, 0.1]
    assert ranked(rows)[0].urgency is Urgency.TAKE_PROFIT
