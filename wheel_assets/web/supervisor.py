"""Supervisor of the web server: all its processes end with it, also when it is killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress

GRACE_SECONDS = 15


def supervise(*arguments: str) -> int:
    """Run `wheel_assets.web.host` in its own session until it exits or this process is stopped; return its exit code.

    The host reads a pipe whose only writer is this process: when it closes, the host ends with all its children.
    Files are the owner's alone, temporary ones lie in a private folder.
    """
    os.umask(0o077)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    folder = tempfile.mkdtemp(prefix="wheel-ui-")
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "wheel_assets.web.host", str(reading), *arguments]
    environment = {**os.environ, "TMPDIR": folder}
    host = subprocess.Popen(command, env=environment, pass_fds=[reading], start_new_session=True)
    os.close(reading)
    try:
        return host.wait()
    except KeyboardInterrupt:
        os.close(writing)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            host.wait(GRACE_SECONDS)
        return 0
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(host.pid, signal.SIGKILL)
        host.wait()
        shutil.rmtree(folder, ignore_errors=True)
