"""Sessions to the end of trading: by hand, and against counting them one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from wheel_assets.market.expiration import years_to_expiration
from wheel_assets.market.sessions import sessions_left


def _left(quoted: str, expiration: str, am_settled: bool = False) -> float:
    at, end = pd.Series(pd.to_datetime([quoted])), pd.Series(pd.to_datetime([expiration]))
    return float(sessions_left(at, years_to_expiration(at, end, np.array([am_settled])))[0])


@pytest.mark.parametrize(
    ("quoted", "expiration", "sessions"),
    [
        ("2026-11-20 21:00", "2026-11-23", 1),  # over a weekend
        ("2026-11-19 21:00", "2026-11-20", 1),
        ("2026-11-22 15:00", "2026-11-23", 1),  # a Sunday
        ("2026-11-20 21:00", "2026-12-18", 20),
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
    assert _left("2026-11-20 21:00", "2026-12-18", am_settled=True) == pytest.approx(19, abs=1e-4)


def test_what_is_not_known_stays_so():
    assert np.isnan(sessions_left(pd.Series(pd.to_datetime(["2026-11-20"])), np.array([np.nan]))).all()


@pytest.mark.parametrize("seed", range(5))
def test_counting_one_by_one_is_the_same(seed):
    random = np.random.default_rng(seed)
    first = pd.Timestamp("2026-01-05") + pd.Timedelta(days=int(random.integers(0, 300)))
    last = first + pd.Timedelta(days=int(random.integers(1, 60)))
    closed = first.tz_localize("America/New_York") + pd.Timedelta(hours=16)
    days = pd.date_range(first + pd.Timedelta(days=1), last)
    assert _left(str(closed.tz_convert("UTC").tz_localize(None)), str(last)) == sum(day.dayofweek < 5 for day in days)
