"""Several sources as one: the most trusted counts, a contradiction is shown, a failure costs nothing else."""

from __future__ import annotations

from datetime import date

import pytest

from wheel_assets.errors import SourceUnreachable
from wheel_assets.fetch.events.frame import Event, event_frame
from wheel_assets.fetch.events.trust import ByTrust
from wheel_assets.fetch.source import EventSource
from wheel_assets.rows import Rows

UNTIL = date(2027, 1, 20)


class Says(EventSource):
    """A source that knows these days of U's earnings, or cannot be reached."""

    def __init__(self, name: str, *days: int, until: date | None = UNTIL, down: bool = False) -> None:
        self.name, self.days, self.until, self.down = name, days, until, down

    def events(self, symbols, until, now):
        if self.down:
            raise SourceUnreachable(f"{self.name} is down")
        events = [Event("U", "earnings", date(2026, 12, day)) for day in self.days]
        return Rows(event_frame(self.name, events, symbols, now, until=self.until))


def earnings(now, *sources: EventSource):
    """Day and source of each of U's earnings, the last day asked about, and the notes."""
    merged = ByTrust(sources).events(["U"], UNTIL, now)
    frame = merged.frame
    rows = frame[frame["kind"] == "earnings"]
    days = [(day.day if day == day else None, source) for day, source in zip(rows["date"], rows["source"], strict=True)]
    return days, rows["announced_until"].iloc[0], list(merged.notes)


def test_the_same_day_or_the_next_is_the_same_event_and_the_first_source_counts(now):
    days, _, notes = earnings(now, Says("file", 3), Says("nasdaq", 4))
    assert (days, notes) == ([(3, "file")], [])


def test_a_contradiction_is_shown_with_all_dates(now):
    days, _, notes = earnings(now, Says("tastytrade", 10), Says("nasdaq", 3))
    assert days == [(3, "nasdaq"), (10, "tastytrade")]
    assert notes == [
        "U: the sources disagree about earnings: 2026-12-10 (tastytrade), 2026-12-03 (nasdaq); the earliest counts"
    ]


def test_a_source_that_knows_nothing_hides_no_other(now):
    assert earnings(now, Says("file", until=None), Says("nasdaq", 3))[0] == [(3, "nasdaq")]


def test_none_announced_is_more_than_nothing_known(now):
    days, until, _ = earnings(now, Says("file", until=None), Says("nasdaq"))
    assert (days, until.date()) == ([(None, "nasdaq")], UNTIL)


def test_one_that_is_down_is_told_and_the_other_answers(now):
    days, _, notes = earnings(now, Says("tastytrade", down=True), Says("nasdaq", 3))
    assert (days, notes) == ([(3, "nasdaq")], ["tastytrade is down"])


def test_all_down_is_an_error(now):
    with pytest.raises(SourceUnreachable, match="a is down"):
        earnings(now, Says("a", down=True), Says("b", down=True))
