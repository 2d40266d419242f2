"""A process that waits for another's pull logs for whom, and not for ever."""

import os

import pytest
from filelock import FileLock

from wheel_assets.cache.store.pull_lock import pull_lock
from wheel_assets.errors import StoreBusy


def test_a_waiter_names_the_process_and_gives_up(tmp_path, caplog):
    with FileLock(tmp_path / "greeks.U.lock"):
        (tmp_path / "greeks.U.owner").write_text("process 4711 since 09:00:00 UTC")
        waiting = pull_lock(tmp_path, "greeks.U", warn_after=0.01, give_up_after=0.05)
        with pytest.raises(StoreBusy, match="greeks.U has been pulled by process 4711 since 09:00:00 UTC"), waiting:
            pass
    assert "greeks.U is being pulled by process 4711 since 09:00:00 UTC; waiting" in caplog.text


def test_the_holder_leaves_its_name_while_it_pulls(tmp_path):
    with pull_lock(tmp_path, "greeks.U"):
        assert f"process {os.getpid()}" in (tmp_path / "greeks.U.owner").read_text()
    assert not (tmp_path / "greeks.U.owner").exists()
