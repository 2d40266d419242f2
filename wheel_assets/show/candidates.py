"""The candidates as a picture: yearly return against probability of assignment, the chosen ones marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wheel_assets.recommend.wording import percent
from wheel_assets.show import svg

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 510, 330, 60, 44, 66, 24
OPENINGS = ("open_csp", "open_cc")


def candidates(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The openings of an answer, `chosen` those that are advised, and the next best; best first."""
    chosen = [dict(row) | {"chosen": True} for row in document["advice"] if row["action"] in OPENINGS]
    others = [dict(row) | {"chosen": False} for row in document["alternatives"] if row["action"] in OPENINGS]
    return sorted([*chosen, *others], key=lambda row: -(row["annualized_return"] or 0.0))


def candidates_svg(document: Mapping[str, Any]) -> str:
    """A whole SVG document, a colour a symbol; empty where there is nothing to draw."""
    rows = [row for row in candidates(document) if None not in (row["prob_itm"], row["annualized_return"])]
    if not rows:
        return ""
    top = 1.1 * max(row["annualized_return"] for row in rows) or 1.0
    right = min(1.0, 1.15 * max(row["prob_itm"] for row in rows)) or 1.0
    plot = svg.Plot(LEFT, TOP, WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM, (0.0, right), (0.0, top))
    symbols = list(dict.fromkeys(row["symbol"] for row in rows))
    colours = {symbol: svg.COLOURS[number % len(svg.COLOURS)] for number, symbol in enumerate(symbols)}
    parts = [svg.text((LEFT, 20), "Candidates: yearly return by probability of assignment", size=14), *_axes(plot)]
    for row in sorted(rows, key=lambda row: row["chosen"]):
        parts += _candidate(plot, row, colours[row["symbol"]])
    for number, symbol in enumerate(symbols[:8]):
        parts.append(svg.text((LEFT + number * 56, HEIGHT - 8), symbol, colours[symbol], bold=True))
    return svg.document(WIDTH, HEIGHT, parts, "candidates: yearly return against probability of assignment")


def _axes(plot: svg.Plot) -> list[str]:
    parts = []
    for at in svg.ticks(*plot.ys):
        parts.append(svg.line((plot.left, plot.y(at)), (plot.right, plot.y(at)), svg.FAINT if at == 0 else svg.GRID))
        parts.append(svg.text((plot.left - 6, plot.y(at) + 4), f"{at:.0%}", anchor="end"))
    for at in svg.ticks(*plot.xs):
        parts.append(svg.text((plot.x(at), plot.bottom + 16), f"{at:.0%}", anchor="middle"))
    middle = (plot.left + plot.width / 2, plot.bottom + 34)
    return [*parts, svg.text(middle, "probability of assignment; a ring is advised", anchor="middle")]


def _candidate(plot: svg.Plot, row: Mapping[str, Any], colour: str) -> list[str]:
    x, y = row["prob_itm"], row["annualized_return"]
    tooltip = f"{row['contract']}: {percent(y)} a year, {percent(x)} assigned"
    dot = plot.dot(x, y, colour, radius=5 if row["chosen"] else 3.5, tooltip=tooltip)
    if not row["chosen"]:
        return [dot]
    at = plot.at(x, y)
    ring = f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="9" fill="none" stroke="{colour}" stroke-width="2"/>'
    return [dot, ring]
