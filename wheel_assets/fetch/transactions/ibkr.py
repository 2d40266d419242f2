"""Interactive Brokers: the activity statement (CSV of many sections) and Flex queries (XML or CSV). All signed.

Of the sections Trades, Dividends, Withholding Tax, Fees, Interest, Deposits & Withdrawals and Corporate Actions
each is read; amounts in other currencies than dollars are left out, as everywhere here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from xml.etree import ElementTree

from wheel_assets.fetch.positions.spelling import RIGHTS, day, number
from wheel_assets.fetch.positions.text import Row, letters
from wheel_assets.fetch.transactions.frame import Transaction
from wheel_assets.fetch.transactions.layout import Layout, at_close, names, required, total
from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.market.osi import OptionSymbol, option_root

_CODES = {"A": "assignment", "Ex": "exercise", "Ep": "expiration", "GEA": "exercise"}
_SECTIONS = {
    **dict.fromkeys(("dividends", "paymentinlieuofdividends"), "dividend"),
    **dict.fromkeys(("withholdingtax", "fees", "otherfees", "commissionadjustments"), "fee"),
    **dict.fromkeys(("interest", "depositswithdrawals"), "other"),
}
_STOCKS, _OPTIONS = {"stocks", "stk"}, {"equityandindexoptions", "opt"}
_DETAILS = ("order", "trade", "execution")  # of a trade, in one file: the first that it has counts
_PAYER = re.compile(r"(?P<symbol>[A-Z][A-Z0-9. ]{0,9})\s*\(")
_FLEX_SECTIONS = {
    "Trades/Trade": "trades",
    "CashTransactions/CashTransaction": "cash",
    "CorporateActions/CorporateAction": "corporateactions",
}


def _read_statement(row: Row) -> Transaction | None:
    """A row of a section; what is no transaction (totals, other sections, other currencies) is None."""
    section = row.get("section")
    if section == "trades":
        return _trade(row, row.get("code"), total(row, "proceeds", "commfee"), -total(row, "commfee"))
    if not row.get("date") and not row.get("settledate") and not row.get("reportdate"):
        return None
    when = _when(row.get("date") or row.get("settledate") or row.get("datetime") or row.get("reportdate"))
    if section == "corporateactions":
        return _split(row, when)
    if section not in _SECTIONS or row.get("currency") != "USD":
        return None
    payer = _PAYER.match(row.get("description"))
    symbol = names(payer["symbol"])[0] if payer else None
    return Transaction(when, _SECTIONS[section], symbol, amount=required(row, "amount"))


def _read_flex(row: Row) -> Transaction | None:
    """A trade, payment or corporate action of a Flex query."""
    section = row.get("section") or "trades"
    if section == "trades":
        net = number(row.get("netcash"))
        amount = total(row, "proceeds", "ibcommission", "taxes") if net is None else net
        return _trade(row, row.get("notescodes") or row.get("notes"), amount, -total(row, "ibcommission", "taxes"))
    if row.get("currency") != "USD":
        return None
    when = _when(row.get("datetime") or row.get("reportdate"))
    if section == "corporateactions":
        return _split(row, when)
    kind = _SECTIONS.get(letters(row.get("type")), "other")
    return Transaction(when, kind, names(row.get("symbol"))[0], amount=required(row, "amount"))


def _trade(row: Row, codes: str, amount: float, fees: float) -> Transaction | None:
    category = letters(row.get("assetcategory") or row.get("assetclass"))
    if category not in _STOCKS | _OPTIONS or (row.get("currency") or row.get("currencyprimary")) != "USD":
        return None
    symbol, contract = names(row.get("symbol"), row.get("underlyingsymbol"))
    if category in _OPTIONS and contract is None:
        contract, symbol = _by_columns(row), names(row.get("underlyingsymbol"))[0]
    kind = next((_CODES[code] for code in re.split("[; ]+", codes) if code in _CODES), "trade")
    price = number(row.get("tprice") or row.get("tradeprice"))
    price = None if contract and kind != "trade" else price
    return Transaction(
        _when(row.get("datetime")), kind, symbol, contract, required(row, "quantity"), price, fees, amount
    )


def _by_columns(row: Row) -> str:
    """The contract by the columns of a Flex query; raises ValueError where they name none."""
    right, strike = row.get("putcall").upper(), number(row.get("strike"))
    if right not in RIGHTS or not strike:
        raise ValueError(f"{row.get('symbol')[:30]!r} is not an option symbol")
    root = option_root(row.get("underlyingsymbol").upper())
    return OptionSymbol(root, day(row.get("expiry")), RIGHTS[right], strike).osi


def _split(row: Row, when: datetime) -> Transaction | None:
    """Shares that a corporate action gave or took."""
    payer = _PAYER.match(row.get("description") or row.get("actiondescription"))
    symbol = row.get("symbol") or (payer["symbol"] if payer else "")
    quantity = number(row.get("quantity"))
    ticker, contract = names(symbol)
    return Transaction(when, "split", ticker, contract, quantity, amount=total(row, "proceeds")) if quantity else None


def _when(text: str) -> datetime:
    """`2026-04-21, 16:11:09`, `20260421;161109`, or a day alone; New York, where there is no offset."""
    parts = re.split(r"[,;T ]+", text.strip(), maxsplit=1)
    if len(parts) == 1 or not parts[1]:
        return at_close(day(parts[0]))
    clock = re.sub(r"\D", "", parts[1])[:6]
    if len(clock) < 4:
        raise ValueError(f"{text[:30]!r} is not a time")
    moment = datetime.combine(day(parts[0]), datetime.strptime(clock.ljust(6, "0"), "%H%M%S").time())
    return moment.replace(tzinfo=NEW_YORK)


def statement_rows(records: list[tuple[int, list[str]]]) -> list[Row]:
    """The rows of an activity statement, each under the heading of its section; one detail of each trade."""
    headers: dict[str, list[str]] = {}
    rows: list[Row] = []
    for place, cells in records:
        section, role = letters(cells[0]) if cells else "", cells[1].strip() if len(cells) > 1 else ""
        if role == "Header":
            headers[section] = [letters(cell) for cell in cells[2:]]
        elif role == "Data" and section in headers:
            fields = dict(zip(headers[section], cells[2:], strict=False))
            rows.append(Row(place, {"section": section, **fields}))
    return one_detail(rows, "datadiscriminator")


def flex_rows(root: ElementTree.Element) -> list[Row]:
    """The transactions of a Flex query in XML."""
    return one_detail([Row(place, fields) for place, fields in enumerate(_flex_fields(root), 1)], "levelofdetail")


def one_detail(rows: list[Row], heading: str) -> list[Row]:
    """The rows with each trade once, where a file lists it as an order and as its executions too."""
    found = {row.get(heading).lower() for row in rows if row.get("section") in ("", "trades")}
    wanted = next((detail for detail in _DETAILS if detail in found), None)
    summed = {"summary"} if any(row.get(heading).lower() == "detail" for row in rows) else set()
    return [
        row
        for row in rows
        if (row.get("section") not in ("", "trades") and row.get(heading).lower() not in summed)
        or wanted is None
        or row.get(heading).lower() == wanted
    ]


def _flex_fields(root: ElementTree.Element) -> Iterator[dict[str, str]]:
    for statement in root.iter("FlexStatement"):
        for path, section in _FLEX_SECTIONS.items():
            for element in statement.iterfind(path):
                fields = {letters(name): value for name, value in element.items()}
                yield {"account": statement.get("accountId", ""), "section": section, **fields}


STATEMENT = Layout("ibkr", frozenset(("section",)), _read_statement, ends="section")
FLEX = Layout("ibkr", frozenset(("datetime", "quantity", "tradeprice")), _read_flex, ("clientaccountid",), "datetime")
