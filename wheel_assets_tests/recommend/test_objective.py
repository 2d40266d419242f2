"""The ranking goes by what the rules will hold: neither the shortest nor the most eventful week wins by being that."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from wheel_assets.recommend.bounds import Bounds
from wheel_assets.recommend.objective import yearly_profit
from wheel_assets.strategy import StrategySettings

TODAY = pd.Timestamp("2026-11-23")


def put(days, *, spot=50.0, iv=0.4, spread=0.01, event=(0, 0.0)):
    """A put of 0.25 delta by Black and Scholes; `event` is a day from now, and the move it is priced with."""
    is_in = days > event[0] > 0
    deviation = np.sqrt(iv**2 * days / 365 + is_in * event[1] ** 2)
    d1 = norm.ppf(0.75)
    strike = spot * np.exp(-(d1 - deviation / 2) * deviation)
    price = strike * norm.cdf(deviation - d1) - spot * norm.cdf(-d1)
    worst = spot * np.exp(deviation * (norm.ppf((np.arange(500) + 0.5) / 10_000) - deviation / 2))
    return {
        "symbol": "U",
        "days": days,
        "expiration": TODAY + pd.Timedelta(days=days),
        "bid": price - spread / 2,
        "ask": price + spread / 2,
        "multiplier": 100,
        "collateral": strike * 100,
        "prob_itm": norm.cdf(deviation - d1),
        "cvar_95": np.mean(price - np.maximum(strike - worst, 0)) / strike,
        "spot_price": spot,
        "iv": deviation / np.sqrt(days / 365),
        "abs_delta": 0.25,
        "event_from": TODAY + pd.Timedelta(days=event[0]) if is_in else pd.NaT,
        "event_move": event[1] if is_in else np.nan,
    }


def objectives(*puts, **settings):
    table = pd.DataFrame(puts)
    return yearly_profit(table, table["bid"], 0.65, Bounds(StrategySettings(**settings))).to_numpy()


@pytest.mark.parametrize("spread", [0.01, 0.05])
@pytest.mark.parametrize(("spot", "iv"), [(50.0, 0.4), (500.0, 0.2), (20.0, 0.8)])
def test_of_30_to_45_days_at_one_volatility_the_later_is_worth_more_however_narrow_the_quotes(spot, iv, spread):
    by_days = objectives(*(put(days, spot=spot, iv=iv, spread=spread) for days in (30, 37, 44)))
    assert (np.diff(by_days) > 0).all()


@pytest.mark.parametrize("spread", [0.01, 0.05])
def test_whoever_sells_weeks_is_not_sold_the_nearest(spread):
    by_days = objectives(*(put(days, spread=spread) for days in (7, 14, 21, 28)), min_days=7)
    assert by_days.argmax() > 0


@pytest.mark.parametrize("move", [0.05, 0.10, 0.15])
def test_the_premium_of_an_event_after_the_managing_day_is_not_counted_as_earned(move):
    without, with_event = objectives(put(37), put(37, event=(34, move)))
    assert with_event < without


def test_what_an_event_does_not_touch_is_worth_what_it_was():
    assert objectives(put(30))[0] == objectives(put(30, event=(34, 0.1)))[0]


def test_without_a_volatility_time_alone_earns():
    unknown, known = objectives(put(37) | {"iv": np.nan}, put(37))
    assert unknown < known
    assert np.isfinite(unknown)
