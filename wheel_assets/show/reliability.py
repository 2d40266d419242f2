"""The reliability diagram as SVG text: what was forecast against what happened, one line a forecast.

Matplotlib was rejected: one picture of some thirty points is not worth a dependency of its size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from wheel_assets.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

SIDE, MARGIN = 480, 60  # of the plotted square, and around it
COLOURS = ("#1b6ca8", "#d1495b", "#66a182", "#8d6a9f")
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def diagram(document: Mapping[str, Any]) -> str:
    """How often contracts finished in the money against how often they were said to, as an SVG document."""
    scores = document["in_the_money"]["scores"]
    common = [score for score in scores if score["common"]] or scores
    title = "Nothing to score yet"
    if common:
        title = f"Finished in the money: {common[0]['count']} predictions, {common[0]['groups']} outcomes"
    return reliability_svg(title, {score["forecast"]: score["bins"] for score in common})


def draw(document: Mapping[str, Any], file: Path) -> None:
    """Write the diagram; raises UsageError where the file cannot be written."""
    try:
        file.write_text(diagram(document), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written", f"{error.strerror}", "choose another file") from error


def reliability_svg(title: str, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """A whole SVG document; `tables` are rows of `calibration.Bin` as mappings, by the name of the forecast.

    Perfect forecasts lie on the diagonal; the bars are the intervals of the first forecast, the one under audit.

    >>> reliability_svg("none <yet>", {}).count("none &lt;yet&gt;")
    1
    """
    parts = [_text(MARGIN, MARGIN - 28, title, size=16), *_axes()]
    for number, (name, bins) in enumerate(tables.items()):
        colour = COLOURS[number % len(COLOURS)]
        parts += _forecast(bins, colour, with_intervals=number == 0)
        parts.append(_text(MARGIN + 14, MARGIN + 22 + 18 * number, name, colour))
    size = SIDE + 2 * MARGIN
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" width="{size}" height="{size}" '
    style = 'font-family="sans-serif" font-size="12">'
    return "\n".join([head + style, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>", ""])


def _axes() -> list[str]:
    """The frame, the diagonal, the ticks and what the axes are."""
    low, high = MARGIN, MARGIN + SIDE
    parts = [
        f'<rect x="{low}" y="{low}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#888"/>',
        _line(0, 0, 1, 1, "#888", 'stroke-dasharray="4 4"'),
    ]
    for tick in _TICKS:
        parts.append(_text(_x(tick), high + 18, f"{tick:.0%}", anchor="middle"))
        parts.append(_text(low - 6, _y(tick) + 4, f"{tick:.0%}", anchor="end"))
    parts.append(_text(_x(0.5), high + 40, "forecast", anchor="middle"))
    parts.append(_text(low, low - 8, "happened"))
    return parts


def _forecast(bins: Sequence[Mapping[str, Any]], colour: str, *, with_intervals: bool) -> list[str]:
    points = [(b["mean_forecast"], b["observed"]) for b in bins]
    path = " ".join(f"{_x(forecast):.1f},{_y(share):.1f}" for forecast, share in points)
    parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>']
    for bin_, (forecast, share) in zip(bins, points, strict=True):
        if with_intervals:
            parts.append(_line(forecast, bin_["interval_low"], forecast, bin_["interval_high"], colour))
        told = escape(f"{bin_['count']} forecasts, {forecast:.1%} on average; happened {share:.1%}")
        parts.append(
            f'<circle cx="{_x(forecast):.1f}" cy="{_y(share):.1f}" r="4" fill="{colour}"><title>{told}</title></circle>'
        )
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, style: str = "") -> str:
    ends = f'x1="{_x(x1):.1f}" y1="{_y(y1):.1f}" x2="{_x(x2):.1f}" y2="{_y(y2):.1f}"'
    return f'<line {ends} stroke="{colour}" {style}/>'


def _text(x: float, y: float, text: str, colour: str = "#222", *, anchor: str = "start", size: int = 12) -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f'<text {where} fill="{colour}">{escape(text)}</text>'


def _x(probability: float) -> float:
    return MARGIN + SIDE * probability


def _y(probability: float) -> float:
    return MARGIN + SIDE * (1 - probability)
