"""Whole files, as the brokers' web sites hand them out; every account and value is invented."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheel_assets.errors import BadPositionsFile
from wheel_assets.fetch.positions.file import MAX_BYTES, FileAccount
from wheel_assets.rows import Rows
from wheel_assets.tables import POSITIONS

NOW = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)
EXAMPLE = Path(__file__).parents[3] / "examples" / "positions.csv"

OWN = """\
account_id,symbol,asset_type,quantity,avg_price,market_value,multiplier,underlying,expiration,strike,put_call,as_of,cash
777,XYZ,stock,300,31.50,9900,,,,,,2026-11-20T15:00:00-05:00,
777,XYZ,option,-1,1.20,-30,100,XYZ,2026-12-18,35,C,2026-11-20T15:00:00-05:00,
777,XYZ,option,-2,0.80,-110,100,XYZ,2027-01-15,27.5,P,2026-11-20T15:00:00-05:00,
777,,,,,,,,,,,,25000
"""

SCHWAB = """\
"Positions for account Individual ...123 as of 12:33 PM ET, 2026/11/20"

"Symbol","Description","Qty (Quantity)","Price","Mkt Val (Market Value)","Cost Basis","Ratings","Security Type",
"XYZ","XYZ CORP","300","$33.00","$9,900.00","$9,450.00","--","Equity",
"XYZ 12/18/2026 35.00 C","CALL XYZ CORP $35 EXP 12/18/26","-1","$0.30","-$30.00","-$120.00","--","Option",
"XYZ 01/15/2027 27.50 P","PUT XYZ CORP $27.5 EXP 01/15/27","-2","$0.55","-$110.00","-$160.00","--","Option",
"Cash & Cash Investments","--","--","--","$25,000.00","--","--","Cash and Money Market",
"Account Total","--","--","--","$34,760.00","$9,170.00","--","--",
"""

FIDELITY = """\
\ufeffAccount Number,Account Name,Symbol,Description,Quantity,Last Price,Current Value,Average Cost Basis,Type
Z12345678,Individual,SPAXX**,HELD IN MONEY MARKET,,,"$25,000.00",,Cash,
Z12345678,Individual,XYZ,XYZ CORP,300,$33.00,+$9900.00,$31.50,Margin,
Z12345678,Individual, -XYZ261218C35,XYZ DEC 18 2026 $35 CALL,-1,$0.30,-$30.00,$1.20,Margin,
Z12345678,Individual, -XYZ270115P27.5,XYZ JAN 15 2027 $27.5 PUT,-2,$0.55,-$110.00,$0.80,Margin,
Z12345678,Individual,Pending Activity,,,,$12.00,,

"The data and information in this spreadsheet is provided to you solely for your use and is not for distribution."

"Date downloaded Nov-20-2026 3:00 p.m ET"
"""

IBKR_XML = """\
<FlexQueryResponse queryName="positions" type="AF"><FlexStatements count="1"><FlexStatement accountId="U1234567">
<OpenPositions>
<OpenPosition accountId="U1234567" currency="USD" assetCategory="STK" symbol="XYZ" multiplier="1" reportDate="20261119"
 position="300" positionValue="9900" costBasisPrice="31.5" costBasisMoney="9450" levelOfDetail="SUMMARY" />
<OpenPosition accountId="U1234567" currency="USD" assetCategory="STK" symbol="XYZ" multiplier="1" reportDate="20261119"
 position="300" positionValue="9900" costBasisPrice="31.5" costBasisMoney="9450" levelOfDetail="LOT" />
<OpenPosition accountId="U1234567" currency="USD" assetCategory="OPT" symbol="XYZ   261218C00035000" multiplier="100"
 underlyingSymbol="XYZ" strike="35" expiry="20261218" putCall="C" reportDate="20261119" position="-1"
 positionValue="-30" costBasisPrice="1.2" costBasisMoney="-120" levelOfDetail="SUMMARY" />
<OpenPosition accountId="U1234567" currency="USD" assetCategory="OPT" symbol="XYZ   270115P00027500" multiplier="100"
 underlyingSymbol="XYZ" strike="27.5" expiry="20270115" putCall="P" reportDate="20261119" position="-2"
 positionValue="-110" costBasisPrice="0.8" costBasisMoney="-160" levelOfDetail="SUMMARY" />
