"""Documents come back exactly as they went in, or are refused."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.errors import BadFrame
from wheel_assets.storage.encoding import decode, encode, has_content

ZONES = st.sampled_from([None, UTC, timezone(timedelta(hours=-5)), ZoneInfo("America/New_York")])
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.dates(),
    st.datetimes(timezones=ZONES),
    st.decimals(allow_nan=False),
)
KEYS = st.one_of(st.text(), st.floats(allow_nan=False), st.integers(), st.dates(), st.just("$"))
DOCUMENTS = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.lists(inner, max_size=3).map(tuple), st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=12,
)


def with_types(value: object) -> object:
    """A value beside its type, through and through: 1, 1.0 and True are equal, and so are -0.0 and 0.0."""
    if isinstance(value, dict):
        return dict, [(with_types(key), with_types(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [with_types(item) for item in value]
    zone = value.tzinfo if isinstance(value, datetime) else None
    return type(value), zone_of(zone), repr(value) if isinstance(value, float) else value


def zone_of(zone: tzinfo | None) -> str:
    return repr(zone)


@given(DOCUMENTS)
def test_a_document_comes_back_as_it_was_types_included(document):
    assert with_types(decode(encode(document))) == with_types(document)


def test_nan_comes_back_as_nan():
    assert math.isnan(decode(encode([math.nan]))[0])


@pytest.mark.parametrize("value", [np.float64(1), {1, 2}, b"x", object(), np.zeros(2), ZoneInfo("UTC"), lambda: 1])
def test_what_would_not_come_back_is_refused(value):
    with pytest.raises(BadFrame, match="cannot be cached"):
        encode({"deep": [value]})


def test_a_value_that_contains_itself_is_refused():
    value: list[object] = []
    value.append(value)
    with pytest.raises(BadFrame, match="contains itself"):
        encode(value)


@pytest.mark.parametrize(
    ("document", "answer"),
    [
        ({}, False),
        ([], False),
        ([None], False),
        ({"symbol": "U", "spot_price": 25.0}, False),
        ({"spot_price": 25.0, "calls": [], "puts": []}, False),
        ({"data": {"calls": [], "puts": ()}}, False),
        ({"calls": [], "puts": [{"strike": 25.0}]}, True),
        ({"positions": [], "account_data": {"cash_balance": 0.0}}, True),
        ([{"symbol": "U"}], True),
    ],
)
def test_a_document_has_content_if_its_lists_have(document, answer):
    assert has_content(document) is answer


@pytest.mark.parametrize("value", [date(2026, 12, 18), Decimal("0.10"), (1, (2,))])
def test_text_is_plain_json(value):
    assert encode({"a": value}).startswith('{"a":{"$":')
