"""The reliability diagram: what was forecast against what happened, one line a forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wheel_assets.errors import UsageError
from wheel_assets.show import svg

if TYPE_CHECKING:
    from pathlib import Path

SIDE, MARGIN = 480, 60  # of the plotted square, and around it
PLOT = svg.Plot(left=MARGIN, top=MARGIN, width=SIDE, height=SIDE, xs=(0, 1), ys=(0, 1))
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
    parts = [svg.text((MARGIN, MARGIN - 28), title, size=16), *_axes()]
    for number, (name, bins) in enumerate(tables.items()):
        colour = svg.COLOURS[number % len(svg.COLOURS)]
        parts += _forecast(bins, colour, with_intervals=number == 0)
        parts.append(svg.text((MARGIN + 14, MARGIN + 22 + 18 * number), name, colour))
    size = SIDE + 2 * MARGIN
    return svg.document(size, size, parts)


def _axes() -> list[str]:
    """The frame, the diagonal, the ticks and what the axes are."""
    corners = [(0, 0), (0, 1), (1, 1), (1, 0), (0, 0)]
    parts = [
        PLOT.curve(corners, svg.FAINT, width=1),
        svg.line(PLOT.at(0, 0), PLOT.at(1, 1), svg.FAINT, svg.DASHED),
    ]
    for tick in _TICKS:
        parts.append(svg.text((PLOT.x(tick), PLOT.bottom + 18), f"{tick:.0%}", anchor="middle"))
        parts.append(svg.text((PLOT.left - 6, PLOT.y(tick) + 4), f"{tick:.0%}", anchor="end"))
    parts.append(svg.text((PLOT.x(0.5), PLOT.bottom + 40), "forecast", anchor="middle"))
    parts.append(svg.text((PLOT.left, PLOT.top - 8), "happened"))
    return parts


def _forecast(bins: Sequence[Mapping[str, Any]], colour: str, *, with_intervals: bool) -> list[str]:
    points = [(b["mean_forecast"], b["observed"]) for b in bins]
    parts = [PLOT.curve(points, colour, width=1.5)]
    for bin_, (forecast, share) in zip(bins, points, strict=True):
        if with_intervals:
            ends = PLOT.at(forecast, bin_["interval_low"]), PLOT.at(forecast, bin_["interval_high"])
            parts.append(svg.line(*ends, colour))
        tooltip = f"{bin_['count']} forecasts, {forecast:.1%} on average; happened {share:.1%}"
        parts.append(PLOT.dot(forecast, share, colour, tooltip=tooltip))
    return parts
