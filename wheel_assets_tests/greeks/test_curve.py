"""Zero rates by tenor: what lies between the points, beyond them, and where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.greeks import ZeroCurve

NAN = float("nan")
POINTS = st.lists(
    st.tuples(st.floats(0.01, 30), st.floats(-0.02, 0.2)), min_size=1, max_size=8, unique_by=lambda p: p[0]
)


@given(POINTS, st.randoms())
def test_the_curve_goes_through_its_points_in_whatever_order_they_come(points, random):
    shuffled = random.sample(points, len(points))
    curve = ZeroCurve.of(*zip(*shuffled, strict=True))
    years, rates = np.transpose(points)
    np.testing.assert_allclose(curve.at(years), rates, atol=1e-15)
    assert curve == ZeroCurve.of(years, rates)


@given(POINTS, st.floats(0, 100))
def test_no_rate_is_beyond_those_of_the_points(points, years):
    _, rates = np.transpose(points)
    assert rates.min() - 1e-12 <= ZeroCurve.of(*np.transpose(points)).at(years) <= rates.max() + 1e-12


@pytest.mark.parametrize(("years", "rate"), [(-1, 0.04), (0, 0.04), (0.25, 0.04), (0.5, 0.03), (0.75, 0.02), (9, 0.02)])
def test_linear_between_and_flat_beyond(years, rate):
    assert ZeroCurve((0.25, 0.75), (0.04, 0.02)).at(years) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("years", "rates"), [([NAN], [0.05]), (NAN, [0.05]), ([NAN, 0.5], [0.09, 0.05]), ([0.5, 1], [0.05, NAN])]
)
def test_what_is_missing_is_left_out_and_one_rate_holds_for_all(years, rates):
    assert ZeroCurve.of(years, rates).at([0.0, 1.0, 30.0]).tolist() == [0.05] * 3
