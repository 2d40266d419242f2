"""Becomes the command given; should whoever started it die, however it dies, the command is asked to end (Linux)."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if sys.platform == "linux":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # it may be ignored here: Dagster treats it as SIGINT
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before it could be asked for
        sys.exit(1)
os.execv(sys.argv[1], sys.argv[1:])