</OpenPositions>
<CashReport>
<CashReportCurrency accountId="U1234567" currency="BASE_SUMMARY" levelOfDetail="BaseCurrency" endingCash="25000" />
<CashReportCurrency accountId="U1234567" currency="USD" levelOfDetail="Currency" endingCash="25000" />
</CashReport>
</FlexStatement></FlexStatements></FlexQueryResponse>
"""

IBKR_CSV = """\
ClientAccountID,CurrencyPrimary,AssetClass,Symbol,UnderlyingSymbol,Multiplier,Strike,Expiry,Put/Call,ReportDate,Quantity,\
PositionValue,CostBasisPrice,LevelOfDetail
U1234567,USD,STK,XYZ,,1,,,,20261119,300,9900,31.5,SUMMARY
U1234567,USD,OPT,XYZ   261218C00035000,XYZ,100,35,20261218,C,20261119,-1,-30,1.2,SUMMARY
U1234567,USD,OPT,XYZ   270115P00027500,XYZ,100,27.5,20270115,P,20261119,-2,-110,0.8,SUMMARY
ClientAccountID,CurrencyPrimary,EndingCash
U1234567,BASE_SUMMARY,25000
U1234567,USD,25000
"""

OWN_JSON = json.dumps(
    {
        "as_of": "2026-11-20T20:00:00Z",
        "cash": 25000,
        "positions": [
            {"symbol": "XYZ", "quantity": 300, "avg_price": 31.5, "market_value": 9900},
            {"symbol": "XYZ   261218C00035000", "quantity": -1, "avg_price": 1.2, "market_value": -30},
            {"symbol": "XYZ", "put_call": "put", "strike": 27.5, "expiration": "2027-01-15", "quantity": -2,
             "avg_price": 0.8, "market_value": -110},
        ],
    }
)  # fmt: skip

EXPORTS = {
    "own CSV": (OWN, "2026-11-20 20:00"),
    "own JSON": (OWN_JSON, "2026-11-20 20:00"),
    "Schwab": (SCHWAB, "2026-11-20 17:33"),
    "Fidelity": (FIDELITY, "2026-11-20 20:00"),
    "IBKR XML": (IBKR_XML, "2026-11-19 21:00"),
    "IBKR CSV": (IBKR_CSV, "2026-11-19 21:00"),
}

Read = Callable[..., Rows]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Positions of a file with this content."""

    def read(content: str | bytes, account_id: str = "default", now: datetime = NOW) -> Rows:
        path = tmp_path / "positions.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (NOW.timestamp() - 3600, NOW.timestamp() - 3600))
        return FileAccount(path).positions(account_id, now)

    return read


ALL_ACCOUNTS = """\
"Positions for All-Accounts as of 12:33 PM ET, 2026/11/20"

"Individual ...123"
"Symbol","Description","Quantity","Price","Market Value","Day Change $ ($)","Cost Basis","% of Account","Security Type",
"XYZ","XYZ CORP","1,200","$33.00","$39,600.00","-$3.20","$37,800.00","97.5%","Equity",
"SWVXX","VALUE ADVANTAGE MONEY","5,000","$1.00","$5,000.00","N/A","$5,000.00","1%","Mutual Fund",
"Cash & Cash Investments","--","--","--","$1,000.00","--","--","2.5%","Cash and Money Market",
"Account Total","--","--","--","$45,600.00","-$3.20","$42,800.00","--","--",

"Roth IRA ...456"
"Symbol","Description","Quantity","Price","Market Value","Day Change $ ($)","Cost Basis","% of Account","Security Type",
"BRK/B","BERKSHIRE HATHAWAY CLASS B","5","$500.00","$2,500.00","--","$2,000.00","50%","Equity",
"BRK/B 12/18/2026 1,400.00 C","CALL $1,400 EXP 12/18/26","-1","$0.50","($50.00)","--","-$129.34","-1%","Option",
"Cash & Cash Investments","--","--","--","$2,000.00","--","--","50%","Cash and Money Market",
"Account Total","--","--","--","$4,450.00","--","$1,870.66","--","--",
"Positions Total","","","","$50,050.00","","","","",
"""


@pytest.mark.parametrize(
    ("account_id", "holdings"),
    [
        ("11111123", [("XYZ", 1200, 39600), ("SWVXX", 5000, 5000), ("USD", 1000, 1000)]),
        ("11111456", [("BRK.B", 5, 2500), ("BRKB  261218C01400000", -1, -50), ("USD", 2000, 2000)]),
    ],
)
def test_a_file_of_all_accounts_is_read_for_one_of_them(
    read: Read, account_id: str, holdings: list[tuple[str, float, float]]
) -> None:
    rows = read(ALL_ACCOUNTS, account_id)
    assert list(rows.frame[["symbol", "quantity", "market_value"]].itertuples(index=False, name=None)) == holdings
    assert any("rows of totals" in note for note in rows.notes)


