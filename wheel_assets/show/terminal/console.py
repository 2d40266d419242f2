"""The console that everything is printed on: no control character gets through, no line ends in blanks."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console, RenderHook
from rich.segment import Segment

from wheel_assets.sanitise import for_terminal

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, ConsoleRenderable

PIPED_WIDTH = 100  # columns, where there is neither a terminal to ask nor COLUMNS


def console(width: int | None = None, file: TextIO | None = None) -> Console:
    """A console of so many columns, those of the terminal if not given; texts are never read as markup.

    Colours are off where standard output is no terminal, and where NO_COLOR is set.
    """
    stream = file or sys.stdout
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")  # a terminal that knows ASCII only gets a question mark, not an error
    if width is None and not stream.isatty():
        width = int(os.environ.get("COLUMNS", "").strip() or PIPED_WIDTH)
    made = Console(file=file, width=width, markup=False, highlight=False, emoji=False)
    made.push_render_hook(_Clean())
    return made


class _Clean(RenderHook):
    """Has everything that is printed rendered through `_CleanLines`."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """As rich calls it, before anything is rendered."""
        return [_CleanLines(renderable) for renderable in renderables]


class _CleanLines:
    """Something printable without control characters (rich's own styles are no text) and without trailing blanks."""

    def __init__(self, inner: ConsoleRenderable) -> None:
        self.inner = inner

    def __rich_console__(self, made_for: Console, options: ConsoleOptions) -> Iterator[Segment]:
        blanks: list[Segment] = []  # not yet known to be trailing
        for segment in made_for.render(self.inner, options):
            parts: list[Any] = [] if segment.control else re.split("(\n| +)", for_terminal(segment.text))
            for part in filter(None, parts):
                if part == "\n":
                    blanks.clear()
                    yield Segment.line()
                elif part.isspace():
                    blanks.append(Segment(part, segment.style))
                else:
                    yield from blanks
                    blanks.clear()
                    yield Segment(part, segment.style)
