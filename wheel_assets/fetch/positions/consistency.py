"""Whether what a row says of a holding agrees with itself: the style of its numbers, its sign, its size.

A slip in such a file is not seen in a single number: a minus that was lost, a zero too many, a decimal comma
are each a good number. It is seen where two of them contradict each other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from wheel_assets.fetch.positions.spelling import number
from wheel_assets.fetch.positions.text import Row

_PRICES = ("average_price", "price")
_MONEY = ("cost", "market_value", "cash")
_NUMBERS = ("quantity", *_PRICES, *_MONEY, "strike", "multiplier")
_DECORATION = re.compile(r"[-+$()%\s]")
# Without doubt: a decimal that groups of thousands stand before, that has another length than three, or a second group.
_AMERICAN = re.compile(r"\d{1,3}(?:,\d{3})+\.\d*|\d*\.(?:\d{1,2}|\d{4,})|\d{1,3}(?:,\d{3}){2,}", re.ASCII)
_EUROPEAN = re.compile(r"\d{1,3}(?:\.\d{3})+,\d*|\d*,(?:\d{1,2}|\d{4,})|\d{1,3}(?:\.\d{3}){2,}", re.ASCII)
_POINT = re.compile(r"\d{1,3}\.\d{3}", re.ASCII)
_COMMA = re.compile(r"\d{1,3},\d{3}", re.ASCII)
_SWAPPED = str.maketrans(",.", ".,")

_TOLERANCE = 0.05  # of the larger: brokers round prices, and take price and value at different moments
_CENT = 0.0051  # dollars a share that rounding a price to cents may hide
_DIGIT = 0.01  # how close to 10, 100, 1/10 ... a ratio has to be to look like a slip of a digit
_LEAST_LEFT, _MOST_GAINED = 1 / 200, 10_000  # of what shares cost
_NEAR = 5  # times: prices that are as close support each other


def in_one_style(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows with every number as Americans write it, where the file as a whole leaves no doubt of its style.

    Raises ValueError for a file in two styles, and for a number such as `3.000` that nothing in it explains.
    """
    american, european = (next(_written(rows, style), None) for style in (_AMERICAN, _EUROPEAN))
    if american and european:
        which = " and ".join(f"{text!r} in row {row.number}" for row, text in (american, european))
        raise ValueError(f"its numbers are written in two styles: {which}")
    if european:
        return [replace(row, fields={name: _swapped(name, text) for name, text in row.fields.items()}) for row in rows]
    doubtful = None if american else next(_written(rows, _POINT, ("quantity", *_MONEY)), None)
    if doubtful:
        row, text = doubtful
        raise ValueError(f"row {row.number}: {_either(text)}")
    return rows


def check_amounts(row: Row, quantity: float, multiplier: int, *, is_share: bool) -> None:
    """Raise ValueError where quantity, price, cost and value of a holding contradict each other.

    `is_share` says that a price is one of shares, which does not move by powers of ten.
    """
    average, price, cost, value = (number(row.get(name)) for name in ("average_price", "price", "cost", "market_value"))
    for name, amount in (("value", value), ("cost", cost), ("average price", average)):
        if quantity > 0 and amount is not None and amount < 0:
            raise ValueError(f"quantity {quantity:g} is long, a {name} of {amount:,.2f} is that of a short position")
    size = abs(quantity) * multiplier
    _agree(size, price, value, "value")
    _agree(size, average, cost, "cost")
    if is_share and price is None and value and average:
        _plausible(size, average, abs(value))
    supported = _supported(size, price or (average if is_share else None), value)
    if _written_as(row, "quantity", r"\d{1,3}\.000") and not supported:
        raise ValueError(_either(row.get("quantity")))
    doubtful = next((row.get(name) for name in _PRICES if _written_as(row, name, _COMMA.pattern)), None)
    if doubtful and not supported:
        raise ValueError(_either(doubtful))


def _agree(size: float, price: float | None, amount: float | None, what: str) -> None:
    if price is None or amount is None:
        return
    expected, stated = size * abs(price), abs(amount)
    if abs(expected - stated) > max(_TOLERANCE * max(expected, stated), _CENT * size, 1):
        raise ValueError(f"{size:g} shares at {price:,.2f} are {expected:,.2f} dollars, its {what} is {stated:,.2f}")


def _plausible(size: float, average: float, value: float) -> None:
    """Shares can be worth a tenth of their cost, but hardly to the digit."""
    ratio = value / (size * abs(average))
    power = round(math.log10(ratio))
    slipped = power != 0 and abs(ratio / 10**power - 1) < _DIGIT
    if slipped or not _LEAST_LEFT < ratio < _MOST_GAINED:
        paid = f"paid at {abs(average):,.2f} a share"
        raise ValueError(
            f"{size:g} shares worth {value:,.2f} dollars, {paid}: {ratio:.4g} times the cost; a digit slipped"
        )


def _supported(size: float, price: float | None, value: float | None) -> bool:
    """Whether the value is about what quantity and price come to."""
    return bool(price and value) and 1 / _NEAR < abs(value or 0) / (size * abs(price or 1)) < _NEAR


def _either(text: str) -> str:
    whole, part = re.split("[.,]", _DECORATION.sub("", text))
    return f"{text!r} can be {whole}.{part.rstrip('0') or '0'} or {whole}{part}; write it as one of these"


def _written(rows: Iterable[Row], style: re.Pattern[str], names: Iterable[str] = _NUMBERS) -> Iterator[tuple[Row, str]]:
    """Rows and texts of the numbers in a style."""
    for row in rows:
        for name in names:
            if style.fullmatch(_DECORATION.sub("", row.get(name))):
                yield row, row.get(name)


def _written_as(row: Row, name: str, pattern: str) -> bool:
    return bool(re.fullmatch(pattern, _DECORATION.sub("", row.get(name)), re.ASCII))


def _swapped(name: str, text: str) -> str:
    return text.translate(_SWAPPED) if name in _NUMBERS else text
