"""A short run of the kill harness: writers with evictions, a compactor and a backup, killed together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[3] / "benchmarks" / "kills.py"


@pytest.mark.slow
def test_kills_lose_nothing_and_leave_a_cache_that_works(tmp_path):
    done = subprocess.run([sys.executable, str(HARNESS), "--kills", "6"], capture_output=True, text=True)
    found = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines())
    assert done.returncode == 0, done.stdout + done.stderr
    assert found["kills"] == "6"
    assert {found[name] for name in ("missing", "not whole", "errors")} == {"0"}
    assert int(found["verified"]) > 0
