"""The answer as Markdown, for the asset's page in the Dagster UI."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from wheel_assets.show import answer_view

NUMBERS = {"#", "credit", "set aside", "a year", "assigned", "breakeven", "age", "limit"}


def as_markdown(document: Mapping[str, Any], picture: str = "") -> str:
    """The document of `answer.answer_document` as Markdown, with an SVG document below the advice."""
    banner = answer_view.banner(document)
    parts = [
        f"> **{_escaped(banner)}**" if banner else "",
        f"**{_escaped(answer_view.headline(document))}**",
        _list(answer_view.warnings(document), "⚠ "),
        _table(answer_view.ADVICE_COLUMNS, answer_view.advice_cells(document)) or "Nothing to do now.",
        _image(picture, "profit at expiration of these trades") if picture else "",
        "**Why**\n\n" + "\n".join(_escaped(line) for line in answer_view.reasons(document)),
        _section("Not done", answer_view.not_done(document)),
        _section("About the data", answer_view.notes(document)),
        _table(answer_view.INPUT_COLUMNS, answer_view.input_cells(document)),
        f"*{_escaped(document['risk'])}*",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(title: str, lines: list[str]) -> str:
    return f"**{title}**\n\n{_list(lines)}" if lines else ""


def _image(svg: str, words: str) -> str:
    """The picture itself, not a link to one: Dagster's UI shows SVG in `data:` addresses as an image."""
    return f"![{words}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})"


def _list(lines: Iterable[str], mark: str = "") -> str:
    return "\n".join(f"- {mark}{_escaped(line)}" for line in lines)


def _table(columns: answer_view.Cells, rows: list[answer_view.Cells]) -> str:
    if not rows:
        return ""
    rule = tuple("---:" if name in NUMBERS else "---" for name in columns)
    lines = [columns, rule, *(tuple(_escaped(cell) for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(text: str) -> str:
    """Text that Markdown leaves alone: error messages of vendors end up here too."""
    for character in "\\|*_`<>[]":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.split())
