"""What the layouts of all brokers' exports have in common: rows by the letters of their headings, cells, times."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from wheel_assets.errors import BadSymbol
from wheel_assets.fetch.positions.spelling import day, number, spelt_contract
from wheel_assets.fetch.positions.text import Row
from wheel_assets.fetch.transactions.frame import Transaction
from wheel_assets.market.calendar import CLOSE, NEW_YORK
from wheel_assets.market.osi import OptionSymbol, parse_osi
from wheel_assets.settings import checked_symbol

# Ends of a contract that say how many, but in many exports not of which sign: they close what is held.
CLOSING = ("assignment", "exercise", "expiration")


@dataclass(frozen=True)
class Layout:
    """How a broker writes a transaction: the headings by which its export is recognised, and how a row is read.

    Headings are in lower case, with nothing but their letters. `read` returns None for a row that changes nothing,
    and raises ValueError or BadSymbol with what is wrong with it.
    """

    broker: str
    headings: frozenset[str]
    read: Callable[[Row], Transaction | None]
    account: Sequence[str] = ()  # headings of the account's number, the best first
    ends: str = field(default="date")  # heading whose cell is a date in every row that is no notice


def at_close(when: date) -> datetime:
    """16:00 in New York: the time of what only the day is known of."""
    return datetime.combine(when, CLOSE, NEW_YORK)


def required(row: Row, name: str) -> float:
    """The number in a cell; raises ValueError where there is none."""
    value = number(row.get(name))
    if value is None:
        raise ValueError(f"no {name}")
    return value


def total(row: Row, *names: str) -> float:
    """The sum of the numbers in some cells; an empty one counts nothing."""
    return sum(number(row.get(name)) or 0.0 for name in names)


def contract_of(text: str) -> OptionSymbol | None:
    """The option that a text names, None for the name of a share; raises BadSymbol where its parts fit no contract."""
    spelt = spelt_contract(text)
    return parse_osi(spelt.osi) if spelt else None


def names(symbol: str, underlying: str = "") -> tuple[str | None, str | None]:
    """Ticker and padded OSI code of what a row is about; both None where it is about cash.

    >>> names("XYZ 01/15/2027 95.00 P"), names("BRK/B"), names("")
    (('XYZ', 'XYZ   270115P00095000'), ('BRK.B', None), (None, None))
    """
    if contract := contract_of(symbol):
        first = symbol.strip().lstrip("-").split()[:1]
        return _ticker(underlying or (first[0] if "/" in first[0] else contract.underlying)), contract.osi
    return (_ticker(symbol) if symbol.strip() else None), None


def _ticker(text: str) -> str:
    """The ticker; what is none, such as a bond's number, stays as it is written."""
    spelt = re.sub(r"[ /]", ".", text.strip().upper().lstrip("$"))
    try:
        return checked_symbol(spelt)
    except BadSymbol:
        return text.strip().upper()[:30]


def day_of(text: str) -> datetime:
    """The close of a day; of `12/16/2026 as of 12/15/2026` the second, on which it happened."""
    return at_close(day(text.split(" as of ")[-1]))
