"""Distributions against the log-normal closed forms and a simulation of first passage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from wheel_assets.predict.distribution import Distribution, share_of_time_touched, touch_probability

FORWARD, DEVIATION = 100.0, 0.2


def _lognormal() -> Distribution:
    z = np.linspace(-9, 9, 2001)
    return Distribution.of(FORWARD, np.exp(DEVIATION * z - 0.5 * DEVIATION**2), ndtr(z))


@pytest.mark.parametrize("price", [60.0, 95.0, 100.0, 130.0])
def test_probability_and_partial_mean_are_those_of_black_and_scholes(price):
    d2 = np.log(FORWARD / price) / DEVIATION - 0.5 * DEVIATION
    found = _lognormal()
    assert found.probability_below(np.array([price]))[0] == pytest.approx(ndtr(-d2), abs=1e-5)
    assert found.mean_below(np.array([price]))[0] == pytest.approx(FORWARD * ndtr(-d2 - DEVIATION), abs=1e-3)


@given(st.floats(0.001, 0.999))
def test_quantile_is_the_inverse_of_probability(share):
    found = _lognormal()
    assert found.probability_below(np.array([found.quantile(share)]))[0] == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize("price", [-5.0, 0.0, 1e9])
def test_beyond_the_last_price_nothing_is_left(price):
    found = _lognormal()
    assert found.probability_below(np.array([price]))[0] == (price > 0)
    assert found.mean_below(np.array([price]))[0] == pytest.approx(FORWARD if price > 0 else 0.0, abs=1e-6)


def test_the_mean_is_the_forward_whatever_the_prices_are():
    skewed = Distribution.of(42.0, np.array([1.0, 2.0, 7.0]), np.array([0.0, 0.3, 1.0]))
    assert skewed.mean_below(np.array([np.inf]))[0] == pytest.approx(42.0)


@pytest.mark.parametrize(("strike", "forward"), [(90.0, 100.0), (80.0, 103.0), (110.0, 100.0), (125.0, 98.0)])
def test_touching_is_as_probable_as_simulated(strike, forward):
    rng, steps, paths = np.random.default_rng(7), 400, 20_000
    step = DEVIATION / np.sqrt(steps)
    moves = rng.standard_normal((paths, steps)) * step + np.log(forward / 100) / steps - 0.5 * step**2
    path = np.cumsum(moves, axis=1)
    # Broadie, Glasserman, Kou 1997: watching at steps only is a barrier moved out by 0.5826 steps
    barrier = np.log(strike / 100)
    moved = barrier - np.sign(barrier) * 0.5826 * step
    touched = (path.min(axis=1) <= moved) if barrier < 0 else (path.max(axis=1) >= moved)
    found = touch_probability(100.0, forward, np.array([strike]), np.array([DEVIATION]))
    assert found[0] == pytest.approx(touched.mean(), abs=0.012)


@given(st.floats(50, 200), st.floats(0.01, 2), st.floats(90, 110))
def test_touching_is_at_least_as_probable_as_finishing_beyond(strike, deviation, forward):
    d2 = np.log(forward / strike) / deviation - 0.5 * deviation
    beyond = ndtr(-d2) if strike < 100 else ndtr(d2)
    assert touch_probability(100.0, forward, np.array([strike]), np.array([deviation]))[0] >= beyond - 1e-9


@pytest.mark.parametrize(("strike", "forward"), [(90.0, 100.0), (99.9, 100.0), (80.0, 103.0), (110.0, 95.0)])
@pytest.mark.parametrize("deviation", [0.05, 0.2, 1.0])
def test_the_time_left_at_the_touch_is_the_integral_of_its_probability(strike, forward, deviation):
    time = (np.arange(2_000) + 0.5) / 2_000
    by_then = [
        touch_probability(100.0, 100 * (forward / 100) ** t, np.array([strike]), np.array([deviation * np.sqrt(t)]))[0]
        for t in time
    ]
    found = share_of_time_touched(100.0, forward, np.array([strike]), np.array([deviation]))
    assert found[0] == pytest.approx(np.mean(by_then), abs=2e-3)
