"""From bytes to rows: encodings, delimiters, headers, preambles, JSON, Flex XML."""

from __future__ import annotations

import json

import pytest

from wheel_assets.fetch.positions.text import field_name, read_sheet

CSV = "Symbol,Qty (Quantity),Description\nU,300,Café Unity\n"


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Qty (Quantity)", "quantity"),
        ("Mkt Val (Market Value)", "market_value"),
        ("Cost Basis Total", "cost"),
        ("Average Cost Basis", "average_price"),
        ("costBasisPrice", "average_price"),
        ("Security Type", "asset_type"),
        ("Put/Call", "option_type"),
        ("Expiration Date", "expiration"),
        ("Price Chng $ (Price Change $)", ""),
        ("Type", ""),
    ],
)
def test_headings_of_the_brokers(heading: str, name: str) -> None:
    assert field_name(heading) == name


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le"])
def test_encodings(encoding: str) -> None:
    mark = "\ufeff" if encoding == "utf-16-le" else ""
    (row,) = read_sheet((mark + CSV).encode(encoding)).rows
    assert (row.get("symbol"), row.get("quantity")) == ("U", "300")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_endings(delimiter: str, ending: str) -> None:
    text = CSV.replace(",", delimiter).replace("\n", ending)
    (row,) = read_sheet(text.encode()).rows
    assert (row.number, row.get("symbol"), row.get("quantity")) == (2, "U", "300")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"  \n \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"PK\x03\x04\x14\x00\x00\x00", "not text"),
        (bytes(range(256)), "not text|decode"),
        (b"\xff\xfea", "not text|decode"),
        (b"a,b\n1,2\n", r"begins: a,b; 1,2"),
        (b'Symbol,Quantity\n"U,300\n', "line 2: unexpected end of data"),
        (b"Z12345678,XYZ,300\n", r"begins: Z\*\*\*\*\*678,XYZ"),
        (b"Symbol,Quantity,Value\nU,3", "last line, 2, is cut off"),
        (b"U,Unity,300\nSymbol,Quantity\nF,100\n", "line 1 stands before"),
        (b'Symbol,Quantity\n"U\n300\nF",1\n', "line break inside a cell"),
        (b"Run Date,Action,Symbol,Quantity\n11/20/2026,SOLD,U,1\n", "transactions, not positions"),
        (b"[1, 2]", "list of objects"),
        (b'{"positions": 3}', "list of objects"),
        (b"[" * 100_000, "nested too deeply"),
        (b'[{"symbol": "U"', "delimiter"),
        (b"<html><!DOCTYPE html></html>", "web page"),
        (b"<html></html>", "no FlexStatement"),
        (b"<FlexQueryResponse><FlexStatements>", "XML is damaged"),
    ],
)
def test_what_cannot_be_read_says_why(content: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_sheet(content)


def test_entities_that_would_grow_are_not_expanded() -> None:
    with pytest.raises(ValueError, match="defines entities"):
        read_sheet(b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>')


def test_error_of_the_flex_service_is_passed_on() -> None:
    status = "<Status>Fail</Status><ErrorCode>1012</ErrorCode><ErrorMessage>Token has expired.</ErrorMessage>"
    answer = f"<FlexStatementResponse>{status}</FlexStatementResponse>"
    with pytest.raises(ValueError, match="answered 1012: Token has expired"):
        read_sheet(answer.encode())


def test_title_names_account_and_time() -> None:
    title = '"Positions for account Individual ...123 as of 12:33 PM ET, 2026/11/20"\n\n'
    sheet = read_sheet((title + CSV).encode())
    assert sheet.as_of == ["12:33 PM ET, 2026/11/20"]
    assert [row.get("account") for row in sheet.rows] == ["...123"]


def test_blocks_of_several_accounts_keep_theirs() -> None:
    text = f'"Individual ...123"\n{CSV}\n"Roth IRA ...456"\n{CSV.replace("U,", "F,")}'
    found = [(row.get("account"), row.get("symbol")) for row in read_sheet(text.encode()).rows]
    assert found == [("...123", "U"), ("...456", "F")]


def test_later_header_with_another_order_of_columns() -> None:
    sheet = read_sheet(b"Symbol,Quantity\nU,300\nQuantity,Symbol\n100,F\n")
    assert [(row.get("symbol"), row.get("quantity")) for row in sheet.rows] == [("U", "300"), ("F", "100")]


def test_notices_below_the_rows_are_counted_and_cut_rows_are_not_notices() -> None:
    notice = '"The data and information in this spreadsheet is provided to you solely for your use"\n'
    sheet = read_sheet(f"{CSV}\n{notice}{notice}U 12/18/20\nDate downloaded Nov-20-2026 4:15 p.m ET".encode())
    assert sheet.notices == 2
    assert sheet.as_of == ["Nov-20-2026 4:15 p.m ET"]
    assert [row.get("symbol") for row in sheet.rows] == ["U", "U 12/18/20"]


def test_first_filled_of_two_columns_that_mean_the_same() -> None:
    (row,) = read_sheet(b"Symbol,Qty,Shares\nU,,300\n").rows
    assert row.get("quantity") == "300"


def test_row_text_shows_no_account_number_and_nothing_unprintable() -> None:
    document = [{"account_id": "987654321", "symbol": "U\u001b[31m\ud800", "quantity": 3}]
    (row,) = read_sheet(json.dumps(document).encode()).rows
    assert row.text == "U?[31m? 3"


def test_json_document_with_fields_for_all_holdings() -> None:
    document = {
        "account_id": "777",
        "as_of": "2026-11-20",
        "cash": 5000.5,
        "positions": [{"symbol": "U", "quantity": 300, "avg_price": None}],
    }
    sheet = read_sheet(json.dumps(document).encode())
    assert sheet.as_of == ["2026-11-20"]
    found = [(row.get("account"), row.get("symbol"), row.get("cash")) for row in sheet.rows]
    assert found == [("777", "U", ""), ("777", "", "5000.5")]
