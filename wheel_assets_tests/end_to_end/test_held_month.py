"""The predictions of some weeks, held in a cache, scored by one command: a market that is made, and a recorded one."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from wheel_assets.fetch.cboe import CboeMarket
from wheel_assets.rows import Rows
from wheel_assets.tables import PRICE_HISTORY

CLONE = Path(__file__).resolve().parents[2]
REPLAY = CLONE.parent / "shared" / "market" / "replay_server.py"
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


def _scored(folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> dict[str, Any]:
    """What the one command says."""
    monkeypatch.setenv("WHEEL_CACHE__DIR", str(folder))
    command = [str(Path(sys.executable).parent / "wheel"), "outcomes", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def _inside(bins: list[dict[str, Any]]) -> int:
    return sum(b["interval_low"] <= b["mean_forecast"] <= b["interval_high"] for b in bins)


def test_in_a_fair_market_the_forecasts_are_calibrated(calibration, tmp_path, monkeypatch):
    symbols = ("SPXW", "XSP", "NDXP", "RUTW")
    calibration.held_predictions(
        tmp_path / "wheel_cache.duckdb", FairMarket(calibration), NOW, range(8, 0, -1), symbols
    )
    document = _scored(tmp_path, monkeypatch)
    for event, name in (("in_the_money", "prob_itm"), ("touched", "prob_touch")):
        best = document[event]["scores"][0]
        assert (best["forecast"], best["groups"]) == (name, 8 * len(symbols))
        assert _inside(best["bins"]) >= len(best["bins"]) - 2
        assert best["brier_skill"] > 0.5


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[CboeMarket]:
    """The recorded market, on its own days."""
    ready = tmp_path / "ready"
    command = [sys.executable, str(REPLAY), "--port", "0", "--no-shift", "--ready", str(ready)]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not (ready.exists() and ready.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    yield CboeMarket(f"http://127.0.0.1:{ready.read_text()}", lambda _: None)
    server.terminate()
    server.wait(10)


@pytest.mark.skipif(not REPLAY.exists(), reason="no recorded market beside this project")
def test_the_held_predictions_of_a_recorded_month_are_scored(calibration, recorded, tmp_path, monkeypatch):
    last = recorded.price_history("SMCI", datetime.now(UTC)).frame["date"].iloc[-1]
    now = (last + timedelta(hours=20, minutes=15)).to_pydatetime().replace(tzinfo=UTC)
    calibration.held_predictions(tmp_path / "wheel_cache.duckdb", recorded, now, range(5, 0, -1), ("SMCI", "PLTR"))
    document = _scored(tmp_path, monkeypatch)
    event = document["in_the_money"]
    assert event["scored"] > 1_000
    assert document["settled_by"] == {"close": event["scored"]}
    assert {score["forecast"] for score in event["scores"]} == {"prob_itm", "prob_itm_market", "abs_delta", "n_d2"}
    assert event["scores"][0]["brier_skill"] > 0
    alone = _scored(tmp_path, monkeypatch, "--symbol", "PLTR", "--since", f"{now - timedelta(days=15):%Y-%m-%d}")
    assert 0 < alone["in_the_money"]["scored"] < event["scored"]
