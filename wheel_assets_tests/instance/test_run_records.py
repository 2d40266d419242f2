"""Dagster's records do not grow without bound, and a killed run does not count as running for ever."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from wheel_assets.instance import run_records
from wheel_assets.instance.run_records import (
    FEW,
    PROCESS,
    compact,
    forget_materializations,
    mark_dead_runs,
    prune_runs,
    tend,
    this_process,
)

EVER = datetime(2000, 1, 1)  # nothing is older
DAY = timedelta(days=1)


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


@dg.job
def short_job() -> None:
    """Nothing but a run record."""


@pytest.fixture(scope="module")
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of an instance without a run, made once."""
    folder = tmp_path_factory.mktemp("home")
    with dg.instance_for_test(temp_dir=str(folder)) as instance:
        instance.get_runs()
    return folder


@pytest.fixture
def home(tmp_path: Path, new_home: Path):
    """An instance on SQLite files."""
    shutil.copytree(new_home, tmp_path, dirs_exist_ok=True)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        yield instance


def finished(home: dg.DagsterInstance, count: int) -> list[str]:
    return [short_job.execute_in_process(instance=home).run_id for _ in range(count)]


def ids(home: dg.DagsterInstance) -> set[str]:
    return set(home.get_run_ids())


def killed(home: dg.DagsterInstance, **options) -> str:
    run = home.create_run_for_job(short_job, status=dg.DagsterRunStatus.STARTED, **options)
    return run.run_id


def status(home: dg.DagsterInstance, run_id: str) -> str:
    return home.get_run_by_id(run_id).status.value


def test_old_runs_are_pruned_with_their_files_and_new_ones_stay(home, tmp_path):
    (run_id,) = finished(home, 1)
    assert prune_runs(home, now() - DAY) == 0
    assert prune_runs(home, now() + DAY, dry_run=True) == 1
    assert list(tmp_path.rglob(f"*{run_id}*"))
    assert prune_runs(home, now() + DAY) == 1
    assert home.get_runs_count() == 0
    assert not list(tmp_path.rglob(f"*{run_id}*"))


@pytest.mark.slow
def test_only_the_newest_of_many_young_runs_stay(home, monkeypatch):
    monkeypatch.setattr(run_records, "KEPT_RUNS", 2)
    made = finished(home, 4)
    assert prune_runs(home, EVER, dry_run=True) == 2
    assert prune_runs(home, EVER) == 2
    assert ids(home) == set(made[2:])


@pytest.mark.slow
def test_a_run_ends_with_removing_a_few_of_the_oldest(home, monkeypatch):
    monkeypatch.setattr(run_records, "KEPT_RUNS", 1)
    made = finished(home, FEW + 3)
    tend(home, EVER)
    assert ids(home) == set(made[FEW:])


def test_a_run_that_is_being_executed_is_never_removed(home, monkeypatch):
    monkeypatch.setattr(run_records, "KEPT_RUNS", 0)
    running = killed(home, tags={PROCESS: this_process()})
    finished(home, 1)
    tend(home, now() + 9 * DAY)
    assert ids(home) == {running}
    assert status(home, running) == "STARTED"


@pytest.mark.parametrize(("days_later", "pruned"), [(0.9, 0), (2.1, 1)])
def test_a_run_that_never_began_is_pruned_a_day_later_than_one_that_ended(home, days_later, pruned):
    home.create_run_for_job(short_job, status=dg.DagsterRunStatus.NOT_STARTED)
    assert prune_runs(home, now() + days_later * DAY) == pruned


def test_a_run_whose_process_is_gone_is_marked_failed_and_says_so(home):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    host = this_process().rpartition(":")[0]
    run_id = killed(home, tags={PROCESS: f"{host}:{process.pid}"})
    assert mark_dead_runs(home) == 1
    assert status(home, run_id) == "FAILURE"
    assert f"its process {process.pid} is gone" in home.all_logs(run_id)[-1].dagster_event.message


def test_of_another_machine_only_an_hour_of_silence_tells(home, monkeypatch):
    run_id = killed(home, tags={PROCESS: "elsewhere:1"})
    assert mark_dead_runs(home) == 0
    monkeypatch.setattr(run_records, "SILENT_AFTER", timedelta(0))
    assert mark_dead_runs(home) == 1
    assert status(home, run_id) == "FAILURE"


def test_a_run_that_reports_is_alive_however_long_ago_it_began(home, monkeypatch):
    run_id = killed(home)
    monkeypatch.setattr(run_records, "SILENT_AFTER", timedelta(seconds=30))
    began = home.get_run_record_by_id(run_id).update_timestamp
    with home.run_storage.connect() as connection:
        connection.exec_driver_sql("UPDATE runs SET update_timestamp = ?", (began.replace(year=2020).isoformat(" "),))
    home.report_engine_event("still at it", run_id=run_id, job_name="short_job")
    assert mark_dead_runs(home) == 0


@pytest.mark.slow
def test_compacting_gives_the_room_of_removed_records_back(home, tmp_path):
    for number in range(60):
        home.report_runless_asset_event(dg.AssetMaterialization("a", metadata={"text": "x" * 20_000, "n": number}))
    (index,) = tmp_path.rglob("index.db")
    with closing(sqlite3.connect(index)) as connection:
        connection.execute("DELETE FROM event_logs")
        connection.commit()
    before = index.stat().st_size
    compact(home)
    with closing(sqlite3.connect(index)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert index.stat().st_size < before / 3


def test_records_that_cannot_be_removed_are_only_warned_of(home, caplog, monkeypatch):
    monkeypatch.setattr(run_records, "prune_runs", _full_disk)
    tend(home, EVER)
    assert "old run records were not removed: no space" in caplog.text


def _full_disk(*_: object, **__: object) -> int:
    raise OSError("no space")


@pytest.mark.slow
def test_every_asset_run_tends_the_records(tmp_path):
    """By whatever way in: the IO manager's end, in the process of the run."""
    script = """
import dagster as dg, json, sys
from wheel_assets.instance import run_records
run_records.KEPT_RUNS = 1
from wheel_assets.definitions import defs
job = defs.resolve_implicit_global_asset_job_def()
with dg.instance_for_test(temp_dir=sys.argv[1]) as home:
    for _ in range(4):
        job.execute_in_process(asset_selection=[dg.AssetKey("risk_free_rate")], instance=home)
    print(json.dumps(home.get_runs_count()))
"""
    (tmp_path / "home_of_dagster").mkdir()
    command = [sys.executable, "-c", script, str(tmp_path / "home_of_dagster")]
    environment = os.environ | {"WHEEL_CACHE__DIR": str(tmp_path / "cache")}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert json.loads(done.stdout) == 2  # the one that stays and the one that just ended


def test_forgetting_touches_only_the_assets_named():
    with dg.DagsterInstance.ephemeral() as home:
        for name in ("greeks", "foreign"):
            home.report_runless_asset_event(dg.AssetMaterialization(name))
        forget_materializations(home, ["greeks"])
        left = [home.get_latest_materialization_event(dg.AssetKey(name)) for name in ("greeks", "foreign")]
    assert [event is not None for event in left] == [False, True]
