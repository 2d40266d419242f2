"""Vendors' numbers: every way of saying "none" is NaN, every number stays itself."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.fetch.normalise.quotes import counts, non_negative, numbers, quote_quality, rows_frame
from wheel_assets.tables import QUOTE_QUALITIES

NOTHING = [
    None,
    "",
    " ",
    "NaN",
    "nan",
    "-",
    ".",
    "--",
    "N/A",
    "null",
    math.nan,
    math.inf,
    -math.inf,
    "inf",
    "-Infinity",
]
NOTHING += [-999, -999.0, "-999.0", "-999", True, False, [], [1.0], {}, {"a": 1}, 10**400, "1e999", "12abc", "1_000"]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize("value", NOTHING)
def test_what_is_no_value_is_nan_alone_and_among_numbers(value):
    assert np.isnan(numbers([value])).all()
    assert numbers([1.5, value, "2.5"])[[0, 2]].tolist() == [1.5, 2.5]
    assert np.isnan(numbers([1.5, value, "2.5"])[1])


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: x != -999.0)))
def test_numbers_and_their_text_stay_themselves(values):
    assert numbers(values).tolist() == values
    assert numbers([repr(value) for value in values]).tolist() == pytest.approx(values, rel=1e-14)


@given(st.lists(ANYTHING))
def test_anything_becomes_finite_or_nan(values):
    floats = numbers(values)
    assert floats.dtype == np.float64
    assert len(floats) == len(values)
    assert not np.isinf(floats).any()


@pytest.mark.parametrize(
    "series",
    [pd.Series([1, 2]), pd.Series([1.0, 2.0]), pd.Series([1, 2], dtype="Int64"), pd.Series(["1", 2], dtype=object)],
)
def test_columns_of_any_dtype(series):
    assert numbers(series).tolist() == [1.0, 2.0]


def test_columns_are_not_changed_in_place():
    column = pd.Series([1.0, -999.0, -3.0])
    non_negative(column)
    assert column.tolist() == [1.0, -999.0, -3.0]


def test_a_column_of_truth_values_holds_no_numbers():
    assert np.isnan(numbers(pd.Series([True, False]))).all()


def test_vendors_may_have_other_words_for_none():
    assert np.isnan(numbers([2147483647, 5], no_value=[2147483647])).tolist() == [True, False]
    assert numbers([-999.0], no_value=()).tolist() == [-999.0]


def test_negative_prices_are_no_prices():
    assert np.isnan(non_negative([-0.01, 0.0, 0.01])).tolist() == [True, False, False]


def test_counts_are_whole():
    assert counts([12.0, "7", 0, 1.5, -1, None, 1e300]).tolist() == [12, 7, 0, pd.NA, pd.NA, pd.NA, pd.NA]
    assert counts([1]).dtype == "Int64"


@pytest.mark.parametrize(
    ("bid", "ask", "quality"),
    [
        (1.10, 1.20, "ok"),
        (0.05, 0.15, "ok"),  # ten cents apart
        (0.05, 0.16, "wide"),
        (3.00, 5.00, "ok"),  # exactly half of the mid
        (3.00, 5.01, "wide"),
        (1.20, 1.10, "crossed"),
        (1.20, 1.20, "locked"),
        (0.00, 0.05, "no_bid"),
        (math.nan, 0.05, "no_bid"),
        (1.00, 0.00, "no_ask"),
        (1.00, math.nan, "no_ask"),
        (0.00, 0.00, "missing"),
        (math.nan, 0.00, "missing"),
    ],
)
def test_what_a_quote_is_good_for(bid, ask, quality):
    assert quote_quality([bid], [ask]).tolist() == [quality]


@given(st.lists(st.tuples(st.floats(), st.floats())))
def test_every_quote_has_one_of_the_declared_qualities(quotes):
    bid, ask = [q[0] for q in quotes], [q[1] for q in quotes]
    assert set(quote_quality(bid, ask)) <= set(QUOTE_QUALITIES)


def test_only_what_is_asked_for_is_taken_out_of_an_object():
    bloated = {f"k{number}": 1 for number in range(100_000)}
    frame = rows_frame([{"bid": 1, **bloated}, 5, {"ask": 2}], ["bid", "ask", "last"])
    assert list(frame.columns) == ["bid", "ask"]
    assert len(frame) == 3
