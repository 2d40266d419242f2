"""The table of closings says what exchange-calendars says; run as a program, this makes it anew."""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from textwrap import fill

import numpy as np
import pytest

from wheel_assets.market import calendar, closings


def from_library(first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """The weekdays without a session and the days with an early close, of the years from `first` to `last`."""
    known = calendar.library_schedule(first, last)
    weekdays = np.arange(known.days[0], known.days[-1] + 1)
    holidays = np.setdiff1d(weekdays[np.is_busday(weekdays)], known.days)
    closes = [datetime.fromtimestamp(int(when), UTC).astimezone(calendar.NEW_YORK).time() for when in known.closes]
    assert set(closes) <= {calendar.CLOSE, time(13)}, "an early close at another time: the table cannot tell"
    early = known.days[[close == time(13) for close in closes]]
    return holidays, early


@pytest.mark.parametrize("first", range(closings.FIRST, closings.LAST, 5))
def test_sessions_from_the_table_are_those_of_the_library(first):
    library, table = calendar.library_schedule(first, first + 4), calendar.table_schedule(first, first + 4)
    for one, other in zip(library[:3], table[:3], strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(library.business_days.holidays, table.business_days.holidays)


def test_years_outside_the_table_are_the_librarys():
    assert calendar.is_session(datetime(2007, 1, 2).date()) is False  # the mourning for President Ford


if __name__ == "__main__":
    path = Path(closings.__file__)
    head = path.read_text().split("HOLIDAYS")[0]
    texts = [" ".join(str(day) for day in days) for days in from_library(closings.FIRST, closings.LAST)]
    named = zip(("HOLIDAYS", "EARLY"), texts, strict=True)
    path.write_text(head + "\n".join(f'{name} = """\n{fill(text, 118)}\n"""\n' for name, text in named))
