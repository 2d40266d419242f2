"""From the bytes of a positions file to named fields: encodings, CSV, JSON, Flex XML.

Whatever is wrong is raised as a ValueError with the reason; `positions_file` knows the name of the
file and makes the one error of it that the user sees.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

# What brokers call a field, in lower case and without anything but letters; the first is our own name.
ALIASES = {
    "account": ("accountid", "accountnumber", "clientaccountid", "account"),
    "symbol": ("symbol", "ticker"),
    "asset_type": ("assettype", "securitytype", "assetcategory", "assetclass"),
    "quantity": ("quantity", "qty", "position", "shares", "contracts"),
    "average_price": ("avgprice", "averageprice", "averagecostbasis", "costbasisprice", "costshare", "costpershare"),
    "cost": ("cost", "costbasis", "costbasistotal", "costbasismoney"),
    "price": ("price", "lastprice", "markprice"),
    "market_value": ("marketvalue", "value", "mktval", "currentvalue", "positionvalue"),
    "multiplier": ("multiplier",),
    "underlying": ("underlying", "underlyingsymbol"),
    "expiration": ("expiration", "expirationdate", "expiry"),
    "strike": ("strike", "strikeprice"),
    "option_type": ("putcall", "optiontype"),
    "as_of": ("asof", "reportdate"),
    "cash": ("cash", "endingcash"),
    "currency": ("currency", "currencyprimary"),
    "detail": ("levelofdetail",),
}
_FIELDS = {alias: name for name, aliases in ALIASES.items() for alias in aliases}

# Columns that only lists of transactions have: adding those up as holdings would be a grave mistake.
_TRANSACTIONS = {"action", "rundate", "tradedate", "tradeid", "buysell"}

# Running text below the rows has words; a holding that was cut off has not.
_NOTICE = re.compile(r"(?:[A-Za-z]{2,}\W+){3,}[A-Za-z]{2,}")
_AS_OF = re.compile(r"(?:\bas of|^date downloaded)\s+(?P<time>.*\d.*)$", re.IGNORECASE)
_ACCOUNT_TITLE = re.compile(r"(?:\.{3}|…|X{2,}-?)(?P<digits>\d{2,4})\b", re.ASCII)


@dataclass(frozen=True)
class Row:
    """One row of a file: `number` as an editor counts its lines, JSON and XML its elements from 1."""

    number: int
    fields: dict[str, str]

    def get(self, name: str) -> str:
        """The field without surrounding spaces; empty where the file has none."""
        return self.fields.get(name, "").strip()

    @property
    def text(self) -> str:
        """The row as its owner knows it, without the account's number."""
        values = " ".join(value for name, value in self.fields.items() if name != "account" and value.strip())
        return "".join(letter if letter.isprintable() else "?" for letter in values[:60])


@dataclass
class Sheet:
    """A file's rows, the as-of times that it states outside of them, and how many lines were mere text."""

    rows: list[Row] = field(default_factory=list)
    as_of: list[str] = field(default_factory=list)
    notices: int = 0


def read_sheet(content: bytes) -> Sheet:
    """Find out the encoding and the format, and read them; raises ValueError with the reason."""
    text = decoded(content)
    if not text.strip():
        raise ValueError("it is empty")
    if text.lstrip()[0] in "[{":
        return _json_sheet(text)
    return _flex_sheet(text) if text.lstrip().startswith("<") else _csv_sheet(text)


@lru_cache(maxsize=1024)
def field_name(heading: str) -> str:
    """Our name of a column; empty for one that is not needed.

    >>> field_name("Qty (Quantity)"), field_name("Average Cost Basis"), field_name("Ratings")
    ('quantity', 'average_price', '')
    """
    return _FIELDS.get(letters(heading), "")


def letters(heading: str) -> str:
    """A heading in lower case, with nothing but its letters, brackets left out.

    >>> letters("Fees & Comm"), letters("Price ($)")
    ('feescomm', 'price')
    """
    return re.sub(r"\(.*?\)|[^a-z]", "", heading.lower())


def decoded(content: bytes) -> str:
    """Text by its byte order mark, else UTF-8, else the Windows code page of older exports."""
    text = content.decode(_encoding(content))
    if re.search(r"[\x00-\x08\x0e-\x1f]", text):
        raise ValueError("it is not text")
    return text


