"""Smiles: known ones come back, and any at all gives a proper distribution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from wheel_assets.predict.smile import fitted_smile, implied_distribution

STRIKES = np.arange(60.0, 151.0, 2.5)
FORWARD = 102.0


def _skewed(strike: np.ndarray) -> np.ndarray:
    """An equity smile: SVI (Gatheral, Jacquier 2014) without arbitrage, three months at about 40 %."""
    k = np.log(strike / FORWARD)
    return np.sqrt(0.005 + 0.12 * (-0.45 * (k - 0.03) + np.sqrt((k - 0.03) ** 2 + 0.09)))


def _black_put(strike: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    d1 = np.log(FORWARD / strike) / deviation + 0.5 * deviation
    return strike * ndtr(deviation - d1) - FORWARD * ndtr(-d1)


def test_a_flat_smile_is_a_lognormal():
    smile = fitted_smile(FORWARD, STRIKES, np.full(STRIKES.size, 0.25), np.full(STRIKES.size, 1e-3))
    d2 = np.log(FORWARD / STRIKES) / 0.25 - 0.125
    np.testing.assert_allclose(implied_distribution(smile).probability_below(STRIKES), ndtr(-d2), atol=1e-4)


def test_one_quote_is_a_flat_smile():
    smile = fitted_smile(FORWARD, np.array([95.0]), np.array([0.3]), np.array([0.02]))
    np.testing.assert_allclose(smile.deviation(STRIKES), 0.3, rtol=1e-6)


def test_a_skewed_smile_comes_back():
    smile = fitted_smile(FORWARD, STRIKES, _skewed(STRIKES), np.full(STRIKES.size, 1e-3))
    np.testing.assert_allclose(smile.deviation(STRIKES), _skewed(STRIKES), rtol=5e-3)


def test_the_distribution_prices_the_options_that_it_was_read_from():
    smile = fitted_smile(FORWARD, STRIKES, _skewed(STRIKES), np.full(STRIKES.size, 1e-3))
    found = implied_distribution(smile)
    paid = STRIKES * found.probability_below(STRIKES) - found.mean_below(STRIKES)
    np.testing.assert_allclose(paid, _black_put(STRIKES, _skewed(STRIKES)), atol=0.02)


def test_the_distribution_has_the_slope_of_the_put_price():
    smile = fitted_smile(FORWARD, STRIKES, _skewed(STRIKES), np.full(STRIKES.size, 1e-3))
    inner, h = STRIKES[4:-4], 0.01
    slope = (_black_put(inner + h, _skewed(inner + h)) - _black_put(inner - h, _skewed(inner - h))) / (2 * h)
    np.testing.assert_allclose(implied_distribution(smile).probability_below(inner), slope, atol=3e-3)


@given(
    st.lists(st.tuples(st.floats(20, 300), st.floats(0.02, 1.5), st.floats(1e-4, 0.5)), min_size=1, max_size=30),
    st.floats(0.5, 2),
)
def test_any_quotes_give_a_proper_distribution(quotes, stretch):
    strike, deviation, error = map(np.array, zip(*quotes, strict=True))
    found = implied_distribution(fitted_smile(FORWARD, strike, deviation, error), stretch)
    assert (np.diff(found.below) >= 0).all()
    assert (found.below[0], found.below[-1]) == (0, 1)
    assert found.mean_below(np.array([np.inf]))[0] == pytest.approx(FORWARD, rel=1e-9)


def test_stretching_widens_about_the_same_forward():
    smile = fitted_smile(FORWARD, STRIKES, np.full(STRIKES.size, 0.2), np.full(STRIKES.size, 1e-3))
    wide = implied_distribution(smile, 1.5)
    d2 = np.log(FORWARD / STRIKES) / 0.3 - 0.15
    np.testing.assert_allclose(wide.probability_below(STRIKES), ndtr(-d2), atol=1e-3)


def test_a_precise_quote_weighs_more_than_a_vague_one():
    strikes, deviations = np.array([100.0, 100.0]), np.array([0.2, 0.3])
    smile = fitted_smile(FORWARD, strikes, deviations, np.array([0.002, 0.05]))
    assert smile.deviation(np.array([100.0]))[0] == pytest.approx(0.2, abs=0.005)


def test_quotes_far_beyond_the_grid_change_nothing():
    near = fitted_smile(FORWARD, STRIKES, _skewed(STRIKES), np.full(STRIKES.size, 1e-3))
    strikes = np.append(STRIKES, [1e-3, 1e5])
    deviations = np.append(_skewed(STRIKES), [9.0, 9.0])
    far = fitted_smile(FORWARD, strikes, deviations, np.full(strikes.size, 1e-3))
    np.testing.assert_allclose(far.deviation(STRIKES), near.deviation(STRIKES), rtol=1e-4)
