"""Which symbols a scan is about: those of a file, as people write it or an index provider exports it; in batches."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from wheel_assets.errors import BadSymbol, UsageError
from wheel_assets.settings import checked_symbol

UNIVERSE = "universe"  # name of Dagster's dynamic partitions that hold the symbols
_HEADINGS = ("symbol", "ticker")
MOST_SYMBOLS = 20_000


def symbols_of(path: Path) -> list[str]:
    """The symbols of a file, each once, in its order.

    One a line, `#` begins a comment; or a CSV whose heading names a column Symbol or Ticker, such as the list of an
    index: what stands above the heading, and lines without a ticker there (cash, a footer), are passed over.
    Raises UsageError for a file that cannot be read or has no symbols, and for a line that is none.
    """
    try:
        lines = path.expanduser().read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read", f"{error}", "name a text file with a symbol a line") from error
    listed = _of_column(lines)
    symbols = list(dict.fromkeys(_of_lines(path, lines) if listed is None else listed))
    if not 0 < len(symbols) <= MOST_SYMBOLS:
        raise UsageError(
            f"{path} has {len(symbols):,} symbols", f"a scan takes 1 to {MOST_SYMBOLS:,}", "name another file"
        )
    return symbols


def _of_lines(path: Path, lines: list[str]) -> list[str]:
    found = []
    for number, line in enumerate(lines, 1):
        if text := line.partition("#")[0].strip():
            try:
                found.append(checked_symbol(_own_spelling(text)))
            except BadSymbol as error:
                raise UsageError(f"line {number} of {path} is refused", str(error), "correct or remove it") from error
    return found


def _of_column(lines: list[str]) -> list[str] | None:
    """The tickers under the heading; None where no line is one."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines)]
    for number, row in enumerate(rows):
        place = next((i for i, cell in enumerate(row) if cell.lower() in _HEADINGS), None)
        if place is not None:
            return [t for row in rows[number + 1 :] if len(row) > place and (t := _ticker(row[place]))]
    return None


def _ticker(text: str) -> str | None:
    try:
        return checked_symbol(_own_spelling(text))
    except BadSymbol:
        return None


def _own_spelling(text: str) -> str:
    """A share class after a dot: lists write BRK-B and BRK/B too."""
    return text.replace("-", ".").replace("/", ".")


def blocks(universe: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """The symbols that are valued together. They do not depend on what a run is about.

    The last digit of a number may depend on what else is in its vector: so what was cut short is made
    again to the same digit.
    """
    return (universe[start : start + size] for start in range(0, len(universe), size))
