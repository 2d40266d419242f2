"""When contracts stop trading, in New York's summer and winter, with AM settlement and without."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from wheel_assets.greeks.expiry import EUROPEAN_ROOTS, end_of_trading, roots, years_to_expiration


@pytest.mark.parametrize(
    ("expiration", "am_settled", "end"),
    [
        ("2026-07-17", False, "2026-07-17 20:00"),  # summer time: UTC-4
        ("2026-12-18", False, "2026-12-18 21:00"),  # winter time: UTC-5
        ("2026-12-18", True, "2026-12-17 21:00"),
        ("2026-11-02", True, "2026-11-01 21:00"),  # the clocks went back on the day before
    ],
)
def test_trading_ends_at_four_in_new_york(expiration, am_settled, end):
    assert end_of_trading(datetime.fromisoformat(expiration), am_settled) == datetime.fromisoformat(end)


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
