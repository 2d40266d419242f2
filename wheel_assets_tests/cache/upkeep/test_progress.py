"""Progress is told to a log now and then, and on a terminal where somebody waits."""

from __future__ import annotations

import os
import pty
import queue
import subprocess
import sys
import threading
import time
import uuid

import dagster as dg
import pytest

from wheel_assets.cache.upkeep import progress
from wheel_assets.cache.upkeep.progress import reporting_progress

SCRIPT = """
import time
from wheel_assets.cache.upkeep import progress
progress.PATIENCE_SECONDS = 0.0
waiting = progress.watched() if {watched} else progress.progress_bar("x", 1)
with waiting, progress.reporting_progress("chains", lambda _: None) as report:
    report("3 of 10 symbols")
    time.sleep(0.5)
print("done")
"""


def test_what_is_done_soon_reports_no_progress():
    log = []
    with reporting_progress("chains", log.append) as report:
        report("1 of 9 symbols")
    assert log == []


def test_a_log_gets_the_newest_and_nothing_twice(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.01)
    log = queue.Queue()
    with reporting_progress("chains", log.put) as report:
        for number in (3, 7):
            report(f"{number} of 9 symbols")
            assert log.get(timeout=30) == f"chains: {number} of 9 symbols"
        time.sleep(0.1)
    assert log.empty()


@pytest.mark.slow
@pytest.mark.parametrize("watched", [True, False])
def test_a_terminal_shows_a_status_line_while_waiting(watched):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", SCRIPT.format(watched=watched)]
    done = subprocess.run(command, stderr=theirs, stdout=subprocess.PIPE, text=True, check=True)
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        seen = b"" if not watched else terminal.read(65536)
    assert (b"chains: 3 of 10 symbols" in seen) is watched
    assert done.stdout == "done\n"


@pytest.mark.slow
def test_without_a_terminal_nothing_is_shown():
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(watched=True)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("done\n", "")


@pytest.mark.slow
def test_the_page_of_a_run_shows_its_progress(monkeypatch, tmp_path):
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.01)
    from wheel_assets.definitions import defs
    from wheel_assets.fetch.sample.sources import SampleMarket

    history = SampleMarket.price_history
    may_end = threading.Event()

    def slow(market, symbol, now):
        if symbol == "PLTR":
            may_end.wait(30)
        return history(market, symbol, now)

    def log_of(run):
        lines = [entry.user_message for entry in home.all_logs(run)]
        if "price_history: 2 of 3 symbols" in lines:
            may_end.set()
        return lines

    monkeypatch.setattr(SampleMarket, "price_history", slow)
    job = defs.resolve_implicit_global_asset_job_def()
    config = {"ops": {"price_history": {"config": {"symbols": ["U", "SMCI", "PLTR"]}}}}
    with dg.instance_for_test(temp_dir=str(tmp_path)) as home:
        run = str(uuid.uuid4())
        watcher = threading.Thread(target=lambda: [log_of(run) for _ in iter(lambda: may_end.wait(0.05), True)])
        watcher.start()
        options = {"asset_selection": [dg.AssetKey("price_history")], "run_config": config, "run_id": run}
        job.execute_in_process(instance=home, **options)
        watcher.join()
        assert "price_history: 2 of 3 symbols" in log_of(run)
