"""Smiles that agree: against SciPy's isotonic regression, and for any smiles at all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from wheel_assets.predict.smile import GRID, Smile, fitted_smile, implied_distribution
from wheel_assets.predict.term_structure import NODES, nearest_rising, without_calendar_arbitrage

STRIKES = np.arange(60.0, 151.0, 2.5)


@given(st.integers(1, 12), st.integers(0, 2**32 - 1), st.floats(0, 4))
def test_the_nearest_rising_sequence_is_scipys(times, seed, spread):
    random = np.random.default_rng(seed)
    values, weight = random.normal(size=(times, 5)), np.exp(random.uniform(-spread, spread, (times, 5)))
    found = nearest_rising(values, weight)
    for column in range(5):
        expected = isotonic_regression(values[:, column], weights=weight[:, column]).x
        np.testing.assert_allclose(found[:, column], expected, atol=1e-9)


def _smile(deviation: float, slope: float = 0.0, error: float = 1e-3, strikes: np.ndarray = STRIKES) -> Smile:
    values = deviation * np.exp(slope * np.log(strikes / 100))
    return fitted_smile(100.0, strikes, values, np.full(strikes.size, error))


def _falls(smiles: list[Smile]) -> float:
    """By how much the logarithm of the deviation falls at worst, where both smiles are corrected."""
    moneyness = np.concatenate([NODES * smile.level for smile in smiles])
    within = moneyness[np.abs(moneyness) <= NODES[-1] * min(smile.level for smile in smiles)]
    deviations = np.array([smile.deviation(100 * np.exp(within)) for smile in smiles])
    return float(-np.diff(np.log(deviations), axis=0).min())


@given(st.lists(st.tuples(st.floats(0.05, 0.6), st.floats(-0.8, 0.5), st.floats(1e-4, 0.2)), min_size=2, max_size=8))
def test_nothing_falls_whatever_the_smiles(terms):
    smiles = [_smile(*term) for term in terms]
    assert _falls(without_calendar_arbitrage(smiles)) <= 1e-9 + 0.05 * max(_falls(smiles), 0)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_rises_is_left_as_it_is(count):
    smiles = [_smile(0.1 * (1 + number), -0.3) for number in range(count)]
    assert without_calendar_arbitrage(smiles) == smiles


def test_the_better_quoted_expiration_prevails():
    vague, precise = _smile(0.3, error=0.1), _smile(0.2, error=1e-3)
    agreed = [float(smile.deviation(np.array([100.0]))[0]) for smile in without_calendar_arbitrage([vague, precise])]
    assert agreed == pytest.approx([0.2, 0.2], rel=0.01)


def test_a_smile_drawn_on_beyond_its_quotes_gives_way_to_one_that_is_quoted_there():
    near = _smile(0.1, -3.0, strikes=np.arange(95.0, 106.0))  # steep at the money, and drawn on as steep
    far = _smile(0.13)
    below = np.array([75.0])
    before, after = near.deviation(below)[0], without_calendar_arbitrage([near, far])
    assert before > 0.14
    assert after[0].deviation(below)[0] == pytest.approx(0.13, rel=0.02)
    assert after[1].deviation(below)[0] == pytest.approx(0.13, rel=0.02)


def test_corrected_smiles_still_give_proper_distributions():
    for smile in without_calendar_arbitrage([_smile(0.4, -0.8), _smile(0.2, 0.4)]):
        found = implied_distribution(smile)
        assert (np.diff(found.below) >= 0).all()
        assert found.mean_below(np.array([np.inf]))[0] == pytest.approx(100.0)
    assert GRID[0] < NODES[0] < NODES[-1] < GRID[-1]
