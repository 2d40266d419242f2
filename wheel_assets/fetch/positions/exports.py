"""What brokers put into a row of an export: holdings, cash, totals, and options written in many ways."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import NamedTuple

from wheel_assets.errors import BadSymbol
from wheel_assets.fetch.positions.consistency import check_amounts
from wheel_assets.fetch.positions.spelling import NOTHING, RIGHTS, day, number, spelt_contract
from wheel_assets.fetch.positions.text import Row
from wheel_assets.market.osi import OptionSymbol, option_root, parse_osi
from wheel_assets.settings import checked_symbol

_TOTAL = re.compile(r"(account|positions|grand|sub)?[ -]*total\b|pending activity", re.IGNORECASE)
CASH_SYMBOLS = {"CASH", "USD", "CASH & CASH INVESTMENTS", "CASH AND CASH INVESTMENTS"}
_KINDS = {
    **dict.fromkeys(("stock", "stk", "equity", "etf", "etfs & closed end funds", "adr"), "stock"),
    **dict.fromkeys(("option", "options", "opt"), "option"),
    **dict.fromkeys(("cash", "cash and money market", "cash & money market", "money market"), "cash"),
    **dict.fromkeys(("mutual fund", "fund", "fixed income", "bond", "bill", "cusip"), "fund"),
}
_CUSIP = re.compile(r"[0-9A-Z]{8}\d", re.ASCII)
_FUND = re.compile(r"[0-9A-Z][0-9A-Z ./&-]{0,29}", re.ASCII)


@dataclass(frozen=True)
class Holding:
    """One holding of an account; units and signs as in `tables.POSITIONS`, `note` what is unusual about it.

    Cash has its currency as symbol, and its amount as quantity and as market value.
    """

    row: Row
    asset_type: str
    symbol: str
    quantity: float
    multiplier: int = 1
    contract: OptionSymbol | None = None
    underlying: str | None = None
    average_price: float | None = None
    market_value: float | None = None
    note: str = ""


class _Amounts(NamedTuple):
    quantity: float
    average_price: float | None
    market_value: float | None


def holding_of(row: Row) -> Holding | None:
    """What a row holds, None for totals, lots and closed positions; raises ValueError with what is wrong with it."""
    symbol = row.get("symbol").upper()
    if _TOTAL.match(symbol) or _TOTAL.match(row.get("account")):
        return None
    kind = _kind(row)
    if _is_cash(row, symbol, kind):
        return _cash(row)
    if row.get("cash"):
        raise ValueError("cash belongs in a row of its own")
    if row.get("detail").upper() not in ("", "SUMMARY"):
        return None
    quantity = _required(row, "quantity")
    if quantity == 0:
        return None
    contract = _contract(row)
    if kind and (kind == "option") != (contract is not None):
        found = "not an" if contract is None else "an"
        raise ValueError(f"{symbol[:30]!r} is {found} option, its asset type says otherwise")
    return _in_dollars(_shares(row, quantity, kind) if contract is None else _option(row, quantity, contract))


def _kind(row: Row) -> str:
    kind = row.get("asset_type").lower()
    if kind in NOTHING:
        return ""
    if kind not in _KINDS:
        raise ValueError(f"asset type {kind[:30]!r} is not understood")
    return _KINDS[kind]


def _is_cash(row: Row, symbol: str, kind: str) -> bool:
    """Sweep funds carry two asterisks at Fidelity; a stock with the ticker CASH exists, too."""
    if not symbol:
        return kind == "cash" or bool(row.get("cash"))
    return kind == "cash" or symbol.endswith("**") or (not kind and symbol in CASH_SYMBOLS)


def _cash(row: Row) -> Holding:
    amounts = [number(row.get(name)) for name in ("cash", "market_value", "quantity")]
    amount = next((amount for amount in amounts if amount is not None), None)
    if amount is None:
        raise ValueError("cash without an amount")
    return Holding(row, "cash", _currency(row), amount, market_value=amount)


def _shares(row: Row, quantity: float, kind: str) -> Holding:
    """Shares by their ticker; funds and bonds are kept for their value only."""
    text = row.get("symbol").upper()
    try:
        symbol, note = _ticker(text), ""
    except BadSymbol:
        if not (_FUND if kind == "fund" else _CUSIP).fullmatch(text):
            raise ValueError(f"{text[:30]!r} is neither a ticker nor an option symbol") from None
        symbol, note = text, f"{text} is not a share; it counts by its value only"
    if _multiplier(row, 1) != 1:
        raise ValueError("shares have no multiplier")
    if not note and kind != "fund":  # bonds are quoted for 100 dollars of their face value
        check_amounts(row, quantity, 1, is_share=True)
    return Holding(row, "stock", symbol, note=note, **_amounts(row, quantity, 1)._asdict())


def _option(row: Row, quantity: float, contract: OptionSymbol) -> Holding:
    if quantity != int(quantity):
        raise ValueError(f"{quantity:g} is not a whole number of contracts")
    multiplier = _multiplier(row, 100)
    check_amounts(row, quantity, multiplier, is_share=False)
    return Holding(
        row,
        "option",
        contract.osi,
        multiplier=multiplier,
        contract=contract,
        underlying=_underlying(row, contract),
        note=contract.deliverable_note,
        **_amounts(row, quantity, multiplier)._asdict(),
    )


def _amounts(row: Row, quantity: float, multiplier: int) -> _Amounts:
    """Quantity; price paid or received a share, from the cost where there is none; value with the quantity's sign."""
    average, cost, value = (number(row.get(name)) for name in ("average_price", "cost", "market_value"))
    if average is None and cost is not None:
        average = cost / (quantity * multiplier)
    average = None if average is None else abs(average)
    return _Amounts(quantity, average, None if value is None else abs(value) * (1 if quantity > 0 else -1))


