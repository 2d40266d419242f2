"""Numbers, days, times and options as they stand in exports."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.fetch.positions.spelling import as_of_time, day, number, spelt_contract
from wheel_assets.market.osi import format_osi


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$1,234.56", 1234.56),
        ("-$3.20", -3.2),
        ("$-3.20", -3.2),
        ("+$1.00", 1),
        ("(1,000)", -1000),
        ("($12.50)", -12.5),
        ("12-", -12),
        (" 300 ", 300),
        (".5", 0.5),
        ("1e-05", 0.00001),
        ("1,234,567.", 1234567),
    ],
)
def test_numbers_as_brokers_write_them(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["", "  ", "--", "-", "N/A", "n/a", "null", "NaN"])
def test_the_ways_to_write_no_number(text: str) -> None:
    assert number(text) is None


NO_NUMBERS = ["12x", "1-2", "34,50", "1.234,56", "12,34,567", "(5", "5)", "1.2.3", "inf", "True", "٣", "9" * 400]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a number|too large"):
        number(text)


@given(st.floats(-1e9, 1e9).map(lambda value: round(value, 2)))
def test_numbers_survive_being_written_as_dollars(value: float) -> None:
    assert number(f"{value:,.2f}") == value
    assert number(f"${value:,.2f}" if value >= 0 else f"-${-value:,.2f}") == value
    assert number(f"(${-value:,.2f})" if value < 0 else f"{value}") == value


@pytest.mark.parametrize(
    "text", ["2027-01-15", "20270115", "01/15/2027", "1/15/2027", "2027/01/15", "01/15/27", "Jan-15-2027"]
)
def test_days_in_the_usual_spellings(text: str) -> None:
    assert day(text) == date(2027, 1, 15)


@pytest.mark.parametrize("text", ["", "2027-02-30", "15.01.2027", "soon"])
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a date"):
        day(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("12:33 PM ET, 2026/11/20", "2026-11-20T12:33:00-05:00"),
        ("12:05 AM ET, 2026/07/01", "2026-07-01T00:05:00-04:00"),
        ("Nov-20-2026 4:15 p.m ET", "2026-11-20T16:15:00-05:00"),
        ("11/20/2026", "2026-11-20T16:00:00-05:00"),
        ("20261120", "2026-11-20T16:00:00-05:00"),
        ("2026-11-20", "2026-11-20T16:00:00-05:00"),
        ("2026-11-20T21:00:00Z", "2026-11-20T16:00:00-05:00"),
        ("2026-11-20 10:30", "2026-11-20T10:30:00-05:00"),
    ],
)
def test_as_of_times(text: str, moment: str) -> None:
    assert as_of_time(text) == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    "text", ["the close", "25:00 AM, 13/45/2026", "0001-01-01", "2026-11-20 99:99", "9999-12-31T23:59"]
)
def test_what_is_no_as_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a|no time|must be in"):
        as_of_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "XYZ   270115P00095500",
        "XYZ270115P00095500",
        " -XYZ270115P95.5",
        "-XYZ270115P00095500",
        "XYZ 01/15/2027 95.50 P",
        "xyz 1/15/2027 95.5 p",
    ],
)
def test_options_as_brokers_write_them(text: str) -> None:
    contract = spelt_contract(text)
    assert contract is not None
    assert contract.osi == "XYZ   270115P00095500"


@given(st.dates(date(2020, 1, 1), date(2090, 1, 1)), st.sampled_from(["put", "call"]), st.integers(1, 99_999_999))
def test_every_spelling_of_a_contract_is_the_same_contract(expiration: date, right: str, thousandths: int) -> None:
    strike, letter = thousandths / 1000, right[0].upper()
    spellings = (
        f"-XYZ{expiration:%y%m%d}{letter}{strike:.3f}".rstrip("0").rstrip("."),
        f"XYZ {expiration:%m/%d/%Y} {strike:,.3f} {letter}",
    )
    found = [spelt_contract(text) for text in spellings]
    assert {contract.osi for contract in found if contract} == {format_osi("XYZ", expiration, right, strike)}


def test_the_root_of_an_adjusted_series_keeps_its_digit() -> None:
    contract = spelt_contract("-XYZ1270115P95")
    assert contract is not None
    assert contract.root == "XYZ1"
    assert contract.is_adjusted


@pytest.mark.parametrize("text", ["XYZ", "BRK/B", "SPAXX**", "", "912828XX1", "XYZ 270115", "Cash & Cash Investments"])
def test_other_text_is_no_option(text: str) -> None:
    assert spelt_contract(text) is None
