"""Every test runs in a folder and with a home of its own, with none of our variables set.

Properties draw few examples, and the same in every run; `make fuzz` draws more of them, from a new seed each time.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Each process of tests has one core: a second thread of OpenBLAS only waits there, at full speed.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Dagster and pandas are a million objects: a tenth of the time would go into walking over them.
gc.set_threshold(50_000, 20, 50)

_patient = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.register_profile("fuzz", _patient)
settings.register_profile("repeatable", _patient, derandomize=True, database=None, max_examples=30)
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
