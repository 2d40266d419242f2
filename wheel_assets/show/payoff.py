"""The trades of an answer as SVG text: what each makes at expiration, by the share price of that day.

A short put and a covered call of one strike pay alike (put-call parity; Hull, Options, Futures, and
Other Derivatives, 10th ed., section 12.2), so one formula draws the whole wheel.
Matplotlib was rejected: some ten lines a picture are not worth its start-up time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

from wheel_assets.recommend.wording import dollars, price

SHARES = 100  # of a standard contract; no other is ever proposed
MOST = 6  # symbols drawn; the others stand in the table
DASHED = 'stroke-dasharray="5 4"'
DRAWN = {"open_csp": ("sell", ""), "open_cc": ("sell", ""), "hold": ("hold", DASHED)}  # verb and style of a line
COLOURS = ("#1b6ca8", "#d1495b", "#3f8f5f", "#8d6a9f", "#b8860b")
WIDTH, PLOT_HEIGHT, LEFT, RIGHT, TOP, BOTTOM, LINE = 510, 170, 60, 24, 34, 36, 17


@dataclass(frozen=True)
class Trade:
    """A short put, or a covered call with its shares at cost; `style` is empty for one that is proposed."""

    words: str
    strike: float
    breakeven: float
    shares: int
    style: str

    def profit(self, share_price: float) -> float:
        """Dollars made at expiration, premium and commission counted.

        >>> put = Trade("2 x 28 put", strike=28, breakeven=27.5, shares=200, style="")
        >>> put.profit(40), put.profit(27.5), put.profit(20)
        (100.0, 0.0, -1500.0)
        """
        return self.shares * (min(share_price, self.strike) - self.breakeven)


def payoff_svg(document: Mapping[str, Any]) -> str:
    """A whole SVG document with one panel a symbol, drawn from the document of `answer.answer_document`.

    Solid lines are proposed, dashed ones are held. Empty where nothing can be drawn.
    """
    rows = [row for row in document["advice"] if _can_be_drawn(row) and row["symbol"] in document["spot_prices"]]
    if not rows:
        return ""
    symbols = list(dict.fromkeys(row["symbol"] for row in rows))[:MOST]
    panels = [
        _Panel(symbol, document["spot_prices"][symbol], [_trade(row) for row in rows if row["symbol"] == symbol])
        for symbol in symbols
    ]
    height = max(panel.height for panel in panels)
    placed = [
        f'<g transform="translate({number % 2 * WIDTH},{number // 2 * height})">{"".join(panel.parts())}</g>'
        for number, panel in enumerate(panels)
    ]
    size = f'width="{WIDTH * min(2, len(panels))}" height="{math.ceil(len(panels) / 2) * height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
    style = 'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
    return head + style + "".join(placed) + "</svg>"


def _can_be_drawn(row: Mapping[str, Any]) -> bool:
    """Whether it is a short option to sell or to keep whose strike and breakeven are known."""
    return row["action"] in DRAWN and None not in (row["strike"], row["breakeven"], row["quantity"])


def _trade(row: Mapping[str, Any]) -> Trade:
    verb, style = DRAWN[row["action"]]
    contract = row["contract"].removeprefix(row["symbol"]).strip()
    words = f"{row['rank']}. {verb} {row['quantity']} × {contract}"
    return Trade(words, row["strike"], row["breakeven"], row["quantity"] * SHARES, style)


@dataclass(frozen=True)
class _Panel:
    """The trades on one symbol, over a range of share prices around all that matters."""

    symbol: str
    spot: float
    trades: Sequence[Trade]

    @property
    def height(self) -> int:
        """Pixels, the legend counted."""
        return TOP + PLOT_HEIGHT + BOTTOM + LINE * len(self.trades) + 8

    @cached_property
    def prices(self) -> tuple[float, float]:
        """The lowest and the highest share price drawn."""
        marks = [self.spot, *(at for trade in self.trades for at in (trade.strike, trade.breakeven))]
        return 0.9 * min(marks), 1.08 * max(marks)

    @cached_property
    def profits(self) -> tuple[float, float]:
        """The lowest and the highest profit drawn, a little room included."""
        ends = [0.0, *(trade.profit(at) for trade in self.trades for at in self.prices)]
        room = 0.08 * (max(ends) - min(ends)) or 1.0
        return min(ends) - room, max(ends) + room

    def parts(self) -> Iterator[str]:
        """The elements of the panel, from the back to the front."""
        yield _text(LEFT, 20, f"{self.symbol}: profit at expiration, by the price of the shares", size=14)
        yield from self._axes()
        for number, trade in enumerate(self.trades):
            yield from self._trade(trade, number, COLOURS[number % len(COLOURS)])

    def _axes(self) -> Iterator[str]:
        right, low = WIDTH - RIGHT, TOP + PLOT_HEIGHT
        for at in ticks(*self.profits):
            yield _line(LEFT, self._y(at), right, self._y(at), "#888" if at == 0 else "#e4e4e4")
            yield _text(LEFT - 6, self._y(at) + 4, dollars(at), anchor="end")
        for at in ticks(*self.prices, most=7):
            yield _text(self._x(at), low + 16, f"{at:g}", anchor="middle")
        yield _line(self._x(self.spot), TOP, self._x(self.spot), low, "#222", 'stroke-dasharray="2 3"')
        yield _text(self._x(self.spot), low + 30, f"now {price(self.spot)}", anchor="middle")

    def _trade(self, trade: Trade, number: int, colour: str) -> Iterator[str]:
        """The line, a dot where it breaks even, and its words below the picture."""
        corners = (self.prices[0], trade.strike, self.prices[1])
        points = " ".join(f"{self._x(at):.1f},{self._y(trade.profit(at)):.1f}" for at in corners)
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" {trade.style}/>'
        yield f'<circle cx="{self._x(trade.breakeven):.1f}" cy="{self._y(0):.1f}" r="4" fill="{colour}"/>'
        y = TOP + PLOT_HEIGHT + BOTTOM + LINE * (number + 1)
        yield _line(LEFT - 30, y - 4, LEFT - 6, y - 4, colour, f'stroke-width="2" {trade.style}')
        most = f"{dollars(trade.profit(trade.strike))} at {trade.strike:g} or above"
        yield _text(LEFT, y, f"{trade.words}: {most}, $0 at {price(trade.breakeven)}")

    def _x(self, share_price: float) -> float:
        low, high = self.prices
        return LEFT + (WIDTH - LEFT - RIGHT) * (share_price - low) / (high - low)

    def _y(self, profit: float) -> float:
        low, high = self.profits
        return TOP + PLOT_HEIGHT * (high - profit) / (high - low)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most `most` round numbers from `low` to `high`, evenly spaced; zero among them if it lies between.

    >>> ticks(-430, 210), ticks(26, 41.5)
    ([-400.0, -200.0, 0.0, 200.0], [30.0, 35.0, 40.0])
    """
    rough = (high - low) / most
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough)
    return [number * step + 0.0 for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, style: str = "") -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" {style}/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
