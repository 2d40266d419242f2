"""An exclusive lock on a file, given in the order of arrival, waited for without using the processor."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock on `path` for the length of the block; raises TimeoutError after `seconds`, OSError.

    The kernel gives the lock back when the process dies, however it dies. `filelock` was rejected for
    this lock: it polls, and polling is a lottery that one of twenty busy writers loses for many seconds.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _Ticket(handle).redeem(seconds)
    try:
        yield
    finally:
        _give_back(handle)


class _Ticket:
    """A place in the kernel's queue, kept by a thread: flock itself knows no time-out."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._came, self._settling, self._wanted = threading.Event(), threading.Lock(), True
        threading.Thread(target=self._wait, daemon=True).start()

    def redeem(self, seconds: float) -> None:
        """Wait for the lock; where that takes too long or is interrupted, it is passed on when it comes."""
        try:
            if not self._came.wait(seconds):
                raise TimeoutError(f"no lock within {seconds:g} s")
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
    """Unlock and close; closing alone would leave the lock with a child that was forked meanwhile."""
    fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)
