"""The account as a whole: room for new puts by hand, and what the account would lose before and after the advice."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from wheel_assets.recommend.portfolio.exposure import FALLS
from wheel_assets_tests.recommend.conftest import NOW, TODAY, osi


def collateral(desk, **options):
    """Dollars that new puts tie up, by symbol."""
    frame = desk.advise(**options).frame
    opened = frame[frame["action"] == "open_csp"]
    return dict(zip(opened["symbol"], opened["collateral"], strict=True))


def two_symbols(desk, cash=50_000):
    """Puts of $2,800 a contract on A and on B, those on A the better ones."""
    return desk.cash(cash).put(28, 0.60, 0.62, symbol="A").put(28, 0.50, 0.52, symbol="B")


def together(correlation, days=120):
    """A year's closes of A and B whose daily returns correlate so."""
    one, other = np.random.default_rng(7).normal(0, 0.02, (2, days))
    other -= one * (one @ other) / (one @ one)  # so that the sample has the correlation, not the law alone
    other *= np.std(one) / np.std(other)
    both = {"A": one, "B": correlation * one + math.sqrt(1 - correlation**2) * other}
    dates = pd.date_range(end=TODAY - timedelta(days=1), periods=days).astype("datetime64[us]")
    frames = [pd.DataFrame({"symbol": s, "date": dates, "close": 30 * np.exp(np.cumsum(r))}) for s, r in both.items()]
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize(
    ("settings", "most"),
    [
        ({}, 48_000),
        ({"cash_reserve": 0.1}, 40_000),  # of $100,000
        ({"max_new_collateral": 0.2}, 20_000),
        ({"max_new_collateral": 0.2, "max_new_collateral_day": 0.3}, 20_000),
        ({"max_group_share": 0.15, "groups": {"chips": ["A", "B"]}}, 15_000),
        ({"max_symbol_share": 0.1}, 20_000),
        ({"own": {"A": {"weight": 0.05}, "B": {"weight": 0.03}}}, 8_000),
    ],
)
def test_new_puts_tie_up_as_much_as_the_settings_allow_and_no_more(desk, settings, most):
    told = collateral(two_symbols(desk, 48_000), symbols=("A", "B"), **({"max_symbol_share": 1.0} | settings))
    total = sum(told.values())
    assert most - 2 * 2_800 < total <= most


def test_what_was_sold_today_counts_against_the_day(desk):
    code = osi("U", TODAY + timedelta(days=35), "put", 28)
    row = {"symbol": "U", "option_symbol": code, "kind": "trade", "quantity": -2.0, "price": 1.0, "fees": 0.0}
    sold = pd.DataFrame([row | {"amount": 200.0, "executed_at": (NOW - timedelta(hours=1)).replace(tzinfo=None)}])
    desk.cash(50_000).option("put", 28, -2, 1.0).put(28, 0.90, 0.92).put(27, 0.60, 0.62)
    limits = {"max_new_collateral": 0.1, "max_new_collateral_day": 0.1, "max_symbol_share": 1.0}
    assert collateral(desk, **limits) == {"U": 8_400}
    assert collateral(desk, **limits, transactions=sold) == {"U": 2_800}  # 10,000 less 5,600


@pytest.mark.parametrize(("correlation", "symbols"), [(0.9, {"A"}), (0.5, {"A", "B"}), (-0.9, {"A", "B"})])
def test_symbols_that_move_together_share_one_room(desk, correlation, symbols):
    settings = {"max_group_share": 0.05, "max_symbol_share": 0.03, "price_history": together(correlation)}
    assert set(collateral(two_symbols(desk), symbols=("A", "B"), **settings)) == symbols


def test_correlation_may_be_left_out(desk):
    settings = {"max_group_share": 0.05, "max_correlation": 1.0, "price_history": together(0.99)}
    assert set(collateral(two_symbols(desk), symbols=("A", "B"), max_symbol_share=0.03, **settings)) == {"A", "B"}


def test_half_of_kelly_by_hand(desk):
    # gain 54.35 / 2,800 = 1.941 %; mean 0.3 %, lost 20 %: loss (0.8 x 1.941 % - 0.3 %) / 0.2 = 6.264 %
    # share 0.3 % / (1.941 % x 6.264 %) = 2.467; half of it more than there is, a hundredth 2.467 % of $100,000
    desk.cash(50_000).put(28, 0.55, 0.57, mean=0.003)
    assert collateral(desk, kelly=0.5, max_symbol_share=0.5) == {"U": 47_600}
    assert collateral(desk, kelly=0.02, max_symbol_share=0.5) == {"U": 2_800}  # 4,934


