"""What an answer says, read a second time: value by value, in plain Python, from the specifications alone.

It shares no code with the parsers and knows none of their shortcuts. It does not say which answers are
to be refused, only what stands in one that is not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_CODE = re.compile(r"([A-Z0-9]{1,6}) *(\d\d)(\d\d)(\d\d)([CP])(\d{8})", re.ASCII)
_NEW_YORK = ZoneInfo("America/New_York")
_SCHWAB_COUNTS = {
    **{"bid_size": "bidSize", "ask_size": "askSize", "volume": "totalVolume"},
    "open_interest": "openInterest",
}
TODAY = date(2026, 11, 20)  # the day of asking in these tests, before its close

Row = dict[str, Any]


def number(value: Any) -> float | None:
    """A finite number that is not the vendors' -999; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    try:
        found = float(value)
    except (OverflowError, ValueError):
        return None
    return found if math.isfinite(found) and found != -999.0 else None


def price(value: Any) -> float | None:
    found = number(value)
    return None if found is None or found < 0 else found


def count(value: Any) -> int | None:
    found = price(value)
    return int(found) if found is not None and found == int(found) and found <= 2**53 else None


def contract(code: Any) -> Row | None:
    """The terms of a standard contract of XYZ that has not expired; None for any other code."""
    match = _CODE.fullmatch(code.strip().upper()) if isinstance(code, str) else None
    if not match or match[1] != "XYZ" or int(match[6]) == 0:
        return None
    try:
        expiration = date(2000 + int(match[2]), int(match[3]), int(match[4]))
    except ValueError:
        return None
    if expiration < TODAY:
        return None
    terms = f"XYZ   {match[2]}{match[3]}{match[4]}{match[5]}{match[6]}"
    right = {"P": "put", "C": "call"}[match[5]]
    return {"option_symbol": terms, "expiration": expiration, "option_type": right, "strike": int(match[6]) / 1000}


def volatility(decimal: float | None) -> float | None:
    return decimal if decimal is not None and 0 < decimal <= 5 else None


def _first_of_each(rows: Iterator[Row]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in rows:
        found.setdefault(row["option_symbol"], row)
    return found


def first_price(*candidates: Any) -> float | None:
    return next((found for found in map(price, candidates) if found), None)


def cboe(document: Any) -> dict[str, Row]:
    """The contracts of a document of Cboe, by code."""
    data = document["data"]
    sides = price(data.get("bid")), price(data.get("ask"))
    mid = None if None in sides else (sides[0] + sides[1]) / 2
    spot = {"spot_price": first_price(data.get("current_price"), data.get("close"), mid)}
    return _first_of_each(row | spot for row in _cboe_rows(document))


def _cboe_rows(document: Any) -> Iterator[Row]:
    for sent in document["data"]["options"]:
        terms = contract(sent.get("option")) if isinstance(sent, dict) else None
        if terms:
            names = {"bid": "bid", "ask": "ask", "last": "last_trade_price"}
            prices = {ours: price(sent.get(theirs)) for ours, theirs in names.items()}
            sizes = {name: count(sent.get(name)) for name in ("bid_size", "ask_size", "volume", "open_interest")}
            iv = volatility(price(sent.get("iv")))
            yield {**terms, **prices, **sizes, "last": prices["last"] or None, "iv": iv, "multiplier": 100}


def schwab_chains(document: Any) -> dict[str, Row]:
    """The contracts of a document of Schwab, by code: those that it does not call adjusted."""
    share = document.get("underlying")
    fallback = [share.get(name) for name in ("mark", "last", "close")] if isinstance(share, dict) else []
    spot = {"spot_price": first_price(document.get("underlyingPrice"), *fallback)}
    return _first_of_each(row | spot for row in _schwab_rows(document))


def _schwab_rows(document: Any) -> Iterator[Row]:
    for sent in _objects([document["putExpDateMap"], document["callExpDateMap"]], depth=3):
        terms = contract(sent.get("symbol"))
        if terms and sent.get("nonStandard") is not True and sent.get("mini") is not True:
            prices = {name: price(sent.get(name)) for name in ("bid", "ask", "last")}
            sizes = {ours: count(sent.get(theirs)) for ours, theirs in _SCHWAB_COUNTS.items()}
            percent = number(sent.get("volatility"))
            iv = volatility(None if percent is None else percent / 100)
            multiplier = count(sent.get("multiplier")) or 100
            yield {**terms, **prices, **sizes, "last": prices["last"] or None, "iv": iv, "multiplier": multiplier}


def _objects(container: Any, depth: int) -> Iterator[dict[str, Any]]:
    """The objects so many containers down."""
    inner = container.values() if isinstance(container, dict) else container if isinstance(container, list) else ()
    for each in inner:
        if depth:
            yield from _objects(each, depth - 1)
        elif isinstance(each, dict):
            yield each


def cboe_history(document: Any) -> dict[date, Row]:
    """The bars of a history of Cboe, by day."""
    return _bars(document["data"], lambda bar: _day(bar.get("date")))


def schwab_history(document: Any) -> dict[date, Row]:
    """The bars of a history of Schwab, by day."""
    return _bars(document["candles"], lambda bar: _day_of_moment(bar.get("datetime")))


def _bars(sent: Any, day_of: Any) -> dict[date, Row]:
    """By day, the last that was sent; a weekday before today, within a year, with a close."""
    found: dict[date, Row] = {}
    for bar in (bar for bar in sent if isinstance(bar, dict)):
        day, close = day_of(bar), price(bar.get("close"))
        if day and close and day.weekday() < 5 and 0 < (TODAY - day).days <= 367:
            prices = {name: price(bar.get(name)) or None for name in ("open", "high", "low", "close")}
            found[day] = {**prices, "volume": count(bar.get("volume"))}
    return found


def _day(text: Any) -> date | None:
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text, re.ASCII) if isinstance(text, str) else None
    try:
        return date(*map(int, match.groups())) if match else None
    except ValueError:
        return None


def _day_of_moment(milliseconds: Any) -> date | None:
    found = number(milliseconds)
    if found is None or not 0 <= found / 1000 <= 4_102_444_800:
        return None
    return datetime.fromtimestamp(found / 1000 + 6 * 3600, _NEW_YORK).date()


def schwab_account(document: Any) -> list[Row]:
    """The holdings of the one account of Schwab, with signed quantities, in the order sent."""
    rows = []
    for sent in document[0]["securitiesAccount"].get("positions") or []:
        quantity = _plain(sent.get("longQuantity")), _plain(sent.get("shortQuantity"))
        if quantity[0] != quantity[1] and sent["instrument"].get("assetType") != "CASH_EQUIVALENT":
            average, value = _plain(sent.get("averagePrice")), _plain(sent.get("marketValue"))
            rows.append({"quantity": quantity[0] - quantity[1], "average_price": average, "market_value": value})
    return rows


def _plain(value: Any) -> float | None:
    """A dollar amount or a quantity: -999 is one."""
    return -999.0 if value in (-999, "-999.0") and not isinstance(value, bool) else number(value)


def fred(document: Any) -> float:
    """The newest value of the last week, continuously compounded."""
    sent = [row for row in document["observations"] if isinstance(row, dict)]
    days = [(_day(row.get("date")), number(row.get("value"))) for row in sent]
    day, percent = max((day, value) for day, value in days if day and value is not None and day <= TODAY)
    assert (TODAY - day).days <= 7
    return 4 * math.log(1 + percent / 400)
