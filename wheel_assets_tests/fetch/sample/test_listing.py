"""The listing of the sample market against published calendars."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.fetch.sample.listing import MONTHS, WEEKS, expirations

DAYS = st.dates(date(2021, 1, 1), date(2035, 12, 31))


@pytest.mark.parametrize(
    ("today", "listed", "not_listed"),
    [
        (date(2026, 6, 1), date(2026, 6, 18), date(2026, 6, 19)),
        (date(2022, 4, 1), date(2022, 4, 14), date(2022, 4, 15)),
        (date(2026, 12, 1), date(2026, 12, 24), date(2026, 12, 25)),
    ],
    ids=["Juneteenth", "Good Friday", "Christmas"],
)
def test_holiday_moves_the_expiration_to_thursday(today: date, listed: date, not_listed: date) -> None:
    days = [each.day for each in expirations(today, 32)]
    assert listed in days
    assert not_listed not in days


@given(DAYS)
def test_expirations_rise_and_lie_in_the_future(today: date) -> None:
    days = [each.day for each in expirations(today, 32)]
    assert days == sorted(set(days))
    assert days[0] > today


@given(DAYS)
def test_monthly_expirations_are_third_fridays(today: date) -> None:
    for each in expirations(today, 32):
        fridays = [week[calendar.FRIDAY] for week in calendar.monthcalendar(each.day.year, each.day.month)]
        third = [day for day in fridays if day][2]
        if each.kind != "weekly":
            assert third - each.day.day in (0, 1)


@given(DAYS)
def test_there_are_weeks_then_months_then_a_january(today: date) -> None:
    listed = expirations(today, 32)
    assert sum((each.day - today).days <= 7 * WEEKS for each in listed) in (WEEKS - 1, WEEKS, WEEKS + 1)
    assert sum(each.kind == "monthly" for each in listed) in (MONTHS - 1, MONTHS)
    assert [each.day.month for each in listed if each.kind == "leaps"] == [1]
    assert (listed[-1].day - today).days > 270


def test_strikes_are_finer_for_nearer_expirations() -> None:
    listed = expirations(date(2026, 11, 22), 32)
    near_the_money = {each.kind: np.diff(each.strikes[(each.strikes > 28) & (each.strikes < 36)]) for each in listed}
    assert set(near_the_money["weekly"]) == {0.5}
    assert max(near_the_money["monthly"]) == 1
    assert max(near_the_money["leaps"]) == 2.5


@given(DAYS, st.floats(5, 100))
def test_strikes_rise_and_are_multiples_of_half_a_dollar(today: date, anchor: float) -> None:
    for each in expirations(today, anchor):
        assert (np.diff(each.strikes) > 0).all()
        assert (each.strikes * 2 == np.round(each.strikes * 2)).all()
        assert each.strikes[0] > 0


@given(DAYS)
def test_what_is_listed_stays_listed(today: date) -> None:
    tomorrow = {each.day: set(each.strikes) for each in expirations(today + timedelta(1), 32)}
    for each in expirations(today, 32):
        if each.day > today + timedelta(1) and each.kind != "leaps":
            assert set(each.strikes) <= tomorrow[each.day]