def test_margin_by_hand(desk):
    # 20 % of 30 less 2 out of the money, and the premium: 4 + 0.55 a share
    row = desk.cash(5_000).put(28, 0.55, 0.57).advise(secured_by="margin", max_symbol_share=1.0).frame.iloc[0]
    assert (row["quantity"], row["collateral"]) == (10, 4_550)


def test_far_out_of_the_money_margin_is_a_tenth_of_the_strike(desk):
    row = desk.cash(5_000).put(20, 0.55, 0.57).advise(secured_by="margin", max_symbol_share=1.0).frame.iloc[0]
    assert row["collateral"] / row["quantity"] == pytest.approx(255)


def test_more_than_its_share_of_a_symbol_is_warned_of_and_not_added_to(desk):
    advice = desk.cash(50_000).stock(1_000, 30.0).put(28, 0.55, 0.57).advise()
    assert "open_csp" not in set(advice.frame["action"])
    assert "U ties up $30,000, 30 % of the portfolio, more than 25 %; no put is added to it" in advice.warnings


def test_the_first_day_does_not_spend_the_account(new_desk):
    desk = new_desk().cash(150_000)
    for symbol in "ABCD":
        desk.put(28, 0.60, 0.62, symbol=symbol)
    defaults = {"cash_reserve": 0.10, "max_new_collateral": 0.25, "portfolio_value": 150_000.0}
    told = collateral(desk, symbols=tuple("ABCD"), **defaults)
    assert set(told) == set("ABCD")
    assert sum(told.values()) <= 0.25 * 150_000


def test_what_the_closes_free_is_named_and_not_used(desk):
    desk.cash(5_600).option("put", 28, -2, 1.0).put(28, 0.10, 0.12).put(27, 0.60, 0.62)
    advice = desk.advise()
    assert list(advice.frame["action"]) == ["close", "none"]
    assert "the closes free $5,600 of collateral: ask again after the fills" in advice.warnings


def test_a_close_frees_only_the_shares_that_stood_behind_it(desk):
    desk.cash(5_000).stock(120, 28.0).option("call", 33, -3, 1.0).call(33, 0.55, 0.60)
    advice = desk.advise()
    assert list(advice.frame.loc[advice.frame["action"] == "close", "quantity"]) == [2]  # the two that are not covered
    assert not any("the closes free" in line for line in advice.warnings)


def exposure(desk, **options):
    return desk.advise(**options).exposures


def test_greeks_and_stress_of_shares_alone(desk):
    before = exposure(desk.cash(50_000).stock(200, 30.0).put(28, 0.01, 0.40)).before
    assert (before.delta, before.gamma, before.theta, before.vega) == (6_000, 0, 0, 0)
    assert [before.stress[f"shares {fall:+.0%}"] for fall in FALLS] == [-600, -1_200, -1_800]
    assert before.stress["volatility +50%"] == 0


def test_a_short_put_loses_in_a_fall_what_it_is_struck_above_less_its_premium(desk):
    told = exposure(desk.cash(2_800).option("put", 28, -1, 0.55).put(28, 0.55, 0.60, days=35))
    fall = told.before.stress["shares -30%"]
    assert -(28 - 21) * 100 < fall < -(28 - 21 - 1.6) * 100  # the shares at 21; it was worth about 1 dollar before
    assert told.before.delta == pytest.approx(0.2 * 100 * 30)
    assert told.before.stress["volatility +50%"] < 0
    assert told.after == told.before


def test_the_advice_adds_what_it_sells(desk):
    told = exposure(desk.cash(5_600).put(28, 0.90, 0.92), max_symbol_share=1.0)
    assert told.before.delta == 0
    assert told.after.delta == pytest.approx(2 * 0.2 * 100 * 30)
    assert told.after.stress["shares -20%"] < told.after.stress["shares -10%"] < 0


def test_what_has_no_quote_is_not_counted_and_named(desk):
    told = exposure(desk.cash(50_000).option("put", 25, -1, 0.5).stock(10, 5.0, "X").put(28, 0.90, 0.92))
    assert told.not_counted == ("U 28 Dec 2026 25 put", "X")
