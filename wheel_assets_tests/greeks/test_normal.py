"""The normal distribution function."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.greeks.normal import cumulative_normal


# Hull, Options, Futures, and Other Derivatives: the table of N(x) at the end of the book.
@pytest.mark.parametrize(
    ("x", "printed"), [(-1.23, 0.1093), (0.0, 0.5), (0.64, 0.7389), (1.65, 0.9505), (-2.0, 0.0228)]
)
def test_it_is_the_printed_table(x, printed):
    assert cumulative_normal(np.array([x]))[0] == pytest.approx(printed, abs=5e-5)


@given(st.floats(-40, 40))
def test_it_is_the_standard_librarys_and_symmetric(x):
    below, above = cumulative_normal(np.array([x, -x]))
    assert below == pytest.approx(NormalDist().cdf(x), abs=1e-15)
    assert below + above == pytest.approx(1.0, abs=1e-15)


def test_it_ends_at_0_and_1_and_lets_nan_through():
    np.testing.assert_array_equal(cumulative_normal(np.array([-np.inf, np.inf, np.nan])), [0.0, 1.0, np.nan])
