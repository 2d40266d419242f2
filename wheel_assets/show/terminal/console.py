"""The console that everything is printed on: no control character gets through, no line ends in blanks."""

from __future__ import annotations

import codecs
import os
import re
import sys
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, RenderHook
from rich.segment import Segment

from wheel_assets.sanitise import for_terminal

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, ConsoleRenderable

NO_BREAK = "\ue000"  # stands for a blank at which no line is broken; rich breaks at a no-break space
PIPED_WIDTH = 100  # columns, where there is neither a terminal to ask nor COLUMNS
_UNIT = re.compile(r"(\d) (?=(?:%|min|h|s|days?|delta|shares|contracts|[kMG]?B|API|ET|UTC)\b|%)")
PLAINER = "wheel_assets.plainer"  # a handler of what an encoding lacks
# As wide as what they stand for.
_PLAIN = {"·": "-", "…": "~", "×": "x", "⚠": "!", "🟢": "ok", "🟡": "~ ", "🟠": "! ", "🔴": "x ", "⚪": "- "}


def plainer(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that a terminal's encoding lacks: what looks alike, else `?`.

    >>> codecs.register_error(PLAINER, plainer)
    >>> "5 × 3 · Ünïcode … 日".encode("ascii", PLAINER)
    b'5 x 3 - Unicode ~ ?'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    plain = [_PLAIN.get(c) or unicodedata.normalize("NFKD", c).encode("ascii", "ignore").decode() for c in lacking]
    return "".join(each or "?" for each in plain), error.end


codecs.register_error(PLAINER, plainer)


def console(width: int | None = None, file: TextIO | None = None) -> Console:
    """A console of so many columns, those of the terminal if not given; texts are never read as markup.

    Colours are off where standard output is no terminal, and where NO_COLOR is set.
    """
    stream = file or sys.stdout
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=PLAINER)  # a terminal that knows ASCII only gets what looks alike, not an error
    if width is None and not stream.isatty():
        width = int(os.environ.get("COLUMNS", "").strip() or PIPED_WIDTH)
    made = Console(file=file, width=width, markup=False, highlight=False, emoji=False)
    made.push_render_hook(_Clean())
    return made


def unbroken(text: str) -> str:
    """The text with its numbers tied to their units.

    >>> unbroken("28 % a year, 25 days").count(NO_BREAK)
    2
    """
    return _UNIT.sub(rf"\1{NO_BREAK}", text)


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
            text = "" if segment.control else for_terminal(segment.text).replace(NO_BREAK, " ")
            for part in filter(None, re.split("(\n)", text)):
                words = part.rstrip(" ")
                if words:
                    yield from blanks if words != "\n" else ()
                    yield Segment(words, segment.style)
                    blanks.clear()
                if words != part:
                    blanks.append(Segment(part[len(words) :], segment.style))
