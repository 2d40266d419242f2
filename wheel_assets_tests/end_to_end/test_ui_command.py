"""`wheel ui` is private, works without a configuration, and ends as one, however it ends."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

PROCESSES = Path("/proc")


def session_of(pid: int) -> set[int]:
    """The processes below this one, found by their parents."""
    parents = {}
    for folder in PROCESSES.glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue  # it ended meanwhile
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def alive(pid: int) -> bool:
    try:
        return (PROCESSES / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def open_link(server) -> None:
    """Open the link as a browser would, and keep the cookie."""
    link = server.wait_for(lambda: server.link)
    with pytest.raises(urllib.error.HTTPError, match="303") as answer:
        urllib.request.build_opener(_Stay).open(link, timeout=30)
    assert answer.value.headers["Location"].startswith("/assets/recommendation")
    server.cookie = answer.value.headers["Set-Cookie"].partition(";")[0]
    answer.value.close()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_it_is_private_tells_nobody_and_ends_as_one(guarded_server, tmp_path, how):
    open_link(guarded_server)
    guarded_server.wait_for(guarded_server.assets)
    assert guarded_server.log.read_text().count("\n") == 1, "the link and nothing else"
    records = tmp_path / "dagster"
    assert records.stat().st_mode & 0o777 == 0o700
    assert not [path for path in records.rglob("*") if path.stat().st_mode & 0o077]
    below = session_of(guarded_server.process.pid)
    assert len(below) >= 3  # server, daemon, code server
    os.kill(guarded_server.process.pid, how)
    guarded_server.wait_for(lambda: not any(map(alive, below)), seconds=40)


def test_a_killed_test_leaves_no_process(user):
    script = "import subprocess, sys; p = subprocess.Popen(sys.argv[1:]); print(p.pid, flush=True); input()"
    leash = str(Path(__file__).parent / "leash.py")
    command = [sys.executable, "-c", script, sys.executable, leash, sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as tests:
        child = int(tests.stdout.readline())
        became = "\0".join(command[-3:])  # while a process starts, its command line reads as empty
        while (PROCESSES / str(child) / "cmdline").read_text().strip("\0") != became:
            time.sleep(0.05)
        tests.kill()
        tests.wait()
        deadline = time.monotonic() + 10
        while alive(child):
            assert time.monotonic() < deadline
            time.sleep(0.05)
