"""Bounds that contradict each other are refused, by name."""

from __future__ import annotations

import pytest

from wheel_assets.errors import SettingError
from wheel_assets.settings import load_settings


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """No .env and no wheel.toml."""
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MIN_DAYS", "60", "WHEEL_STRATEGY__MAX_DAYS=45 is refused.*below WHEEL_STRATEGY__MIN_DAYS=60"),
        ("MIN_DELTA", "0.4", "WHEEL_STRATEGY__MAX_PUT_DELTA=0.3 is refused.*below WHEEL_STRATEGY__MIN_DELTA=0.4"),
        ("TAKE_PROFIT", "0", "WHEEL_STRATEGY__TAKE_PROFIT=0 is refused"),
        ("PRICE", "last", "WHEEL_STRATEGY__PRICE=last is refused"),
    ],
)
def test_a_bad_bound_is_named(nowhere, name, value, said):
    nowhere.setenv(f"WHEEL_STRATEGY__{name}", value)
    with pytest.raises(SettingError, match=said):
        load_settings()


def test_bounds_may_meet(nowhere):
    nowhere.setenv("WHEEL_STRATEGY__MIN_DAYS", "45")
    assert load_settings().strategy.min_days == 45
