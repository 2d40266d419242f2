"""Sessions, holidays and early closes, against what the exchange has published and by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from wheel_assets.market.calendar import (
    is_open,
    is_session,
    last_finished_session,
    last_session,
    next_event,
    session_of,
    sessions_left,
)
from wheel_assets.market.expiration import years_to_expiration


def _left(quoted: str, expiration: str, am_settled: bool = False) -> float:
    at, end = pd.Series(pd.to_datetime([quoted])), pd.Series(pd.to_datetime([expiration]))
    return float(sessions_left(at, years_to_expiration(at, end, np.array([am_settled])))[0])


@pytest.mark.parametrize(
    ("quoted", "expiration", "sessions"),
    [
        ("2026-11-20 21:00", "2026-11-23", 1),  # over a weekend
        ("2026-11-19 21:00", "2026-11-20", 1),
        ("2026-11-22 15:00", "2026-11-23", 1),  # a Sunday
        ("2026-11-20 21:00", "2026-12-18", 19),  # without Thanksgiving
        ("2026-11-20 14:30", "2026-11-20", 1),  # at the open
        ("2026-11-20 12:00", "2026-11-20", 1),  # before it
        ("2026-11-20 17:45", "2026-11-20", 0.5),
        ("2026-11-20 21:00", "2026-11-20", 0),
        ("2026-11-20 21:00", "2026-11-13", 0),
        ("2026-10-30 20:00", "2026-11-06", 5),  # the clocks go back in between
    ],
)
def test_sessions_by_hand(quoted, expiration, sessions):
    assert _left(quoted, expiration) == pytest.approx(sessions, abs=1e-4)


def test_settled_in_the_morning_is_a_session_less():
    assert _left("2026-11-20 21:00", "2026-12-18", am_settled=True) == pytest.approx(18, abs=1e-4)


def test_what_is_not_known_stays_so():
    assert np.isnan(sessions_left(pd.Series(pd.to_datetime(["2026-11-20"])), np.array([np.nan]))).all()


@pytest.mark.parametrize("seed", range(5))
def test_counting_one_by_one_is_the_same(seed):
    random = np.random.default_rng(seed)
    first = pd.Timestamp("2026-01-05") + pd.Timedelta(days=int(random.integers(0, 300)))
    last = first + pd.Timedelta(days=int(random.integers(1, 60)))
    closed = first.tz_localize("America/New_York") + pd.Timedelta(hours=16)
    days = pd.date_range(first + pd.Timedelta(days=1), last)
    assert _left(str(closed.tz_convert("UTC").tz_localize(None)), str(last)) == sum(
        is_session(day.date()) for day in days
    )


# Holidays and Early Closings, New York Stock Exchange, as published for these years.
NYSE_HOLIDAYS = {
    2022: ("01-17", "02-21", "04-15", "05-30", "06-20", "07-04", "09-05", "11-24", "12-26"),
    2026: ("01-01", "01-19", "02-16", "04-03", "05-25", "06-19", "07-03", "09-07", "11-26", "12-25"),
    2027: ("01-01", "01-18", "02-15", "03-26", "05-31", "06-18", "07-05", "09-06", "11-25", "12-24"),
}


@pytest.mark.parametrize("year", NYSE_HOLIDAYS)
def test_sessions_are_the_weekdays_without_published_holidays(year):
    closed = {date.fromisoformat(f"{year}-{day}") for day in NYSE_HOLIDAYS[year]}
    days = {date(year, 1, 1) + timedelta(days) for days in range(365)}
    assert {day for day in days if is_session(day)} == {day for day in days if day.weekday() < 5} - closed


def test_new_year_on_a_saturday_closes_no_friday():
    assert last_session(date(2022, 1, 1)) == date(2021, 12, 31)


@pytest.mark.parametrize(
    ("day", "close"),
    [
        (date(2026, 7, 1), datetime(2026, 7, 1, 20)),
        (date(2026, 11, 20), datetime(2026, 11, 20, 21)),
        (date(2026, 11, 27), datetime(2026, 11, 27, 18)),
        (date(2026, 12, 24), datetime(2026, 12, 24, 18)),
        (date(2026, 11, 26), datetime(2026, 11, 26, 21)),  # a holiday: the hours of a full session
    ],
    ids=["summer", "winter", "after Thanksgiving", "Christmas Eve", "holiday"],
)
def test_closes_follow_the_clocks_and_the_early_closes(day, close):
    assert session_of(day).closes == close


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-27 17:59", True),
        ("2026-11-27 18:00", False),  # an early close
        ("2026-11-26 15:00", False),  # Thanksgiving
        ("2026-11-25 14:29", False),
        ("2026-11-25 14:30", True),
        ("2026-11-28 15:00", False),
    ],
)
def test_the_market_is_open_in_sessions_only(now, expected):
    assert is_open(datetime.fromisoformat(now).replace(tzinfo=UTC)) is expected


def test_a_session_is_finished_at_its_close():
    close = datetime(2026, 11, 27, 18, tzinfo=UTC)
    assert last_finished_session(close).day == date(2026, 11, 27)
    assert last_finished_session(close - timedelta(seconds=1)).day == date(2026, 11, 25)


def test_events_of_a_day_are_its_open_its_close_and_midnight():
    moments, now = [], datetime(2026, 11, 27, 6, tzinfo=UTC)
    for _ in range(4):
        now = next_event(now)
        moments.append(f"{now:%d %H:%M}")
    assert moments == ["27 14:30", "27 18:00", "28 05:00", "29 05:00"]


@pytest.mark.parametrize("day", [date(1971, 6, 1), date(2130, 6, 1)])
def test_days_that_no_calendar_knows_cost_nobody_a_run(day):
    assert session_of(day).day == day
