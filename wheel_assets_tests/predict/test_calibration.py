"""Scores against numbers worked out by hand and from the books, and against their own definitions."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheel_assets.predict.calibration import (
    EDGES,
    brier_difference,
    brier_score,
    compared,
    log_loss,
    mirrored,
    murphy_parts,
    reliability_table,
    score,
    wilson_interval,
)
from wheel_assets.show.reliability import reliability_svg

COIN = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def _arrays(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    forecast, happened = (np.array(column) for column in zip(*pairs, strict=True))
    return forecast.astype(float), happened.astype(bool), np.arange(len(pairs))


@pytest.mark.parametrize(
    ("forecast", "happened", "brier"),
    [
        # Brier 1950, table 1: ten forecasts of rain; half of his two-class sum of squares.
        ([0.7, 0.9, 0.8, 0.4, 0.2, 0.0, 0.0, 0.0, 0.0, 0.1], [0, 1, 1, 1, 0, 0, 0, 0, 0, 0], 0.095),
        ([0.5, 0.5], [1, 0], 0.25),
        ([0.0, 1.0], [1, 0], 1.0),
        ([0.1, 0.9, 0.8, 0.3], [0, 1, 1, 0], (0.01 + 0.01 + 0.04 + 0.09) / 4),
    ],
)
def test_brier_score_by_hand(forecast, happened, brier):
    assert brier_score(np.array(forecast), np.array(happened, dtype=bool)) == pytest.approx(brier, abs=1e-12)


@pytest.mark.parametrize(
    ("forecast", "happened", "loss"),
    [
        ([0.5], [1], math.log(2)),
        ([0.25, 0.25], [1, 0], (math.log(4) + math.log(4 / 3)) / 2),
        ([0.9, 0.2, 0.7], [1, 0, 1], -math.log(0.9 * 0.8 * 0.7) / 3),
    ],
)
def test_log_loss_by_hand(forecast, happened, loss):
    assert log_loss(np.array(forecast), np.array(happened, dtype=bool)) == pytest.approx(loss, rel=1e-12)


def test_the_impossible_costs_much_but_not_infinity():
    assert log_loss(np.array([0.0]), np.array([True])) == pytest.approx(6 * math.log(10))


@pytest.mark.parametrize(
    ("came_true", "size", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17, 1998, table I, method 3 (Wilson without continuity correction).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_as_printed(came_true, size, low, high):
    found = wilson_interval(np.array(came_true / size), np.array(size))
    assert [float(end) for end in found] == pytest.approx([low, high], abs=5e-5)


@given(COIN)
def test_a_perfect_forecast_scores_zero(pairs):
    _, happened, group = _arrays(pairs)
    found = score(happened.astype(float), happened, group)
    assert (found.brier, found.log_loss, found.reliability) == (0, 0, 0)
    assert found.resolution == pytest.approx(found.uncertainty)


@given(COIN)
def test_the_base_rate_has_no_skill(pairs):
    _, happened, group = _arrays(pairs)
    found = score(np.full(len(happened), happened.mean()), happened, group)
    skills = [found.brier_skill, found.log_loss_skill]
    assert skills == pytest.approx([0, 0], abs=1e-9) or (happened.mean() in (0, 1) and np.isnan(skills).all())


FEW = st.tuples(st.sampled_from([0.02, 0.07, 0.15, 0.5, 0.55, 0.99]), st.booleans())


@given(st.lists(FEW, min_size=1, max_size=80))
def test_murphys_parts_add_up_to_the_brier_score(pairs):
    forecast, happened, group = _arrays(pairs)
    edges = np.array([0, 0.05, 0.1, 0.2, 0.52, 0.6, 1])  # every forecast in a bin of its own
    reliability, resolution, uncertainty = murphy_parts(reliability_table(forecast, happened, group, edges))
    assert reliability - resolution + uncertainty == pytest.approx(brier_score(forecast, happened), abs=1e-12)


@given(COIN)
def test_every_forecast_is_in_the_bin_it_belongs_to(pairs):
    forecast, happened, group = _arrays(pairs)
    bins = reliability_table(forecast, happened, group)
    assert sum(b.count for b in bins) == len(pairs)
    for b in bins:
        top = np.inf if b.high == 1 else b.high
        inside = [(f, h) for f, h in pairs if b.low <= f < top]
        assert (b.count, b.groups) == (len(inside), len(inside))
        assert b.observed == pytest.approx(np.mean([h for _, h in inside]))
        assert b.mean_forecast == pytest.approx(np.mean([f for f, _ in inside]))
        assert b.interval_low - 1e-12 <= b.observed <= b.interval_high + 1e-12


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_calibrated_forecasts_lie_in_their_intervals(seed):
    random = np.random.default_rng(seed)
    forecast = random.uniform(size=5_000)
    bins = reliability_table(forecast, random.uniform(size=5_000) < forecast, np.arange(5_000))
    missed = sum(not b.interval_low <= b.mean_forecast <= b.interval_high for b in bins)
    assert missed <= 5  # of 12 at 95 %: more than five in about one run of 10,000


def test_overconfident_forecasts_do_not_lie_in_their_intervals():
    random = np.random.default_rng(1)
    truth = random.uniform(0.3, 0.7, size=5_000)
    overdone = np.clip(0.5 + 2.4 * (truth - 0.5), 0, 1)
    bins = reliability_table(overdone, random.uniform(size=5_000) < truth, np.arange(5_000))
    assert not bins[0].interval_low <= bins[0].mean_forecast <= bins[0].interval_high
    assert not bins[-1].interval_low <= bins[-1].mean_forecast <= bins[-1].interval_high


def test_a_group_counts_once_in_a_bin_however_many_contracts_it_has():
    forecast, happened = np.full(300, 0.25), np.tile([True, False, False], 100)
    alone = reliability_table(forecast[:3], happened[:3], np.arange(3))[0]
    many = reliability_table(forecast, happened, np.tile([0, 1, 2], 100))[0]
    assert (many.count, many.groups) == (300, 3)
    assert (many.interval_low, many.interval_high) == pytest.approx((alone.interval_low, alone.interval_high))


def test_the_edges_of_the_bins_cover_all_probabilities():
    assert (EDGES[0], EDGES[-1]) == (0, 1)
    assert (np.diff(EDGES) > 0).all()
    ends = reliability_table(np.array([0.0, 1.0]), np.array([False, True]), np.arange(2))
    assert [(b.low, b.high) for b in ends] == [(0, 0.05), (0.95, 1)]


def test_rivals_are_compared_on_what_all_of_them_know():
    happened, group = np.array([True, False, True, False]), np.arange(4)
    forecasts = {
        "model": np.array([0.9, 0.1, 0.2, np.nan]),
        "rival": np.array([0.5, 0.5, np.nan, 0.5]),
        "silent": np.full(4, np.nan),
    }
    found = {(name, common): found.count for name, common, found in compared(forecasts, happened, group)}
    assert found == {("model", False): 3, ("model", True): 2, ("rival", True): 2}


def test_where_all_know_all_there_is_one_comparison():
    forecasts = {"model": np.array([0.9, 0.1]), "rival": np.array([0.5, 0.5])}
    found = compared(forecasts, np.array([True, False]), np.arange(2))
    assert [(name, common) for name, common, _ in found] == [("model", True), ("rival", True)]


def test_nothing_said_is_nothing_scored():
    nothing = np.array([])
    assert compared({"model": nothing}, nothing.astype(bool), nothing) == []


def test_the_picture_is_well_formed_and_shows_every_bin():
    random = np.random.default_rng(2)
    forecast = random.uniform(size=200)
    bins = [b.__dict__ for b in reliability_table(forecast, random.uniform(size=200) < forecast, np.arange(200))]
    root = ElementTree.fromstring(reliability_svg("R&D <b>", {"prob_itm": bins, "|delta| > 0": bins[:3]}))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"R&D <b>", "prob_itm", "|delta| > 0"} <= set(texts)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}circle"))) == len(bins) + 3
    assert len(list(root.iter("{http://www.w3.org/2000/svg}line"))) == len(bins) + 1


def test_points_lie_where_they_belong():
    one = {"mean_forecast": 0.25, "observed": 1.0, "count": 1, "interval_low": 0.2, "interval_high": 1.0}
    root = ElementTree.fromstring(reliability_svg("", {"model": [one]}))
    circle = next(root.iter("{http://www.w3.org/2000/svg}circle"))
    assert (float(circle.get("cx")), float(circle.get("cy"))) == (60 + 480 / 4, 60)


def test_a_difference_counts_what_one_price_decided_once():
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(40), 50)
    came = np.repeat(rng.random(40) < 0.3, 50).astype(float)
    good, bad = np.full(came.size, 0.3), np.full(came.size, 0.6)
    clustered = brier_difference(good, bad, came, group)
    alone = brier_difference(good, bad, came, np.arange(came.size))
    assert clustered.mean == alone.mean < 0
    assert clustered.high - clustered.low > 5 * (alone.high - alone.low)


def test_mirroring_takes_the_direction_out():
    price, forward, strike = np.array([120.0, 80.0]), np.array([100.0, 100.0]), np.array([110.0, 95.0])
    both = mirrored(price, forward, strike, np.array([False, True]))
    np.testing.assert_array_equal(both, [[1, 0], [1, 0]])
    assert np.isnan(mirrored(price[:1], np.array([np.nan]), strike[:1], np.array([True]))[0, 1])
