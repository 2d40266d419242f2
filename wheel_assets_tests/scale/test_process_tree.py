"""The benchmark counts processes that nobody waited for."""

from __future__ import annotations

import subprocess
import sys

from wheel_assets_tests.scale.conftest import CLONE

BUSY = "import time; any(time.process_time() > 1 for _ in iter(int, 1))"
# The child leaves a process behind and ends at once; what adopts it is a process of its own, not the tests'.
MEASURED = f"""
import subprocess, sys
from benchmarks.process_tree import measured
leaves = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BUSY!r}])"
with measured() as used:
    subprocess.run([sys.executable, "-c", leaves], check=True)
assert used.processor > 1, used
"""


def test_a_process_left_behind_is_counted():
    subprocess.run([sys.executable, "-c", MEASURED], cwd=CLONE, check=True, timeout=100)
