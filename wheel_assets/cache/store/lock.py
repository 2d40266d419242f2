"""An exclusive lock on a file, given in the order of arrival, waited for without using the processor."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock on `path` for the length of the block; raises TimeoutError after `seconds`, OSError.

    The kernel releases the lock when the process dies, however it dies. A waiter holds a second lock, which every
    process takes first: without it, a process that takes the lock again and again, as a backup does, gets it before the
    waiters that the kernel has just woken. `filelock` was rejected here: it polls, and one of twenty busy writers can
    lose that race for seconds.
    """
    deadline = time.monotonic() + seconds
    head_of_queue = _acquire(Path(f"{path}.queue"), seconds)
    try:
        handle = _acquire(path, max(0.0, deadline - time.monotonic()), seconds)
    finally:
        _give_back(head_of_queue)
    try:
        yield
    finally:
        _give_back(handle)


def _acquire(path: Path, seconds: float, in_all: float | None = None) -> int:
    """File descriptor that holds the lock on a file."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _Ticket(handle).redeem(seconds, seconds if in_all is None else in_all)
    return handle


class _Ticket:
    """A position in the kernel's queue, waited for by a thread because flock has no time-out."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._came, self._settling, self._wanted = threading.Event(), threading.Lock(), True
        threading.Thread(target=self._wait, daemon=True).start()

    def redeem(self, seconds: float, in_all: float) -> None:
        """Wait for the lock; on time-out or interrupt the thread releases it as soon as it is granted.

        `in_all` is the wait that the error names, both locks together, seconds.
        """
        try:
            if not self._came.wait(seconds):
                raise TimeoutError(f"no lock within {in_all:g} s")
        except BaseException:
            with self._settling:
                self._wanted = False
                if self._came.is_set():
                    _give_back(self._handle)
            raise

    def _wait(self) -> None:
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        with self._settling:
            self._came.set()
            if not self._wanted:
                _give_back(self._handle)


def _give_back(handle: int) -> None:
    """Unlock and close; closing alone would leave the lock with a child process forked meanwhile."""
    fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)