def _encoding(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _csv_sheet(text: str) -> Sheet:
    """The delimiter is the first one with which there is a header; files can hold several headers."""
    for delimiter in ",;\t|":
        records = csv_records(text, delimiter)
        if any(_is_header(cells) for _, cells in records):
            return _sheet_of(records, cut_off=not text.endswith(("\n", "\r")))
    csv_records(text, ",", strict=True)
    starts = re.sub(r"\d(?=\d{3})", "*", "; ".join(line[:30] for line in text.splitlines()[:5]))
    raise ValueError(f"no row of it names a symbol and a quantity, it begins: {starts}")


def csv_records(text: str, delimiter: str, strict: bool = False) -> list[tuple[int, list[str]]]:
    """Line numbers and cells; nothing where the quotes do not match, unless `strict` wants that raised."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        if strict:
            raise ValueError(f"line {reader.line_num}: {error}") from error
        return []


def _is_header(cells: list[str]) -> bool:
    names = {field_name(cell) for cell in cells}
    return {"symbol", "quantity"} <= names or {"currency", "cash"} <= names


def _sheet_of(records: list[tuple[int, list[str]]], cut_off: bool) -> Sheet:
    """Rows under their headers; account titles and as-of times stand in lines of their own."""
    sheet, header, account = Sheet(), [], ""
    for number, cells in records:
        filled = [cell.strip() for cell in cells if cell.strip()]
        if _is_header(cells):
            header = _header(cells)
        elif title := _title(filled, cells, bool(header)):
            account = _from_title(sheet, title, account)
        elif filled:
            is_last = number == records[-1][0]
            _refuse_damage(number, cells, header, cut_off and is_last)
            sheet.rows.append(Row(number, {"account": account} | _named(zip(header, cells, strict=False))))
    return sheet


def _header(cells: list[str]) -> list[str]:
    if transactions := _TRANSACTIONS & {letters(cell) for cell in cells}:
        raise ValueError(f"it lists transactions, not positions: it has a column {min(transactions)!r}")
    return [field_name(cell) for cell in cells]


def _title(filled: list[str], cells: list[str], below_header: bool) -> str:
    """The text of a line that is no row: a title, a preamble, a notice; else empty."""
    if not filled or (below_header and (len(filled) > 1 or not cells[0].strip())) or len(filled) > 2:
        return ""
    text = ", ".join(filled)
    is_text = _NOTICE.search(text) or _AS_OF.search(text) or _ACCOUNT_TITLE.search(text)
    return text if is_text or not below_header else ""


def _from_title(sheet: Sheet, title: str, account: str) -> str:
    """Take note of the as-of time in a title; returns the account that the next rows belong to."""
    stated, owner = _AS_OF.search(title), _ACCOUNT_TITLE.search(title)
    if stated:
        sheet.as_of.append(stated["time"])
    sheet.notices += not stated and not owner
    return f"...{owner['digits']}" if owner else account


def _refuse_damage(number: int, cells: list[str], header: list[str], may_be_cut: bool) -> None:
    """A quantity of 300 that lost its last digits still looks like a number."""
    if not header:
        raise ValueError(f"line {number} stands before the row that names the columns")
    if any("\n" in cell or "\r" in cell for cell in cells):
        raise ValueError(f"line {number} has a line break inside a cell: a quote is missing")
    if may_be_cut and len(cells) < len(header):
        raise ValueError(f"its last line, {number}, is cut off")


def _named(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Fields by name; where two columns mean the same, the first that is not empty counts."""
    named: dict[str, str] = {}
    for name, value in pairs:
        if name and not named.get(name, "").strip():
            named[name] = value
    return named


def _json_sheet(text: str) -> Sheet:
    """A list of holdings, or an object with `positions` and, for all of them, `account_id`, `as_of`, `cash`."""
    try:
        document = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    whole = document if isinstance(document, dict) else {"positions": document}
    items = whole.get("positions")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError("`positions` has to be a list of objects, one a holding")
    shared = _named((field_name(name), _text(value)) for name, value in whole.items())
    cash = [Row(0, shared)] if shared.get("cash") else []
    account = {"account": shared.get("account", "")}
    rows = [Row(number, account | _from_json(item)) for number, item in enumerate(items, start=1)]
    return Sheet(rows + cash, [shared["as_of"]] if shared.get("as_of") else [])


def _from_json(item: dict[str, Any]) -> dict[str, str]:
    return _named((field_name(name), _text(value)) for name, value in item.items())


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _flex_sheet(text: str) -> Sheet:
    """Open positions and cash of an Interactive Brokers Flex statement."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("it is a web page or defines entities, not a Flex statement")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"its XML is damaged: {error}") from error
    if code := root.findtext("ErrorCode"):
        raise ValueError(f"Interactive Brokers answered {code}: {root.findtext('ErrorMessage')}")
    if root.find(".//FlexStatement") is None:
        raise ValueError("its XML holds no FlexStatement")
    return Sheet([Row(number, fields) for number, fields in enumerate(_flex_fields(root), start=1)])


def _flex_fields(root: ElementTree.Element) -> Iterator[dict[str, str]]:
    for statement in root.iter("FlexStatement"):
        account = {"account": statement.get("accountId", "")}
        for path in ("OpenPositions/OpenPosition", "CashReport/CashReportCurrency"):
            for element in statement.iterfind(path):
                yield account | _named((field_name(name), value) for name, value in element.items())
