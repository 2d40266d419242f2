"""Leases on snapshots: they keep the inputs of running steps from being evicted.

A lease is a file on which its process holds a kernel lock: when the process dies, however it dies, the lock is gone,
and the next process that lists the leases removes the file.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Collection
from pathlib import Path
from uuid import uuid4

log = logging.getLogger(__name__)


class Leases:
    """The leases on the snapshots of one cache; `folder` holds those of all processes.

    A lease that cannot be written (a full disk) is skipped with a warning.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: dict[str, list[tuple[int, Path]]] = {}

    def hold(self, owner: str, snapshot_ids: Collection[int]) -> None:
        """Protect these snapshots until `owner`, a step of a run, releases them."""
        if not snapshot_ids:
            return
        path = self.folder / f"{uuid4().hex}.lease"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path.with_suffix(".new"), os.O_RDWR | os.O_CREAT, 0o600)
            self._held.setdefault(owner, []).append((handle, path))
            fcntl.flock(handle, fcntl.LOCK_EX)
            os.write(handle, json.dumps(sorted(snapshot_ids)).encode())
            # Renamed last: other processes must not see it before it is complete and locked.
            os.rename(path.with_suffix(".new"), path)
        except OSError as error:
            log.warning("the inputs of the step are not protected from eviction: %s", error)

    def release(self, owner: str) -> None:
        """Release all snapshots that `owner` holds."""
        for handle, path in self._held.pop(owner, []):
            path.unlink(missing_ok=True)
            fcntl.flock(handle, fcntl.LOCK_UN)
            os.close(handle)

    def held(self) -> set[int]:
        """Ids of the snapshots that any living process holds."""
        ids: set[int] = set()
        for path in self.folder.glob("*.lease"):
            try:
                ids |= _ids(path)
            except FileNotFoundError:
                continue  # released meanwhile
        return ids


def _ids(path: Path) -> set[int]:
    """The ids of a lease; the lease of a dead process is removed and has none."""
    handle = os.open(path, os.O_RDONLY)
    try:
        # The owner holds its lock until it dies: if the lock can be had, the lease is abandoned.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with open(handle, "rb", closefd=False) as file:
            return set(json.loads(file.read()))
    else:
        path.unlink(missing_ok=True)
        return set()
    finally:
        os.close(handle)
