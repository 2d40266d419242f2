"""Option symbols: the examples of the OSI plan, and what must be refused."""

from datetime import date

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.errors import BadSymbol
from wheel_assets.market.osi import (
    OptionSymbol,
    format_osi,
    is_adjusted,
    is_standard,
    option_root,
    parse_osi,
    parse_osi_column,
)

SYMBOLS = st.builds(
    OptionSymbol,
    st.from_regex(r"[A-Z][A-Z0-9]{0,5}", fullmatch=True),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.sampled_from(["put", "call"]),
    st.integers(1, 99_999_999).map(lambda thousandths: thousandths / 1000),
)
REFUSED = [
    "",
    "XYZ",
    "XYZ   270230P00095000",  # 30 February
    "XYZ   270115X00095000",
    "XYZ   270115P00000000",
    "XYZ   270115P0009500",
    "TOOLONG270115P00095000",
    "X Y   270115P00095000",
    "XYZ   27O115P00095000",
    "XYZ   27011５P00095000",  # a full-width digit
]


@pytest.mark.parametrize(
    "text",
    ["XYZ   270115P00095500", "XYZ270115P00095500", " xyz270115p00095500 ", "XYZ 270115P00095500"],
)
def test_every_spelling_is_the_same_contract(text):
    assert parse_osi(text) == ("XYZ", date(2027, 1, 15), "put", 95.5)
    assert parse_osi(text).osi == "XYZ   270115P00095500"


@given(SYMBOLS)
def test_what_is_written_reads_back(symbol):
    code = format_osi(*symbol)
    assert len(code) == 21
    assert parse_osi(code) == symbol
    assert parse_osi(code.replace(" ", "")) == symbol


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_option_symbol_is_refused(text):
    with pytest.raises(BadSymbol, match="is not an option symbol"):
        parse_osi(text)


@given(st.text(max_size=24))
def test_any_text_is_a_symbol_or_a_bad_symbol(text):
    try:
        assert parse_osi(text).osi
    except BadSymbol:
        assert parse_osi_column(pd.Series([text], dtype=object)).isna().all(axis=None)


@given(st.lists(SYMBOLS, min_size=1, max_size=20), st.booleans())
def test_the_column_reads_what_the_single_reader_reads(symbols, padded):
    codes = pd.Series([s.osi if padded else s.osi.replace(" ", "") for s in symbols])
    frame = parse_osi_column(codes)
    assert frame["option_symbol"].tolist() == [s.osi for s in symbols]
    rows = zip(frame["root"], frame["expiration"].dt.date, frame["option_type"], frame["strike"], strict=True)
    assert [OptionSymbol(*row) for row in rows] == symbols


def test_a_bad_code_in_a_column_is_a_row_of_nothing():
    frame = parse_osi_column(pd.Series(["XYZ270115P00095000", *REFUSED, None, 7, {}], index=range(10, 24)))
    assert frame.index.tolist() == list(range(10, 24))
    assert frame.iloc[0].notna().all()
    assert frame.iloc[1:].isna().all(axis=None)


@pytest.mark.parametrize(
    ("root", "expected"), [("XYZ", False), ("XYZ1", True), ("2XYZ", True), ("SPXW", False), ("A1B", False)]
)
def test_adjusted_series_show_in_the_root(root, expected):
    assert OptionSymbol(root, date(2027, 1, 15), "put", 95.0).is_adjusted is expected
    assert is_adjusted(pd.Series([root])).tolist() == [expected]


def test_no_root_is_not_adjusted():
    assert is_adjusted(pd.Series([None], dtype=object)).tolist() == [False]


@pytest.mark.parametrize(
    "parts",
    [
        ("TOOLONG", date(2027, 1, 15), "put", 95.0),
        ("", date(2027, 1, 15), "put", 95.0),
        ("XYZ", date(1999, 1, 15), "put", 95.0),
        ("XYZ", date(2027, 1, 15), "P", 95.0),
        ("XYZ", date(2027, 1, 15), "put", 0.0),
        ("XYZ", date(2027, 1, 15), "put", -5.0),
        ("XYZ", date(2027, 1, 15), "put", float("nan")),
        ("XYZ", date(2027, 1, 15), "put", 100_000.0),
        ("XYZ", date(2027, 1, 15), "put", 95.0005),
    ],
)
def test_parts_that_make_no_code_are_refused(parts):
    with pytest.raises(BadSymbol, match="no OSI code"):
        format_osi(*parts)


@pytest.mark.parametrize(("ticker", "root"), [("SMCI", "SMCI"), ("BRK.B", "BRKB"), ("$SPX", "SPX"), ("BRK/B", "BRKB")])
def test_roots_of_tickers(ticker, root):
    assert option_root(ticker) == root


@pytest.mark.parametrize(
    ("code", "standard"),
    [("U     261218P00028000", True), ("U1    261218P00028000", False), ("1U    261218P00028000", False), ("", False)],
)
def test_adjusted_and_flexible_contracts_are_not_standard(code, standard):
    assert is_standard(code) is standard
