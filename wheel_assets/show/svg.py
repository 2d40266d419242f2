"""SVG as text: the few elements that every picture here is made of.

Matplotlib was rejected: some thirty lines a picture are not worth its start-up time (docs/adr).
Colours are attributes with a class beside them, so that a page may recolour the ground, the ink and the grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from wheel_assets.sanitise import for_terminal

COLOURS = ("#1b6ca8", "#d1495b", "#3f8f5f", "#8d6a9f", "#b8860b")
INK, FAINT, GRID = "#222", "#888", "#e4e4e4"
DASHED, DOTTED = 'stroke-dasharray="5 4"', 'stroke-dasharray="2 3"'
_CLASSES = {INK: "ink", FAINT: "faint", GRID: "grid"}

Point = tuple[float, float]


@dataclass(frozen=True)
class Plot:
    """A rectangle of pixels, and the ranges of the two quantities that it shows; y grows upwards.

    >>> plot = Plot(left=10, top=0, width=100, height=50, xs=(0, 1), ys=(0, 1))
    >>> plot.at(0.5, 1.0)
    (60.0, 0.0)
    """

    left: float
    top: float
    width: float
    height: float
    xs: tuple[float, float]
    ys: tuple[float, float]

    @property
    def right(self) -> float:
        """Pixels."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Pixels."""
        return self.top + self.height

    def x(self, value: float) -> float:
        """Pixels from the left."""
        return self.left + self.width * (value - self.xs[0]) / (self.xs[1] - self.xs[0])

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return self.top + self.height * (self.ys[1] - value) / (self.ys[1] - self.ys[0])

    def at(self, x: float, y: float) -> Point:
        """The pixel of a point."""
        return self.x(x), self.y(y)

    def curve(self, points: Iterable[Point], colour: str, *, width: float = 2, style: str = "") -> str:
        """A line through points given in the plot's quantities."""
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*point) for point in points))
        stroke = f'stroke="{colour}" stroke-width="{width:g}"{_class(colour)}'
        return f'<polyline points="{corners}" fill="none" {stroke} {style}/>'

    def dot(self, x: float, y: float, colour: str, *, radius: float = 4, tooltip: str = "") -> str:
        """A dot at a point, with a text that appears under the mouse."""
        at_x, at_y = self.at(x, y)
        title = f"<title>{_escaped(tooltip)}</title>" if tooltip else ""
        return (
            f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="{radius:g}" fill="{colour}"{_class(colour)}>{title}</circle>'
        )


def document(width: float, height: float, parts: Sequence[str], description: str = "") -> str:
    """A whole SVG document on a white ground."""
    size = f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="sans-serif" font-size="12">'
    title = [f"<title>{_escaped(description)}</title>"] if description else []
    return "\n".join([head, *title, '<rect width="100%" height="100%" fill="white" class="ground"/>', *parts, "</svg>"])


def group(x: float, y: float, parts: Iterable[str]) -> str:
    """Elements moved to the right and down, pixels."""
    return f'<g transform="translate({x:g},{y:g})">{"".join(parts)}</g>'


def line(start: Point, end: Point, colour: str, style: str = "") -> str:
    """A straight line between two pixels."""
    ends = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {ends} stroke="{colour}"{_class(colour)} {style}/>'


def text(at: Point, words: str, colour: str = INK, *, anchor: str = "start", size: int = 12, bold: bool = False) -> str:
    """Words that begin, end or centre (`anchor`) at a pixel."""
    where = f'x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}" font-size="{size}"'
    weight = ' font-weight="bold"' if bold else ""
    return f'<text {where} fill="{colour}"{_class(colour)}{weight}>{_escaped(words)}</text>'


def bar(at: Point, size: Point, colour: str, tooltip: str = "") -> str:
    """A filled rectangle: its upper left corner and its width and height, pixels."""
    where = f'x="{at[0]:.1f}" y="{at[1]:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}"'
    return f'<rect {where} fill="{colour}"><title>{_escaped(tooltip)}</title></rect>'


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most `most` round numbers from `low` to `high`, evenly spaced; zero among them if it lies between.

    >>> ticks(-430, 210), ticks(26, 41.5)
    ([-400.0, -200.0, 0.0, 200.0], [30.0, 35.0, 40.0])
    """
    rough = (high - low) / most
    unit = 10 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough)
    return [number * step + 0.0 for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _escaped(words: str) -> str:
    return escape(for_terminal(words))


def _class(colour: str) -> str:
    return f' class="{_CLASSES[colour]}"' if colour in _CLASSES else ""
