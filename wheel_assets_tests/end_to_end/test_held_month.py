"""The predictions of some weeks, held in a cache, scored by one command."""

from __future__ import annotations

import importlib.util
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from wheel_assets.rows import Rows
from wheel_assets.tables import PRICE_HISTORY
from wheel_assets_tests.forked import wheel

CLONE = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 20, 21, 15, tzinfo=UTC)
VOLATILITY = 0.3  # of the prices, and of the quotes


@pytest.fixture(scope="module")
def calibration() -> ModuleType:
    """The benchmark, which puts a chain back by weeks."""
    spec = importlib.util.spec_from_file_location("calibration_month", CLONE / "benchmarks" / "calibration.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class FairMarket:
    """Log-normal prices without drift, and options quoted at just that."""

    def __init__(self, calibration: ModuleType) -> None:
        self.made = calibration

    def option_chain(self, symbol: str, now: datetime) -> Rows:
        weeks = [self.made.worlds(days / 365)["log-normal, 30 %"] for days in (7, 14, 28)]
        chains = [self.made.quoted_chain(w, days, symbol) for w, days in zip(weeks, (7, 14, 28), strict=True)]
        return Rows(pd.concat(chains, ignore_index=True))

    def price_history(self, symbol: str, now: datetime) -> Rows:
        days = pd.bdate_range(end="2026-11-20", periods=252)
        random = np.random.default_rng(sum(symbol.encode()))
        steps = random.normal(0, VOLATILITY / np.sqrt(252 * 50), (252, 50)).cumsum(axis=1)
        start = np.concatenate([[0], np.cumsum(steps[:-1, -1])])
        paths = np.exp(np.column_stack([start, start[:, None] + steps]))
        paths *= self.made.SPOT / paths[-1, -1]
        ends = {"open": paths[:, 0], "high": paths.max(axis=1), "low": paths.min(axis=1), "close": paths[:, -1]}
        rest = {"symbol": symbol, "volume": 1, "source": "made", "timestamp": pd.Timestamp("2026-11-20 21:00")}
        return Rows(PRICE_HISTORY.conform(pd.DataFrame({"date": days, **ends, **rest})))


def _scored(folder: Path) -> dict[str, Any]:
    """What the one command says."""
    done = wheel("outcomes", "--json", WHEEL_CACHE__DIR=str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def _inside(bins: list[dict[str, Any]]) -> int:
    return sum(b["interval_low"] <= b["mean_forecast"] <= b["interval_high"] for b in bins)


def test_in_a_fair_market_the_forecasts_are_calibrated(calibration, tmp_path):
    symbols = ("SPXW", "XSP", "NDXP", "RUTW")
    calibration.held_predictions(
        tmp_path / "wheel_cache.duckdb", FairMarket(calibration), NOW, range(8, 0, -1), symbols
    )
    document = _scored(tmp_path)
    for event, name in (("in_the_money", "prob_itm"), ("touched", "prob_touch")):
        best = document[event]["scores"][0]
        assert (best["forecast"], best["groups"]) == (name, 8 * len(symbols))
        assert _inside(best["bins"]) >= len(best["bins"]) - 2
        assert best["brier_skill"] > 0.5
