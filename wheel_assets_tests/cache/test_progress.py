"""Progress is told to a log now and then, and on a terminal where somebody waits."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import dagster as dg
import pytest

from wheel_assets.cache import progress
from wheel_assets.cache.progress import LOG_SECONDS, PATIENCE_SECONDS, telling

SCRIPT = """
import time
from wheel_assets.cache import progress
progress.PATIENCE_SECONDS = 0.0
waiting = progress.watched() if {watched} else progress.progress_bar("x", 1)
with waiting, progress.telling("chains", lambda _: None) as tell:
    tell("3 of 10 symbols")
    time.sleep(0.5)
print("done")
"""


@pytest.mark.parametrize(
    ("times", "logged"),
    [
        ([0, PATIENCE_SECONDS - 0.1], []),
        ([PATIENCE_SECONDS], [0]),
        ([PATIENCE_SECONDS, PATIENCE_SECONDS + 0.1, PATIENCE_SECONDS + LOG_SECONDS], [0, 2]),
        ([100, 101, 100 + LOG_SECONDS, 200], [0, 2, 3]),
    ],
)
def test_a_log_gets_a_line_after_some_patience_and_then_now_and_then(times, logged):
    now, log = [0.0], []
    with telling("chains", log.append, lambda: now[0]) as tell:
        for number, now[0] in enumerate(times):
            tell(f"{number} of 9 symbols")
    assert log == [f"chains: {number} of 9 symbols" for number in logged]


@pytest.mark.parametrize("watched", [True, False])
def test_a_terminal_shows_a_line_to_whoever_waits(watched):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", SCRIPT.format(watched=watched)]
    done = subprocess.run(command, stderr=theirs, stdout=subprocess.PIPE, text=True, check=True)
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        seen = b"" if not watched else terminal.read(65536)
    assert (b"chains: 3 of 10 symbols" in seen) is watched
    assert done.stdout == "done\n"


def test_without_a_terminal_nothing_is_shown():
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(watched=True)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_the_page_of_a_run_tells_how_far_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("WHEEL_CACHE__DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.0)
    from wheel_assets.definitions import defs

    job = defs.resolve_implicit_global_asset_job_def()
    config = {"ops": {"price_history": {"config": {"symbols": ["U", "SMCI", "PLTR"]}}}}
    with dg.DagsterInstance.ephemeral() as home:
        done = job.execute_in_process(asset_selection=[dg.AssetKey("price_history")], instance=home, run_config=config)
        lines = [entry.user_message for entry in home.all_logs(done.run_id)]
    assert "price_history: 1 of 3 symbols" in lines
