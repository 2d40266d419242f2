"""Good answers, damaged at random: a clear error, or exactly what a second, slow reading of the same answer finds."""

import copy
import json
import math
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.errors import SourceError
from wheel_assets.fetch.source import THREE_MONTHS, Rate
from wheel_assets.tables import OPTION_CHAINS, POSITIONS, PRICE_HISTORY

JSON_VENDORS = ["cboe", "cboe history", "schwab chains", "schwab history", "schwab account", "fred"]
VENDORS = [*JSON_VENDORS, "fred csv", "treasury", "databento"]
NO_NUMBERS = [None, True, False, "", "NaN", "-", -999.0, math.nan, math.inf, 10**400, "é", [], {}, [None], {"a": 1}]
ODD_NUMBERS = [-1.0, 0, 1e308, "12", " 12.50", "-999.0", "1e3", 1.5, 2**63, -(2**70), "9" * 400]
ODD_TEXTS = ["2026-13-45", "2026-11-18", "XYZ270115P00096000", "ABC270115P00095000", "XYZ1270115P00095000"]
ODD_TEXTS += ["XYZ   200117P00095000", "xyz270115c00095500", "SUCCESS", "NAN", "1_000", "٣", "XYZ270115P00000000"]


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
        parent.append(copy.deepcopy(parent[path[-1]]))
    else:
        parent[path[-1]] = value
    return document


def damages(draw: Any, document: Any) -> Any:
    """One damage: mostly a value of the right kind that is wrong, or one that belongs elsewhere."""
    paths = places(document)
    path = draw(st.sampled_from(paths))
    old = at(document, path)
    akin = [at(document, other) for other in paths if other and path and other[-1] == path[-1]]
    likely = ODD_TEXTS if isinstance(old, str) else [*NO_NUMBERS, *ODD_NUMBERS]
    value = draw(st.sampled_from([*likely, *akin]) | st.sampled_from([*NO_NUMBERS, *ODD_NUMBERS, *ODD_TEXTS]))
    return damaged(document, path, value, draw(st.sampled_from(["drop", "twice", "replace", "replace"])))


def at(document: Any, path: tuple) -> Any:
    for key in path:
        document = document[key]
    return document


def same(found: Any, expected: Any) -> bool:
    """Whether a stored value is what was read: missing is missing, a number is that number."""
    if pd.isna(found):
        return expected is None
    return found == expected or (isinstance(expected, float) and math.isclose(found, expected, rel_tol=1e-12))


def differences(rows: pd.DataFrame, expected: Any) -> list[tuple]:
    """Row, column, what was found and what was expected, wherever they are not the same."""
    return [
        (key, column, row[column], value)
        for (key, row), (_, read) in zip(rows.iterrows(), expected, strict=True)
        for column, value in read.items()
        if not same(row[column].date() if column == "expiration" else row[column], value)
    ]


def check(name: str, result: Any, sent: Any, slow: Any) -> None:
    """Whatever was accepted fits its table, makes sense, and says what the slow reading says."""
    read = getattr(slow, name.replace(" ", "_"))(sent)
    if isinstance(result, Rate):
        assert math.isclose(result.zero_rates[THREE_MONTHS], read)
        assert all(-0.0101 <= rate <= 0.25 for rate in result.zero_rates.values())
        return
    table, key = {
        "cboe": (OPTION_CHAINS, "option_symbol"),
        "schwab chains": (OPTION_CHAINS, "option_symbol"),
        "schwab account": (POSITIONS, None),
    }.get(name, (PRICE_HISTORY, "date"))
    frame = table.conform(result.frame)
    assert len(frame) > 0
    assert all(isinstance(note, str) for note in result.notes)
    if key is None:
        holdings = frame[frame["asset_type"] != "cash"]
        assert differences(holdings, enumerate(read)) == []
        return
    rows = frame.set_index(frame[key].dt.date if key == "date" else frame[key], drop=False).sort_index()
    assert list(rows.index) == sorted(read)
    assert differences(rows, sorted(read.items())) == []


def sane(frame: pd.DataFrame) -> None:
    """What is called a good quote is one."""
    good = frame[frame["quote_quality"] == "ok"]
    assert ((good["bid"] > 0) & (good["bid"] < good["ask"])).all()
    assert (frame["spot_price"] > 0).all()
    assert frame["option_symbol"].is_unique


@pytest.mark.parametrize("name", JSON_VENDORS)
@given(data=st.data())
def test_a_document_with_wrong_values(vendor_named, fake, vendors, slow_reading, name, data):
    vendor = vendor_named(name)
    document = vendor.good.body
    for _ in range(data.draw(st.integers(1, 3))):
        document = damages(data.draw, document)
    fake.on(vendor.path, vendors.Reply(json.dumps(document), content_type="application/json"))
    with suppress(SourceError):
        result = vendor.ask()
        check(name, result, json.loads(json.dumps(document)), slow_reading)
        if "quote_quality" in getattr(getattr(result, "frame", None), "columns", ()):
            sane(result.frame)


@pytest.mark.parametrize("name", VENDORS)
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
        assert isinstance(result, Rate) or len(result.frame) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["treasury", "databento"])
@given(data=st.data())
def test_a_table_with_wrong_cells(vendor_named, fake, vendors, name, data):
    """CSV: a cell is replaced; every number that is accepted stands in some cell that was sent."""
    vendor, sent = vendor_named(name), []
    junk = data.draw(st.sampled_from(["", "NaN", "-999", "2147483647", "9223372036854775807", "-1", "12.5", "é", "x"]))
    row, column = data.draw(st.tuples(st.integers(0, 99), st.integers(0, 99)))

    def damage(seen):
        reply = vendor.good(seen) if callable(vendor.good) else vendor.good
        lines = [line.split(",") for line in reply.body.strip().split("\n")]
        cells = lines[1 + row % (len(lines) - 1)] if len(lines) > 1 else lines[0]
        cells[column % len(cells)] = junk
        sent.extend(cell for line in lines for cell in line)
        return vendors.Reply("\n".join(map(",".join, lines)) + "\n", content_type=reply.media_type)

    fake.on(vendor.path, damage)
    with suppress(SourceError):
        result = vendor.ask()
        if isinstance(result, Rate):
            percent = 400 * math.expm1(result.zero_rates[THREE_MONTHS] / 4)
            assert any(math.isclose(percent, cell) for cell in numbers_in(sent))
            return
        frame = result.frame
        OPTION_CHAINS.conform(frame)
        sane(frame)
        stored = frame[["bid", "ask", "last"]].to_numpy().ravel()
        assert np.isin(stored[~np.isnan(stored)], numbers_in(sent)).all()
        assert (frame[["bid", "ask", "last"]].max(axis=None) or 0) < 2**31 - 1


def numbers_in(cells: list[str]) -> list[float]:
    """The numbers among the cells of a table, whole ones also as prices in billionths."""
    found = [float(cell) for cell in cells if cell.replace(".", "", 1).replace("-", "", 1).isdecimal()]
    return [*found, *(each / 1e9 for each in found)]