@pytest.mark.parametrize(("content", "as_of"), EXPORTS.values(), ids=EXPORTS)
def test_every_export_tells_the_same_account(read: Read, content: str, as_of: str) -> None:
    frame = read(content).frame
    contracts = frame.set_index("symbol")
    assert list(contracts.index) == ["XYZ", "XYZ   261218C00035000", "XYZ   270115P00027500", "USD"]
    assert contracts["quantity"].to_list() == [300, -1, -2, 25000]
    assert contracts["market_value"].sum() == 34760
    assert contracts["average_price"].to_list()[:3] == pytest.approx([31.5, 1.2, 0.8])
    assert contracts["multiplier"].to_list() == [1, 100, 100, 1]
    assert set(frame["timestamp"]) == {pd.Timestamp(as_of)}


@pytest.mark.parametrize("content", [export[0] for export in EXPORTS.values()], ids=EXPORTS)
def test_every_frame_fits_its_table(read: Read, content: str) -> None:
    frame = read(content).frame
    pd.testing.assert_frame_equal(POSITIONS.conform(frame), frame)
    assert set(frame["source"]) == {"file"}
    assert set(frame["account_id"]) == {"default"}


def test_terms_of_the_options(read: Read) -> None:
    put = read(OWN).frame.iloc[2]
    assert (put["option_type"], put["strike"], put["underlying"]) == ("put", 27.5, "XYZ")
    assert put["expiration"] == pd.Timestamp("2027-01-15")


def test_example_of_our_own_layout_is_an_account_of_100_000_dollars() -> None:
    frame = FileAccount(EXAMPLE).positions("default", datetime.now(UTC)).frame
    assert frame["market_value"].sum() == 100_000
    assert frame.set_index("symbol")["quantity"]["SMCI"] == 200


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (SCHWAB, "1 rows of totals"),
        (FIDELITY, "2 rows of totals"),
        (IBKR_XML, "1 rows of totals"),
        ("symbol,quantity\nU,100\n", "cash is taken to be 0"),
        ("symbol,quantity\nXYZ1270115P95,-1\n", "adjusted"),
        ("symbol,quantity,as_of\nU,100,2026-11-10\n", "9 days old"),
        ("symbol,quantity,as_of\nU,100,yesterday\n", "the time of the file"),
        (IBKR_CSV.replace("U1234567,BASE_SUMMARY", "U1234567,EUR"), "cash in EUR is left out"),
    ],
)
def test_what_was_skipped_or_assumed_is_noted(read: Read, content: str, note: str) -> None:
    assert any(note in said for said in read(content).notes)


def test_file_time_where_the_file_states_none(read: Read) -> None:
    assert read("symbol,quantity\nU,100\n").frame["timestamp"].iloc[0] == pd.Timestamp("2026-11-20 19:30")


def test_close_of_today_is_not_taken_for_the_future(read: Read) -> None:
    frame = read("symbol,quantity,as_of\nU,100,2026-11-20\n").frame
    assert frame["timestamp"].iloc[0] == pd.Timestamp("2026-11-20 20:30")


def test_sweep_and_settled_cash_are_one_row(read: Read) -> None:
    cash = read("symbol,quantity,market_value\nSPAXX**,,1000\nCASH,,250\n").frame
    assert cash["market_value"].to_list() == [1250]


def test_base_currency_counts_where_no_dollars_are_listed(read: Read) -> None:
    only_base = IBKR_CSV.replace("U1234567,USD,25000\n", "")
    assert read(only_base).frame["market_value"].sum() == 34760


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "it is empty"),
        ("symbol,quantity\n", "no position and no cash"),
        ("symbol,quantity\nU,12x\n", r"1 of 1 rows are not understood: row 2 \[U 12x\]: '12x' is not a number"),
        ("symbol,quantity\nU,1\nU,1\n", "U stands in row 2 already; hold it in one row"),
        ("symbol,quantity\n-XYZ261218C35,1\nXYZ261218C00035000,1\n", "stands in row 2 already"),
        ("symbol,quantity\n-XYZ261113C35,1\n", "expired on 2026-11-13, the account has changed"),
        ("symbol,quantity,as_of\nU,1,2062-01-01\n", "still to come"),
        (IBKR_XML.replace('"SUMMARY"', '"LOT"'), "lots without their sums"),
        ("U" * (MAX_BYTES + 1), "larger than 2 MB"),
    ],
)
def test_refusals_say_why_in_one_line(read: Read, content: str, why: str) -> None:
    with pytest.raises(BadPositionsFile, match=why) as refusal:
        read(content)
    assert "\n" not in str(refusal.value)


