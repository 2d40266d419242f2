"""Text of numbers, dates and contracts in answers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date

OSI = re.compile(r".{6}(\d\d)(\d\d)(\d\d)([CP])(\d{8})")


def contract_name(symbol: str, expiration: date, strike: float, option_type: str, count: int = 1) -> str:
    """Name of a contract as brokers print it.

    >>> contract_name("U", date(2026, 12, 18), 27.5, "put", 2)
    'U 18 Dec 2026 27.5 puts'
    """
    return f"{symbol} {day(expiration)} {strike_text(strike)} {option_type}{'s' if count > 1 else ''}"


def contract_of(symbol: str, option_symbol: str) -> str:
    """Name of a contract by its OSI code; the text itself where it is not one.

    >>> contract_of("BRK.B", "BRKB  261218C00512500")
    'BRK.B 18 Dec 2026 512.5 call'
    """
    code = OSI.fullmatch(option_symbol)
    if not code:
        return option_symbol.strip()
    year, month, last_day, right, thousandths = code.groups()
    try:
        expiration = date(2000 + int(year), int(month), int(last_day))
    except ValueError:
        return option_symbol.strip()
    return contract_name(symbol, expiration, int(thousandths) / 1000, "call" if right == "C" else "put")


def day(when: date) -> str:
    """A date with the month in letters, so that day and month cannot be confused.

    >>> day(date(2026, 12, 4))
    '4 Dec 2026'
    """
    return f"{when.day} {when:%b} {when.year}"


def strike_text(strike: float) -> str:
    """A strike (dollars a share) without trailing zeros.

    >>> strike_text(28.0), strike_text(27.125)
    ('28', '27.125')
    """
    return unknown_or(strike, lambda number: f"{number:.3f}".rstrip("0").rstrip("."))


def price(dollars_a_share: float) -> str:
    """Dollars a share, to the cent."""
    return unknown_or(dollars_a_share, lambda number: f"{number:.2f}")


def dollars(amount: float) -> str:
    """An amount of money in dollars; cents only where they matter.

    >>> dollars(5600), dollars(108.7), dollars(-19.35), dollars(123456.7)
    ('$5,600', '$108.70', '-$19.35', '$123,457')
    """

    def text(number: float) -> str:
        """The amount with its sign before the dollar sign."""
        cents = 2 if abs(number) < 1000 and round(number, 2) % 1 else 0
        return f"{'-' if round(number, cents) < 0 else ''}${abs(number):,.{cents}f}"

    return unknown_or(amount, text)


def percent(share: float) -> str:
    """A decimal share in percent, with one digit below 10 %.

    >>> percent(0.283), percent(0.061), percent(float("nan"))
    ('28 %', '6.1 %', 'unknown')
    """
    return unknown_or(share, lambda number: f"{number * 100:.{0 if abs(number) >= 0.0995 else 1}f} %")


def ratio(number: float) -> str:
    """A plain number to two places."""
    return unknown_or(number, lambda value: f"{value:.2f}")


def count(number: float) -> str:
    """A whole number."""
    return unknown_or(number, lambda value: f"{value:,.0f}")


def unknown_or(number: float, text: Callable[[float], str]) -> str:
    """`text(number)`, or the word unknown for NaN."""
    return text(number) if math.isfinite(number) else "unknown"
