"""What would be held once an answer is followed: profit at expiration, by the share price of that day.

A short put and a covered call of one strike pay alike (put-call parity; Hull, Options, Futures, and
Other Derivatives, 10th ed., section 12.2), so one formula draws the whole wheel.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from wheel_assets.market.osi import parse_osi
from wheel_assets.recommend.wording import dollars, price
from wheel_assets.show import svg

SHARES = 100  # of a standard contract; no other is ever proposed
MOST = 6  # symbols drawn; the others stand in the table
# What a line of each action draws: its verb and its style.
DRAWN = {"open_csp": ("sell", ""), "open_cc": ("sell", ""), "roll": ("roll into", ""), "hold": ("hold", svg.DASHED)}
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

    Solid lines are proposed, dashed ones are held already; where there are several, the thick line is all of
    them together. Empty where nothing can be drawn.
    """
    panels = _panels(document)
    if not panels:
        return ""
    height = max(panel.height for panel in panels)
    placed = [svg.group(number % 2 * WIDTH, number // 2 * height, panel.parts()) for number, panel in enumerate(panels)]
    size = WIDTH * min(2, len(panels)), math.ceil(len(panels) / 2) * height
    return svg.document(*size, placed, "profit at expiration of what would be held")


def payoff_pictures(document: Mapping[str, Any]) -> list[str]:
    """The same panels, each an SVG document of its own, for pages that lay them out themselves."""
    return [
        svg.document(WIDTH, panel.height, list(panel.parts()), f"profit at expiration on {panel.symbol}")
        for panel in _panels(document)
    ]


def _panels(document: Mapping[str, Any]) -> list[_Panel]:
    rows = [row for row in document["advice"] if _can_be_drawn(row) and row["symbol"] in document["spot_prices"]]
    symbols = list(dict.fromkeys(row["symbol"] for row in rows))[:MOST]
    return [
        _Panel(symbol, document["spot_prices"][symbol], [_trade(row) for row in rows if row["symbol"] == symbol])
        for symbol in symbols
    ]


def breakevens(trades: Sequence[Trade]) -> list[float]:
    """The share prices at which trades on one symbol together make nothing, lowest first.

    The sum of short puts and covered calls never falls as the shares rise, so there is one, or none.

    >>> breakevens([Trade("", 28, 27, 100, ""), Trade("", 30, 28, 100, "")])
    [27.5]
    """
    knots = [0.0, *sorted(trade.strike for trade in trades)]
    profits = [math.fsum(trade.profit(at) for trade in trades) for at in knots]
    steps = zip(knots, knots[1:], profits, profits[1:], strict=False)
    return [a + (b - a) * -low / (high - low) for a, b, low, high in steps if low < 0 <= high]


def _can_be_drawn(row: Mapping[str, Any]) -> bool:
    """Whether it is a short option to sell or to keep whose strike and breakeven are known."""
    return row["action"] in DRAWN and None not in (row["strike"], row["breakeven"], row["quantity"])


def _trade(row: Mapping[str, Any]) -> Trade:
    verb, style = DRAWN[row["action"]]
    contract, strike = row["contract"], row["strike"]
    if row["action"] == "roll":
        contract, strike = row["roll_to"], parse_osi(row["roll_to_option_symbol"]).strike
    words = f"{row['rank']}. {verb} {row['quantity']} × {contract.removeprefix(row['symbol']).strip()}"
    return Trade(words, strike, row["breakeven"], row["quantity"] * SHARES, style)


@dataclass(frozen=True)
class _Panel:
    """The trades on one symbol, over a range of share prices around all that matters."""

    symbol: str
    spot: float
    trades: Sequence[Trade]

    @property
    def lines(self) -> int:
        """Lines of the legend."""
        return len(self.trades) + (len(self.trades) > 1)

    @property
    def height(self) -> int:
        """Pixels, the legend counted."""
        return TOP + PLOT_HEIGHT + BOTTOM + LINE * self.lines + 8

    @cached_property
    def plot(self) -> svg.Plot:
        """Prices across and profits upwards, a little room included."""
        marks = [self.spot, *(at for trade in self.trades for at in (trade.strike, trade.breakeven))]
        prices = 0.9 * min(marks), 1.08 * max(marks)
        ends = [0.0, *(profit for at in prices for profit in (self._together(at), *self._each(at)))]
        room = 0.08 * (max(ends) - min(ends)) or 1.0
        profits = min(ends) - room, max(ends) + room
        return svg.Plot(LEFT, TOP, WIDTH - LEFT - RIGHT, PLOT_HEIGHT, prices, profits)

    def parts(self) -> Iterator[str]:
        """The elements of the panel, from the back to the front."""
        yield svg.text((LEFT, 20), f"{self.symbol}: profit at expiration, by the price of the shares", size=14)
        yield from self._axes()
        for number, trade in enumerate(self.trades):
            yield from self._trade(trade, number, svg.COLOURS[number % len(svg.COLOURS)])
        if len(self.trades) > 1:
            yield from self._sum()

    def _each(self, share_price: float) -> list[float]:
        return [trade.profit(share_price) for trade in self.trades]

    def _together(self, share_price: float) -> float:
        return math.fsum(self._each(share_price))

    def _axes(self) -> Iterator[str]:
        plot = self.plot
        for at in svg.ticks(*plot.ys):
            ends = (plot.left, plot.y(at)), (plot.right, plot.y(at))
            yield svg.line(*ends, svg.FAINT if at == 0 else svg.GRID)
            yield svg.text((LEFT - 6, plot.y(at) + 4), dollars(at), anchor="end")
        for at in svg.ticks(*plot.xs, most=7):
            yield svg.text((plot.x(at), plot.bottom + 16), f"{at:g}", anchor="middle")
        yield svg.line((plot.x(self.spot), TOP), (plot.x(self.spot), plot.bottom), svg.INK, svg.DOTTED)
        yield svg.text((plot.x(self.spot), plot.bottom + 30), f"now {price(self.spot)}", anchor="middle")

    def _trade(self, trade: Trade, number: int, colour: str) -> Iterator[str]:
        """The line, a dot where it breaks even, and its words below the picture."""
        corners = (self.plot.xs[0], trade.strike, self.plot.xs[1])
        yield self.plot.curve([(at, trade.profit(at)) for at in corners], colour, style=trade.style)
        yield self.plot.dot(trade.breakeven, 0, colour)
        most = f"{dollars(trade.profit(trade.strike))} at {trade.strike:g} or above"
        words = f"{trade.words}: {most}, $0 at {price(trade.breakeven)}"
        yield from self._legend(number, words, colour, f'stroke-width="2" {trade.style}')

    def _sum(self) -> Iterator[str]:
        """All trades together: a thick line, and where it breaks even."""
        strikes = sorted({trade.strike for trade in self.trades})
        corners = [self.plot.xs[0], *strikes, self.plot.xs[1]]
        yield self.plot.curve([(at, self._together(at)) for at in corners], svg.INK, width=3.5)
        even = breakevens(self.trades)
        for at in even:
            yield self.plot.dot(at, 0, svg.INK, radius=5)
        most = f"{dollars(self._together(strikes[-1]))} at {strikes[-1]:g} or above"
        words = ", ".join([f"together: {most}", *(f"$0 at {price(at)}" for at in even)])
        yield from self._legend(len(self.trades), words, svg.INK, 'stroke-width="3.5"')

    def _legend(self, number: int, words: str, colour: str, style: str) -> Iterator[str]:
        y = TOP + PLOT_HEIGHT + BOTTOM + LINE * (number + 1)
        yield svg.line((LEFT - 30, y - 4), (LEFT - 6, y - 4), colour, style)
        yield svg.text((LEFT, y), words)
