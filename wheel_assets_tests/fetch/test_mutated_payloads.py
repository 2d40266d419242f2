"""Good answers, damaged at random: a clear error or a sound result, no other exception, no invented value."""

import copy
import json
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wheel_assets.errors import SourceError
from wheel_assets.fetch.quotes import numbers
from wheel_assets.fetch.rates import Rate
from wheel_assets.tables import OPTION_CHAINS, POSITIONS, PRICE_HISTORY

JSON_VENDORS = ["cboe", "cboe history", "schwab chains", "schwab history", "schwab account", "fred"]
VENDORS = [*JSON_VENDORS, "fred csv", "treasury", "databento"]
NO_NUMBERS = [
    None,
    True,
    False,
    "",
    "NaN",
    "-",
    -999.0,
    float("nan"),
    float("inf"),
    -1.0,
    0,
    10**400,
    1e308,
    "12",
    "é",
    [],
    {},
]
JUNK = st.sampled_from([*NO_NUMBERS, [None], {"a": 1}, 2**63, -(2**70), "2026-13-45", "9" * 400])
FUZZ = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def places(document: Any, path: tuple = ()) -> list[tuple]:
    """The path of every value in a JSON document."""
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path, *(place for key, value in items for place in places(value, (*path, key)))]


def damaged(document: Any, path: tuple, value: Any, how: str) -> Any:
    """A copy in which the value at `path` is replaced, left out, or sent twice."""
    if not path:
        return value
    document = copy.deepcopy(document)
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    if how == "drop":
        del parent[path[-1]]
    elif how == "twice" and isinstance(parent, list):
        parent.append(parent[path[-1]])
    else:
        parent[path[-1]] = value
    return document


def check(result: Any, sent: Any) -> None:
    """Whatever was accepted fits its table and holds only numbers that were sent."""
    if isinstance(result, Rate):
        assert all(-0.0101 <= rate <= 0.25 for rate in result.zero_rates.values())
        return
    table = OPTION_CHAINS if "quote_quality" in result else PRICE_HISTORY if "close" in result else POSITIONS
    frame = table.conform(result)
    assert len(frame) > 0
    assert isinstance(result.attrs["notes"], list)
    scalars = numbers([leaf for leaf in leaves(sent) if not isinstance(leaf, list | dict)], no_value=())
    for column in ("bid", "ask", "last", "average_price", "open", "high", "low", "close"):
        values = frame.get(column, pd.Series(dtype=float)).dropna()
        assert np.isin(values, scalars).all()
        assert np.isfinite(values).all()


def leaves(document: Any) -> list[Any]:
    """Every value in a JSON document that holds no others."""
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else None
    return [document] if inner is None else [leaf for value in inner for leaf in leaves(value)]


@pytest.mark.parametrize("name", JSON_VENDORS)
@FUZZ
@given(data=st.data())
def test_a_document_with_wrong_values(vendor_named, fake, vendors, name, data):
    vendor = vendor_named(name)
    document = vendor.good.body
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(places(document)))
        document = damaged(document, path, data.draw(JUNK), data.draw(st.sampled_from(["drop", "twice", "replace"])))
    fake.on(vendor.path, vendors.Reply(json.dumps(document), content_type="application/json"))
    with suppress(SourceError):
        check(vendor.ask(), document)


@pytest.mark.parametrize("name", VENDORS)
@FUZZ
@given(cut=st.tuples(st.floats(0, 1), st.floats(0, 1)), insert=st.binary(max_size=6))
def test_an_answer_with_wrong_bytes(vendor_named, fake, vendors, name, cut, insert):
    vendor = vendor_named(name)

    def damage(seen):
        reply = vendor.good(seen) if callable(vendor.good) else vendor.good
        first, last = sorted(round(place * len(reply.raw)) for place in cut)
        return vendors.Reply(reply.raw[:first] + insert + reply.raw[last:], content_type=reply.media_type)

    fake.on(vendor.path, damage)
    with suppress(SourceError):
        result = vendor.ask()
        assert isinstance(result, Rate) or len(result) > 0
