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
SHOWN = 40  # characters of a line that is no symbol


def symbols_of(path: Path) -> tuple[list[str], dict[str, str]]:
    """The symbols of a file, each once, in its order; and what is written there in place of one, with the reason.

    One a line, `#` begins a comment; or a CSV whose heading names a column Symbol or Ticker, such as the list of an
    index: what stands above the heading, and lines without a ticker there (cash, a footer), are passed over.
    Raises UsageError for a file that cannot be read or has no symbols.
    """
    try:
        lines = path.expanduser().read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read", f"{error}", "name a text file with a symbol a line") from error
    listed = _of_column(lines)
    found, refused = _of_lines(lines) if listed is None else (listed, {})
    symbols = list(dict.fromkeys(found))
    if not 0 < len(symbols) <= MOST_SYMBOLS:
        why = next(iter(refused.values()), f"a scan takes 1 to {MOST_SYMBOLS:,}")
        raise UsageError(f"{path} has {len(symbols):,} symbols", why, "name another file")
    return symbols, refused


def _of_lines(lines: list[str]) -> tuple[list[str], dict[str, str]]:
    """The symbols, one a line, and why other lines are none."""
    found, refused = [], {}
    for number, line in enumerate(lines, 1):
        if text := line.partition("#")[0].strip():
            try:
                found.append(checked_symbol(_own_spelling(text)))
            except BadSymbol as error:
                refused[text[:SHOWN]] = f"line {number} is refused; {error}"
    return found, refused


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
