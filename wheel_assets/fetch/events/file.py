"""Events out of a small file of your own, CSV or JSON: what you know better than every source."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from wheel_assets.errors import BadEventsFile, BadSymbol
from wheel_assets.fetch.events.frame import Event, event_frame
from wheel_assets.fetch.positions.spelling import day, number
from wheel_assets.fetch.source import Access, EventSource
from wheel_assets.rows import Rows
from wheel_assets.settings import checked_symbol
from wheel_assets.tables import EVENT_KINDS, TIMES_OF_DAY

MAX_BYTES = 1_000_000
_KINDS = {"ex-dividend": "ex_dividend", "dividend": "ex_dividend", **{kind: kind for kind in EVENT_KINDS}}
_TIMES = {
    **dict.fromkeys(("before_open", "before open", "bmo", "pre-market"), "before_open"),
    **dict.fromkeys(("after_close", "after close", "amc", "after-hours"), "after_close"),
    **dict.fromkeys(("", "unknown"), None),
}
_NEEDED = {"symbol", "kind", "date"}
_YES, _NO = {"yes", "true", "1"}, {"no", "false", "0"}


class FileEvents(EventSource):
    """A CSV file with the columns symbol, kind, date and, as known, time_of_day, estimated, amount; or JSON likewise.

    >>> FileEvents(Path("events.csv")).events(["U"], date(2027, 1, 20), now)  # doctest: +SKIP
    """

    name = "file"

    def __init__(self, path: Path) -> None:
        self.path = path

    def events(self, symbols: Sequence[str], until: date, now: datetime) -> Rows:
        """What the file says of the symbols; of what it does not name nothing is known.

        Raises BadEventsFile naming every row that cannot be understood: half of it would pass for all.
        """
        events, bad = [], []
        for place, row in enumerate(self._rows(), start=1):
            try:
                events.append(_event(row))
            except (ValueError, BadSymbol) as error:
                bad.append(f"row {place}: {error}")
        if bad:
            raise self._refusal("; ".join(bad[:5]), "mend these rows; see docs/events-and-history.md")
        return Rows(event_frame(self.name, [e for e in events if e.date <= until], symbols, now))

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        try:
            with self.path.expanduser().open("rb") as file:
                content = file.read(MAX_BYTES + 1)
            text = content.decode("utf-8-sig")
        except (OSError, RuntimeError, UnicodeDecodeError) as error:
            raise self._refusal(f"{error}", "check WHEEL_EVENTS__FILE") from error
        if len(content) > MAX_BYTES:
            raise self._refusal(f"it is larger than {MAX_BYTES / 1e6:g} MB")
        yield from self._json(text) if text.lstrip()[:1] in ("[", "{") else self._csv(text)

    def _json(self, text: str) -> list[Mapping[str, Any]]:
        try:
            rows = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self._refusal(f"its JSON is damaged: {error}") from error
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._refusal("it has to be a list of objects, one an event")
        return rows

    def _csv(self, text: str) -> Iterator[Mapping[str, Any]]:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        try:
            names = {(name or "").strip().lower() for name in reader.fieldnames or ()}
            if not names >= _NEEDED:
                raise self._refusal(f"it has no column {', '.join(sorted(_NEEDED - names))}")
            yield from ({(name or "").strip().lower(): value for name, value in row.items()} for row in reader)
        except csv.Error as error:
            raise self._refusal(f"line {reader.line_num}: {error}") from error

    def _refusal(self, why: str, remedy: str = "see docs/events-and-history.md") -> BadEventsFile:
        return BadEventsFile(f"the events file {self.path} was refused", why, remedy, source=self.name)


def open_events(access: Access) -> FileEvents:
    """Factory named in the registry entry, which ensures that a file is named."""
    return FileEvents(access.settings.events.file or Path())


def _event(row: Mapping[str, Any]) -> Event:
    """One row; raises ValueError or BadSymbol with what is wrong with it."""
    fields = {name: str(value).strip() for name, value in row.items() if value is not None}
    kind, time_of_day, estimated = (fields.get(name, "").lower() for name in ("kind", "time_of_day", "estimated"))
    if kind not in _KINDS:
        raise ValueError(f"kind {kind[:30]!r} is none of {', '.join(EVENT_KINDS)}")
    if time_of_day not in _TIMES:
        raise ValueError(f"time_of_day {time_of_day[:30]!r} is none of {', '.join(TIMES_OF_DAY)}")
    if estimated not in _YES | _NO | {""}:
        raise ValueError(f"estimated {estimated[:30]!r} is neither yes nor no")
    amount = number(fields.get("amount", ""))
    if amount is not None and amount < 0:
        raise ValueError(f"amount {amount:g} is negative")
    symbol, when = checked_symbol(fields.get("symbol", "")), day(fields.get("date", ""))
    return Event(symbol, _KINDS[kind], when, _TIMES[time_of_day], estimated in _YES if estimated else None, amount)
