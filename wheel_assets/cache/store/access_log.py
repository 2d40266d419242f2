"""Access log: which snapshots were read and when; appended at each read, moved to the index with the next write.

Updating the index at every read was rejected: it turns a read of 1 ms into a write of 8 ms. Keeping the log in memory
was rejected too: another process that evicts would not know which snapshots were just used.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FULL_BYTES = 500_000  # of records; from there on they are moved to the index
_RECORD = struct.Struct("<qq")  # id of the snapshot, microseconds since 1970
_EPOCH = datetime(1970, 1, 1)


class AccessLog:
    """The log file beside a cache."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def waiting(self) -> bool:
        """Whether there are records not yet in the index."""
        return self.path.exists() and self.path.stat().st_size > 0

    def add(self, snapshot_ids: Collection[int], at: datetime) -> bool:
        """Record a use of each at `at` (naive UTC); return whether the log is due to be moved to the index."""
        moment = (at - _EPOCH) // timedelta(microseconds=1)
        with self._locked(os.O_WRONLY | os.O_APPEND) as handle:
            os.write(handle, b"".join(_RECORD.pack(snapshot_id, moment) for snapshot_id in snapshot_ids))
            return os.fstat(handle).st_size > FULL_BYTES

    def move_to(self, connection: DuckDBPyConnection) -> None:
        """Add the records to the index of the attached cache and empty the log."""
        with self._taken() as uses:
            if uses:
                hits, last = ([use[i] for use in uses.values()] for i in (0, 1))
                connection.execute(
                    "UPDATE snapshots SET hits = snapshots.hits + used.hits, "
                    "last_used_at = greatest(last_used_at, used.at) FROM (SELECT unnest(?::BIGINT[]) AS id, "
                    "unnest(?::BIGINT[]) AS hits, unnest(?::TIMESTAMP[]) AS at) used WHERE snapshot_id = used.id",
                    [list(uses), hits, last],
                )

    @contextmanager
    def _taken(self) -> Iterator[dict[int, tuple[int, datetime]]]:
        """Number of uses and last use (naive UTC) by snapshot; the log is emptied when the block succeeds."""
        if not self.path.exists():
            yield {}
            return
        with self._locked(os.O_RDWR) as handle:
            content = os.read(handle, os.fstat(handle).st_size)
            uses: dict[int, tuple[int, datetime]] = {}
            for snapshot_id, moment in _RECORD.iter_unpack(content[: len(content) // _RECORD.size * _RECORD.size]):
                count, last = uses.get(snapshot_id, (0, _EPOCH))
                uses[snapshot_id] = (count + 1, max(last, _EPOCH + timedelta(microseconds=moment)))
            yield uses
            os.ftruncate(handle, 0)

    @contextmanager
    def _locked(self, flags: int) -> Iterator[int]:
        handle = os.open(self.path, flags | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        finally:
            os.close(handle)
