"""Implied yields from quotes whose forward is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.greeks import american, european
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.quotes.forward import chain_yields, nearest_pairs

STRIKES = np.arange(80.0, 121.0, 5.0)
YEARS, RATE, SPREAD = 0.5, 0.04, 0.04


def _contracts(dividend: float) -> Contracts:
    """All calls, then all puts, of one expiration."""
    is_put = np.arange(2 * STRIKES.size) >= STRIKES.size
    return Contracts.of(is_put, 100.0, np.tile(STRIKES, 2), YEARS, RATE, dividend)


def _yields(dividend: float, mid: np.ndarray, is_european: bool, expiration: np.ndarray | None = None, spread=SPREAD):
    contracts, count = _contracts(dividend), 2 * STRIKES.size
    groups = np.zeros(count, dtype=int) if expiration is None else expiration
    unknown = contracts._replace(dividend_yield=np.zeros(count))
    return chain_yields(unknown, np.full(count, is_european), mid, np.full(count, spread), groups)


def _values(dividend: float, is_european: bool) -> np.ndarray:
    style = european if is_european else american
    return style.price(_contracts(dividend), np.full(2 * STRIKES.size, 0.4))


@given(st.floats(-0.05, 0.15), st.booleans())
def test_the_yield_comes_back_from_exact_prices(dividend, is_european):
    found = _yields(dividend, _values(dividend, is_european), is_european)
    assert found.credible[0]
    assert found.dividend_yield[0] == pytest.approx(dividend, abs=1e-3)


def test_early_exercise_is_not_taken_for_a_dividend():
    dearer_puts = _values(0.02, is_european=False)
    taken_for_european, right = (_yields(0.02, dearer_puts, style).dividend_yield[0] for style in (True, False))
    assert abs(taken_for_european - 0.02) > 10 * abs(right - 0.02)


def test_a_mean_that_is_less_than_its_noise_is_no_dividend():
    noise = np.where(_contracts(0.0).is_put, 0, np.resize([0.02, -0.025], 2 * STRIKES.size))
    found = _yields(0.0, _values(0.0, True) + noise, is_european=True, spread=1.0)
    assert (found.dividend_yield[0], found.credible[0]) == (0, True)


def test_a_forward_that_all_pairs_agree_on_is_believed_within_the_spread():
    shifted = _values(0.0, True) + np.where(_contracts(0.0).is_put, 0.015, -0.015)
    assert _yields(0.0, shifted, is_european=True).dividend_yield[0] == pytest.approx(0.0006, abs=1e-4)


@pytest.mark.parametrize("dividend", [-0.02, 0.0, 0.001, 0.03])
def test_shrinking_brings_the_yield_nearer_to_the_truth_on_average(dividend):
    rng, exact = np.random.default_rng(4), _values(dividend, True)
    found = [_yields(dividend, exact + rng.normal(0, 0.1, exact.size), True, spread=1.0) for _ in range(200)]
    shrunk = np.array([each.dividend_yield[0] for each in found])
    noise = np.sqrt(2 * 0.1**2 / STRIKES.size) / 100 / YEARS  # of the plain mean of the pairs
    assert np.sqrt(np.mean((shrunk - dividend) ** 2)) < (0.8 if dividend == 0 else 1.25) * noise


def test_pairs_weigh_by_how_narrow_they_are():
    wrong = _values(0.03, True)
    wrong[0] += 2.0  # the call at 80: half a spread that wide says so
    spread = np.full(2 * STRIKES.size, SPREAD)
    spread[0] = 4.0
    unknown = _contracts(0.0)
    one = np.zeros(spread.size, dtype=int)
    found = chain_yields(unknown, np.ones(spread.size, dtype=bool), wrong, spread, one)
    assert found.dividend_yield[0] == pytest.approx(0.03, abs=1e-4)


def test_a_put_that_should_be_exercised_says_nothing_about_the_forward():
    contracts = _contracts(0.01)
    value = american.price(contracts, np.full(2 * STRIKES.size, 0.08))
    assert (value == contracts.intrinsic)[contracts.is_put].any()
    assert _yields(0.01, value, is_european=False).dividend_yield[0] == pytest.approx(0.01, abs=1e-3)


@pytest.mark.parametrize("pairs", [0, 1, 2])
def test_too_few_pairs_are_not_credible(pairs):
    mid = np.where(np.tile(np.arange(STRIKES.size) < pairs, 2), _values(0.05, True), np.nan)
    found = _yields(0.05, mid, is_european=True)
    assert (found.credible[0], found.dividend_yield[0]) == (False, 0)


def test_pairs_that_contradict_each_other_are_not_credible():
    wild = np.resize([3.0, -3.0, 1.0, -2.0, 2.0], 2 * STRIKES.size)
    found = _yields(0.05, _values(0.05, True) + wild, is_european=True)
    assert (found.credible[0], found.dividend_yield[0]) == (False, 0)


def test_a_carry_beyond_any_borrow_fee_is_not_credible():
    found = _yields(0.0, _values(4.0, True), is_european=True)
    assert (found.credible[0], found.dividend_yield[0]) == (False, 0)


def test_expirations_are_kept_apart():
    halves = np.concatenate([_values(0.1, True)[: STRIKES.size], _values(0.1, True)[STRIKES.size :]])
    found = _yields(0.1, halves, is_european=True, expiration=np.full(2 * STRIKES.size, 2))
    assert found.credible.tolist() == [False, False, True]
    assert found.dividend_yield[2] == pytest.approx(0.1, abs=1e-6)


def test_the_nearest_pairs_are_taken_and_single_quotes_left():
    contracts = _contracts(0.0)
    quoted = (contracts.strike != 100) | contracts.is_put
    pairs = nearest_pairs(contracts, quoted, np.zeros(contracts.strike.size, dtype=int), count=4)
    assert sorted(contracts.strike[pairs.call]) == [90, 95, 105, 110]
    assert (contracts.strike[pairs.call] == contracts.strike[pairs.put]).all()
    assert contracts.is_put[pairs.put].all()
