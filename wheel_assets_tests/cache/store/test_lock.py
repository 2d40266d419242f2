"""The lock on the file: one at a time, in order of arrival, given back by the dead and the impatient."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from wheel_assets.cache.store.lock import exclusive

HOLDER = """
import sys
from pathlib import Path
from wheel_assets.cache.store.lock import exclusive
with exclusive(Path(sys.argv[1]), 10):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "c.lock"


@pytest.fixture
def holder(lock: Path):
    """Another process that holds the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_a_lock_that_does_not_come_is_an_error_and_leaves_no_lock(lock, holder):
    with pytest.raises(TimeoutError, match=r"0\.05 s"), exclusive(lock, 0.05):
        pytest.fail("it is held by another process")
    holder.kill()
    holder.wait()
    for _ in range(3):  # the lock that came too late was passed on
        with exclusive(lock, 10):
            pass


def test_the_lock_of_a_killed_process_is_passed_on(lock, holder):
    threading.Timer(0.1, holder.kill).start()
    with exclusive(lock, 10):
        assert holder.wait() != 0


def test_threads_of_one_process_take_turns_too(lock):
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(20):
            with exclusive(lock, 10):
                inside += 1
                most = max(most, inside)
                time.sleep(0.0005)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="handles are counted in /proc")
def test_no_handles_are_left_behind(lock, holder):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(TimeoutError), exclusive(lock, 0.01):
            pass
    holder.kill()
    holder.wait()
    deadline = time.monotonic() + 10
    while len(os.listdir("/proc/self/fd")) > before and time.monotonic() < deadline:
        time.sleep(0.01)  # each late lock is passed on by its own thread
    assert len(os.listdir("/proc/self/fd")) <= before
