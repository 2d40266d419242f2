"""Markdown: its few blocks, and the answer in them for the asset's page in the Dagster UI.

Every cell and every line is escaped here, so nothing that a vendor or a file says is read as Markdown.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from wheel_assets.sanitise import for_markdown
from wheel_assets.show import answer_view
from wheel_assets.show.views import account_view

SHOWN_AT_ONCE = 1000  # characters; Dagster's page shows longer Markdown only after a click


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Collection[str] = ()) -> str:
    """A table, the columns named in `numbers` to the right; empty without rows. Blanks in numbers do not break.

    >>> print(table(("key", "age"), [("U", "12 min")], numbers=("age",)).replace(chr(160), "~"))
    | key | age |
    | --- | ---: |
    | U | 12~min |
    """
    if not rows:
        return ""
    rule = tuple("---:" if name in numbers else "---" for name in columns)
    cells = (tuple(_cell(cell, name in numbers) for name, cell in zip(columns, row, strict=True)) for row in rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in (map(for_markdown, columns), rule, *cells))


def bullets(lines: Iterable[str], mark: str = "") -> str:
    """A list, each line after `mark`; empty without lines."""
    return "\n".join(f"- {mark}{for_markdown(line)}" for line in lines)


def section(title: str, body: str) -> str:
    """A body below its title; empty without a body."""
    return f"**{for_markdown(title)}**\n\n{body}" if body else ""


def image(svg: str, words: str) -> str:
    """The picture itself, not a link to one: Dagster's UI shows SVG in `data:` addresses as an image."""
    return f"![{words}](data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()})" if svg else ""


def paragraphs(*parts: str) -> str:
    """The parts that are not empty, a blank line between two."""
    return "\n\n".join(part for part in parts if part) + "\n"


def as_markdown(document: Mapping[str, Any], payoff: str = "", candidates: str = "") -> str:
    """The document of `answer.answer_document` as Markdown, with SVG documents below the advice."""
    banner = answer_view.banner(document)
    advice = table(answer_view.ADVICE_COLUMNS, answer_view.advice_cells(document), answer_view.NUMBERS)
    return paragraphs(
        f"> **{for_markdown(banner)}**" if banner else "",
        f"**{for_markdown(answer_view.headline(document))}**",
        bullets(document["warnings"], "⚠ "),
        advice or "Nothing to do now.",
        for_markdown(answer_view.totals(document)),
        image(payoff, "profit at expiration of these trades"),
        image(candidates, "candidates: yearly return against probability of assignment"),
        section(
            "Roll, hold, be assigned or close", table(account_view.CHOICE_COLUMNS, account_view.choice_cells(document))
        ),
        section(
            "The account under stress",
            table(account_view.EXPOSURE_COLUMNS, account_view.exposure_cells(document), account_view.NUMBERS),
        ),
        for_markdown(account_view.not_counted(document)),
        section("Why", "\n".join(for_markdown(line) for line in answer_view.reasons(document))),
        section("Not done", bullets(answer_view.not_done(document))),
        section("About the data", bullets(answer_view.notes(document))),
        table(answer_view.INPUT_COLUMNS, answer_view.input_cells(document), answer_view.NUMBERS),
        f"*{for_markdown(document['risk'])}*",
    )


def _cell(text: str, is_number: bool) -> str:
    escaped = for_markdown(text)
    return escaped.replace(" ", "\N{NO-BREAK SPACE}") if is_number else escaped
