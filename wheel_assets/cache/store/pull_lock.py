"""Lock of one pull: a waiter logs which process it waits for, and fails after a time limit."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from wheel_assets.errors import StoreBusy
from wheel_assets.sanitise import masked_account

# Seconds: most pulls finish before the first; no pull from a healthy vendor reaches the second.
WARN_AFTER, GIVE_UP_AFTER = 5.0, 900.0

log = logging.getLogger(__name__)


@contextmanager
def pull_lock(
    folder: Path, name: str, *, warn_after: float = WARN_AFTER, give_up_after: float = GIVE_UP_AFTER
) -> Iterator[None]:
    """Hold the lock `name` of the folder for the length of the block.

    Raises StoreBusy after `give_up_after` seconds, naming the process that holds it and since when.
    """
    table, _, key = name.partition(".")
    # An account number is hashed: file names are visible to more users than file contents.
    if masked_account(key) != key:
        name, key = f"{table}.{masked_account(key)}", hashlib.sha256(key.encode()).hexdigest()[:16]
    safe = re.sub(r"[^\w.-]", "_", f"{table}.{key}")
    lock, owner = FileLock(folder / f"{safe}.lock", poll_interval=0.02, mode=0o600), folder / f"{safe}.owner"
    _acquire(lock, owner, name, warn_after, give_up_after)
    try:
        owner.write_text(f"process {os.getpid()} since {datetime.now(UTC):%H:%M:%S} UTC")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def _acquire(lock: FileLock, owner: Path, name: str, warn_after: float, give_up_after: float) -> None:
    began = time.monotonic()
    with suppress(Timeout):
        lock.acquire(timeout=warn_after)
        return
    log.warning("%s is being pulled by %s; waiting", name, _owner(owner))
    try:
        lock.acquire(timeout=max(0.0, give_up_after - (time.monotonic() - began)))
    except Timeout:
        what = f"{name} has been pulled by {_owner(owner)} for more than {give_up_after / 60:g} minutes"
        raise StoreBusy(
            what, "that process is suspended or its vendor hangs", "end it or wait, and run again"
        ) from None


def _owner(owner: Path) -> str:
    """The holder of the lock; a killed process may have left its name."""
    try:
        return owner.read_text() or "another process"
    except OSError:
        return "another process"
