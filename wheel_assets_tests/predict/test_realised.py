"""Realised volatility: known ones come back, and what is not a day's move of the market does not count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.predict import realised_volatility
from wheel_assets.predict.realised import LEAST_SESSIONS, WINDOW, session_variances
from wheel_assets.tables import PRICE_HISTORY

DAYS = pd.bdate_range("2026-01-05", periods=120)


def _history(volatility: float = 0.4, seed: int = 1, days: pd.DatetimeIndex = DAYS, **columns: object) -> pd.DataFrame:
    """Bars of a random walk of 400 steps a session, a quarter of whose variance falls between sessions."""
    random = np.random.default_rng(seed)
    daily = volatility / np.sqrt(252)
    gaps = random.normal(0, 0.5 * daily, len(days))
    steps = random.normal(0, daily * np.sqrt(0.75 / 400), (len(days), 400)).cumsum(axis=1)
    opened = np.cumsum(gaps) + np.concatenate([[0], np.cumsum(steps[:-1, -1])])
    paths = 100 * np.exp(opened[:, None] + np.concatenate([np.zeros((len(days), 1)), steps], axis=1))
    prices = {"open": paths[:, 0], "high": paths.max(axis=1), "low": paths.min(axis=1), "close": paths[:, -1]}
    rest = {"timestamp": days[-1], "symbol": "U", "volume": 1, "source": "test"}
    return PRICE_HISTORY.conform(pd.DataFrame({"date": days, **prices, **rest, **columns}))


def _scaled(bars: pd.DataFrame, rows: slice | int, factor: float) -> pd.DataFrame:
    """The bars with the prices of some sessions multiplied."""
    prices = ["open", "high", "low", "close"]
    bars = bars.copy()
    bars.iloc[rows, [bars.columns.get_loc(name) for name in prices]] *= factor
    return bars


@pytest.mark.parametrize("volatility", [0.05, 0.4, 1.5])
def test_a_known_volatility_comes_back(volatility):
    found = [realised_volatility(_history(volatility, seed))["U"] for seed in range(40)]
    # Highs and lows of 400 steps fall short of those of a path without steps by some 3 %.
    assert np.mean(found) == pytest.approx(volatility, rel=0.05)


def test_ranges_tell_more_than_closes():
    full = [realised_volatility(_history(seed=seed))["U"] for seed in range(60)]
    closes = [realised_volatility(_history(seed=seed, open=None, high=None, low=None))["U"] for seed in range(60)]
    assert np.std(full) < 0.7 * np.std(closes)


def test_a_session_by_hand():
    bars = pd.DataFrame(
        {"date": DAYS[:2], "open": [100, 104], "high": [101, 107], "low": [99, 103], "close": [100, 105]}
    )
    overnight, high, low = np.log(104 / 100), 107, 103
    rest = np.log(high / 105) * np.log(high / 104) + np.log(low / 105) * np.log(low / 104)
    assert session_variances(bars) == pytest.approx([overnight**2 + rest])


def test_closes_alone_are_the_root_mean_square_of_returns():
    bars = _history(open=None, high=None, low=None)
    returns = np.diff(np.log(bars["close"]))[-WINDOW:]
    assert realised_volatility(bars)["U"] == pytest.approx(np.sqrt(252 * np.mean(returns**2)))


@pytest.mark.parametrize("column", ["open", "high", "low"])
@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_a_price_that_is_missing_costs_little(column, value):
    bars = _history()
    whole = realised_volatility(bars)["U"]
    bars.loc[100, column] = value
    assert realised_volatility(bars)["U"] == pytest.approx(whole, rel=0.1)


def test_a_bar_that_contradicts_itself_counts_by_its_close():
    bars = _history()
    bars.loc[100, "high"] = bars.loc[100, "close"] * 0.5
    missing = bars.copy()
    missing.loc[100, "high"] = np.nan
    assert realised_volatility(bars) == realised_volatility(missing)


@pytest.mark.parametrize("factor", [2, 3, 4, 10, 20, 50, 1 / 2, 1 / 5, 1 / 10, 1 / 40])
def test_a_split_is_no_move(factor):
    bars = _history()
    assert realised_volatility(_scaled(bars, slice(100), factor))["U"] == pytest.approx(
        realised_volatility(bars)["U"], rel=0.1
    )


@pytest.mark.parametrize("factor", [0.55, 1 / 2.4, 1.8, 2.5])
def test_a_crash_or_a_leap_is_believed(factor):
    bars = _history()
    moved = realised_volatility(_scaled(bars, slice(100, None), factor))["U"]
    expected = np.sqrt(realised_volatility(bars)["U"] ** 2 + 252 / WINDOW * np.log(factor) ** 2)
    assert moved == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("factor", [0.01, 0.3, 2.7, 100.0])
def test_a_bad_print_is_not_believed(factor):
    bars = _history()
    assert realised_volatility(_scaled(bars, 100, factor))["U"] == pytest.approx(
        realised_volatility(bars)["U"], rel=0.1
    )


def test_the_return_over_a_gap_is_of_no_session():
    bars = _scaled(_history(), slice(100, None), 1.3)
    holed = bars.drop(index=range(90, 101))
    assert realised_volatility(holed)["U"] == pytest.approx(0.4, rel=0.25)


def test_only_the_last_quarter_counts():
    wild, calm = _history(2.0, days=DAYS[:50]), _history(0.2, days=DAYS[50:])
    assert realised_volatility(pd.concat([wild, calm]))["U"] == pytest.approx(0.2, rel=0.2)


def test_rows_in_any_order_twice_and_of_several_symbols():
    bars = pd.concat([_history(), _history(0.9, 2, symbol="V")], ignore_index=True)
    shuffled = pd.concat([bars, bars], ignore_index=True).sample(frac=1, random_state=1)
    assert realised_volatility(shuffled) == pytest.approx(realised_volatility(bars))
    assert list(realised_volatility(bars)) == ["U", "V"]


@pytest.mark.parametrize(
    "bars",
    [
        pd.DataFrame(),
        _history().iloc[:0],
        _history().iloc[:LEAST_SESSIONS],
        _history().assign(close=0.0),
        _history().assign(open=7.0, high=7.0, low=7.0, close=7.0),
    ],
)
def test_too_little_is_nothing(bars):
    assert realised_volatility(bars) == {}


def test_just_enough_is_enough():
    assert set(realised_volatility(_history().iloc[: LEAST_SESSIONS + 1])) == {"U"}


PRICE = st.one_of(st.floats(0.01, 1e6), st.sampled_from([0.0, np.nan]))


@given(st.lists(st.tuples(PRICE, PRICE, PRICE, PRICE), min_size=0, max_size=60))
def test_any_bars_at_all_give_a_volatility_or_none(rows):
    bars = pd.DataFrame(rows, columns=["open", "high", "low", "close"], dtype=float)
    bars = bars.assign(symbol="U", date=DAYS[: len(bars)])
    assert all(0 < volatility < np.inf for volatility in realised_volatility(bars).values())