def test_all_bad_rows_are_counted_and_the_first_are_shown(read: Read) -> None:
    with pytest.raises(BadPositionsFile, match=r"8 of 9 rows.*row 3 .*row 7 .*and 3 more") as refusal:
        read("symbol,quantity\nU,1\n" + "F,x\n" * 8)
    assert "row 8" not in str(refusal.value)


@pytest.mark.parametrize(
    ("day", "is_refused"), [(20, False), (22, False), (23, True)], ids=["Friday evening", "Sunday", "Monday"]
)
def test_an_option_that_has_ended_is_settled_when_the_next_session_comes(
    read: Read, day: int, is_refused: bool
) -> None:
    content = "symbol,quantity\nXYZ261120C00035000,1\n"
    now = datetime(2026, 11, day, 23, tzinfo=UTC)
    if is_refused:
        with pytest.raises(BadPositionsFile, match="expired"):
            read(content, now=now)
    else:
        assert len(read(content, now=now).frame) == 2


def two_accounts() -> str:
    return FIDELITY.replace("\n\n", "\nX98765432,Roth,F,FORD,100,,$1250.00,,,Cash,\n\n", 1)


def test_several_accounts_are_listed_masked(read: Read) -> None:
    with pytest.raises(BadPositionsFile, match=r"\.\.\.432, \.\.\.678.*WHEEL_ACCOUNT_ID") as refusal:
        read(two_accounts())
    assert "Z12345678" not in str(refusal.value)


@pytest.mark.parametrize(("account_id", "symbols"), [("X98765432", ["F", "USD"]), ("Z12345678", 4)])
def test_named_account_is_picked(read: Read, account_id: str, symbols: list[str] | int) -> None:
    frame = read(two_accounts(), account_id).frame
    assert frame["symbol"].to_list() == symbols or len(frame) == symbols
    assert set(frame["account_id"]) == {account_id}


@pytest.mark.parametrize("account_id", ["11111", "X98765432"])
def test_account_that_is_not_in_the_file_is_refused(read: Read, account_id: str) -> None:
    with pytest.raises(BadPositionsFile, match=r"accounts \.\.\.678"):
        read(FIDELITY, account_id)


def test_masked_title_answers_to_the_full_number(read: Read) -> None:
    assert len(read(SCHWAB, "45678123").frame) == 4


def test_row_without_an_account_among_several_is_refused(read: Read) -> None:
    with pytest.raises(BadPositionsFile, match="row 4 does not say whose"):
        read("account_id,symbol,quantity\n111,U,1\n222,U,1\n,F,1\n", "111")


@pytest.mark.parametrize("name", ["missing.csv", ".", "a\0b"])
def test_path_that_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadPositionsFile, match=r"no such file|folder or device"):
        FileAccount(tmp_path / name).positions("default", NOW)


def test_device_is_not_read_for_ever() -> None:
    with pytest.raises(BadPositionsFile, match="folder or device"):
        FileAccount("/dev/zero").positions("default", NOW)


DISTURBING = [b'"', b",", b"\n", b"-", b"9" * 30, b"1e400", b"null", b"\x00", "٣".encode()]


def mutated(content: bytes, cut: tuple[int, int], put: bytes) -> bytes:
    """The content with one piece of it replaced."""
    start = cut[0] % len(content)
    return content[:start] + put + content[start + cut[1] :]


@pytest.mark.slow
@settings(max_examples=settings().max_examples * 10)  # 2 ms each
@given(
    st.sampled_from([export[0].encode() for export in EXPORTS.values()]),
    st.tuples(st.integers(0, 5000), st.integers(0, 400)),
    st.one_of(st.binary(max_size=12), st.sampled_from(DISTURBING)),
)
def test_damaged_file_is_refused_or_still_a_whole_account(
    read: Read, content: bytes, cut: tuple[int, int], put: bytes
) -> None:
    try:
        frame = read(mutated(content, cut, put)).frame
    except BadPositionsFile:
        return
    pd.testing.assert_frame_equal(POSITIONS.conform(frame), frame)
    assert (frame["asset_type"] == "cash").sum() == 1


@pytest.mark.parametrize("content", [export[0] for export in EXPORTS.values()], ids=EXPORTS)
def test_quantity_is_never_what_is_left_of_a_longer_one(read: Read, content: str) -> None:
    """A file that was cut off anywhere is refused or tells no other quantities than the whole one."""
    whole = set(read(content).frame.query("asset_type != 'cash'")["quantity"])
    for end in range(0, len(content), 7):
        try:
            frame = read(content[:end]).frame
        except BadPositionsFile:
            continue
        assert set(frame.query("asset_type != 'cash'")["quantity"]) <= whole
