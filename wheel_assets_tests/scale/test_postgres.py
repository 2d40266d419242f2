"""Dagster's records in a real PostgreSQL: many runs at once, none lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from wheel_assets_tests.scale.conftest import CLONE

RUNS = 50


@pytest.fixture
def home(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that DAGSTER_HOME names, with the configuration that is shipped for PostgreSQL."""
    folder = tmp_path / "dagster_home"
    folder.mkdir()
    shutil.copy(CLONE / "dagster.postgres.yaml", folder / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", postgres_url)
    with dg.DagsterInstance.get():
        pass  # as dagster.postgres.yaml says: the tables are made before many come at once
    return folder


def test_fifty_runs_at_once_are_all_recorded(home: Path) -> None:
    command = [sys.executable, "-m", "wheel_assets.cli", "recommend", "--json", "--fresh"]
    runs = [
        subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for _ in range(RUNS)
    ]
    ended = [run.communicate(timeout=900)[1] for run in runs]
    assert [told for run, told in zip(runs, ended, strict=True) if run.returncode] == []
    with dg.DagsterInstance.get() as instance:
        recorded = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))
        events = instance.get_records_for_run(recorded[0].run_id).records
    asked = [run for run in recorded if "wheel/pulled_by" not in run.tags]
    assert len(asked) == RUNS
    assert events