def _in_dollars(holding: Holding) -> Holding:
    """Prices in another currency are left out: they are no dollars, and there is no exchange rate here."""
    currency = _currency(holding.row)
    if currency == "USD":
        return holding
    note = f"{holding.symbol} is in {currency}: its price and value are left out"
    return replace(holding, average_price=None, market_value=None, note=note)


def _currency(row: Row) -> str:
    currency = row.get("currency").upper() or "USD"
    if currency != "BASE_SUMMARY" and not re.fullmatch("[A-Z]{3}", currency):
        raise ValueError(f"{currency[:30]!r} is not a currency")
    return currency


def _ticker(text: str) -> str:
    """Brokers write the class of a share as `BRK/B` or `BRK B`, an index as `$SPX`."""
    return checked_symbol(re.sub(r"[ /]", ".", text.lstrip("$")))


def _underlying(row: Row, contract: OptionSymbol) -> str:
    """The underlying's ticker: as named, else as the symbol begins (`BRK/B 01/15/2027 ...`), else by the root."""
    named = row.get("underlying")
    first = row.get("symbol").upper().split()[:1]
    if not named and first and first[0] != contract.root == option_root(first[0]):
        named = first[0]
    try:
        return _ticker(named) if named else contract.underlying
    except BadSymbol as error:
        raise ValueError(error.what) from error


def _contract(row: Row) -> OptionSymbol | None:
    """The option a row is about, by its symbol or by separate columns; both have to say the same."""
    spelt = spelt_contract(row.get("symbol"))
    root = spelt.root if spelt else option_root((row.get("symbol") or row.get("underlying")).upper())
    named = _named_contract(row, root)
    try:
        codes = [contract.osi for contract in (spelt, named) if contract]
    except BadSymbol as error:
        raise ValueError(error.what) from error
    if len(set(codes)) > 1:
        raise ValueError(f"its symbol says {codes[0]}, its columns say {codes[1]}")
    return parse_osi(codes[0]) if codes else None


def _named_contract(row: Row, root: str) -> OptionSymbol | None:
    """From the columns expiration, strike and put or call."""
    expiration, strike, right = (row.get(name).upper() for name in ("expiration", "strike", "option_type"))
    given = [text for text in (expiration, strike, right) if text.lower() not in NOTHING]
    if not given:
        return None
    if len(given) < 3 or right not in RIGHTS:
        raise ValueError("an option needs an expiration, a strike, and P or C")
    return OptionSymbol(root, day(expiration), RIGHTS[right], number(strike) or 0)


def _required(row: Row, name: str) -> float:
    value = number(row.get(name))
    if value is None:
        raise ValueError(f"no {name}")
    return value


def _multiplier(row: Row, usual: int) -> int:
    value = number(row.get("multiplier"))
    if value is not None and (value != int(value) or not 1 <= value <= 10_000):
        raise ValueError(f"multiplier {value:g} is not a number of shares")
    return usual if value is None else int(value)
