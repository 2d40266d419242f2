"""When contracts stop trading, in New York's summer and winter, with AM settlement and without."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from wheel_assets.market.expiration import end_of_trading, years_to_expiration
from wheel_assets.market.indices import EUROPEAN_ROOTS
from wheel_assets.market.osi import roots


@pytest.mark.parametrize(
    ("expiration", "am_settled", "end"),
    [
        ("2026-07-17", False, "2026-07-17 20:00"),  # summer time: UTC-4
        ("2026-12-18", False, "2026-12-18 21:00"),  # winter time: UTC-5
        ("2026-12-18", True, "2026-12-17 21:00"),
        ("2026-11-02", True, "2026-10-30 20:00"),  # a Monday: the session before is Friday's
        ("2026-11-27", False, "2026-11-27 18:00"),  # an early close
        ("2026-11-27", True, "2026-11-25 21:00"),  # the day before is Thanksgiving
    ],
)
def test_trading_ends_at_four_in_new_york(expiration, am_settled, end):
    assert end_of_trading(date.fromisoformat(expiration), am_settled) == datetime.fromisoformat(end)


@pytest.mark.parametrize(
    ("quoted", "seconds"),
    [
        ("2026-12-18 20:59:59", 1),
        ("2026-12-18 21:00:00", 0),
        ("2026-12-18 21:30:00", -1800),
        ("2025-12-18 21:00:00", 31_536_000),
    ],
)
def test_years_are_exact_to_the_second(quoted, seconds):
    times, days = (pd.Series(pd.to_datetime([text])) for text in (quoted, "2026-12-18"))
    years = years_to_expiration(times, days, np.array([False]))
    assert years[0] * 365 * 86_400 == pytest.approx(seconds, abs=1e-6)


def test_years_of_two_settlements_of_one_expiration_differ_by_a_day():
    days = pd.Series(pd.to_datetime(["2026-12-18"] * 2))
    evening, morning = years_to_expiration(pd.Series(pd.to_datetime(["2026-12-01"] * 2)), days, np.array([False, True]))
    assert (evening - morning) * 365 == pytest.approx(1)


def test_roots_are_told_apart_on_one_expiration():
    found = roots(pd.Series(["SPX   261218C05000000", "SPXW  261218C05000000", "SMCI  261218P00035000"]))
    assert found.tolist() == ["SPX", "SPXW", "SMCI"]
    assert found.isin(EUROPEAN_ROOTS).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("quoted", "expiration", "hours"),
    [
        ("2026-10-30 20:00", "2026-11-06", 7 * 24 + 1),  # the clocks go back in between
        ("2026-03-06 21:00", "2026-03-13", 7 * 24 - 1),  # and forward
        ("2026-11-20 14:30", "2026-11-20", 6.5),  # on expiration day, at the opening bell
    ],
)
def test_hours_are_those_that_pass_whatever_the_clocks_do(quoted, expiration, hours):
    times, days = (pd.Series(pd.to_datetime([text])) for text in (quoted, expiration))
    assert years_to_expiration(times, days, np.array([False]))[0] * 365 * 24 == pytest.approx(hours)


def test_what_is_missing_has_no_time_and_costs_the_others_nothing():
    times = pd.Series(pd.to_datetime(["2026-12-17 21:00", "2026-12-17 21:00", None]))
    days = pd.Series(pd.to_datetime([None, "2026-12-18", "2026-12-18"]))
    years = years_to_expiration(times, days, np.zeros(3, dtype=bool))
    np.testing.assert_allclose(years * 365, [np.nan, 1, np.nan])


@pytest.mark.parametrize("root", ["OEX", "SPY", "QQQ", "IWM"])
def test_what_is_american_is_not_among_the_european_roots(root):
    assert root not in EUROPEAN_ROOTS
