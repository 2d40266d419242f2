"""Every test runs in a folder and with a home of its own, with none of our variables set.

Properties draw from one seed in every run, so that two runs differ little; `make fuzz` draws from a new one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))


def _clean(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """None of our variables, and a home of one's own."""
    for name in os.environ:
        if name.startswith(("WHEEL_", "DAGSTER_")) or name in ("ACCOUNT_ID", "PORTFOLIO_VALUE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    home.mkdir()


@pytest.fixture(scope="session", autouse=True)
def clean_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No setting of this machine reaches what many tests share."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        _clean(monkeypatch, tmp_path_factory.mktemp("session") / "home")
        yield


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of this machine reaches a test; what a test writes stays in its folder."""
    _clean(monkeypatch, tmp_path / "home")
    monkeypatch.chdir(tmp_path)
