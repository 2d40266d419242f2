"""Compaction: a new file replaces the old one, the only way to make a DuckDB file smaller.

Neither DELETE nor CHECKPOINT nor VACUUM shrinks the file, and deleting scattered snapshots frees hardly any of its
blocks. So the snapshots to keep are copied to a new file, verified by row count and content hash, and renamed over the
old one. A kill leaves the old file or the new one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from wheel_assets.cache.store import schema
from wheel_assets.cache.upkeep.copying import (
    copy_lists,
    copy_snapshots,
    differing,
    remove,
    slices,
    sync,
    verified_snapshots,
    warn_lost,
    with_log,
)
from wheel_assets.cache.upkeep.progress import progress_bar
from wheel_assets.cache.upkeep.snapshot_index import IndexRow, index_rows, next_id
from wheel_assets.columns import identifier
from wheel_assets.errors import StoreDamaged
from wheel_assets.tables import Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# One pass over the file, one over what was stored during it: so little is left for the last step, under the lock.
PASSES = 2


class Compaction:
    """A compact copy of the cache, written slice by slice to another file and renamed over it at the end.

    The cache is locked for one slice at a time. Snapshots never change, so a copied slice stays valid; snapshots stored
    or removed meanwhile are handled at the end. `attached` locks and attaches the cache on a separate connection,
    `drop` are the ids to leave out.

    Only verified snapshots are kept: one whose rows differ from its content hash is left out, with a warning. Raises
    StoreDamaged, changing nothing, where the copy differs from a good original.
    """

    def __init__(
        self, path: Path, tables: Sequence[Table], attached: Callable[[], AbstractContextManager[DuckDBPyConnection]]
    ) -> None:
        self.path, self.tables, self.attached = path, tables, attached
        self._scratch = path.with_name(f"{path.name}.compact")
        self._copied: dict[int, IndexRow] = {}
        self._lost: set[int] = set()

    def run(self, drop: Collection[int]) -> list[int]:
        """Copy, replace, and return the kept ids."""
        remove(self._scratch)
        try:
            with self.attached() as connection:
                self._begin(connection)
            for _ in range(PASSES):
                with self.attached() as connection:
                    lines = self._missing(connection, drop)
                self._copy(connection, lines)
            connection.execute("CHECKPOINT new")
            sync(self._scratch)  # here, so that the last step, under the lock, has little left to write
            with self.attached() as connection:
                self._finish(connection, drop)
        finally:
            remove(self._scratch)
        warn_lost(len(self._lost), len(self._lost) + len(self._copied))
        return sorted(self._copied)

    def _missing(self, connection: DuckDBPyConnection, drop: Collection[int]) -> list[IndexRow]:
        """Snapshots not copied yet."""
        done = self._copied.keys() | self._lost | set(drop)
        missing = _ids(connection) - done
        return [line for line in index_rows(connection) if line.snapshot_id in missing] if missing else []

    def _copy(self, connection: DuckDBPyConnection, lines: Sequence[IndexRow]) -> None:
        """Copy snapshots slice by slice; they are verified and packed while others use the cache."""
        with progress_bar("compacting the cache", sum(line.rows for line in lines)) as advance:
            for table in dict.fromkeys(line.table for line in lines):
                for piece in slices([line for line in lines if line.table == table]):
                    with self.attached() as connection:
                        copied = self._copy_piece(connection, table, piece)
                    if differing(connection, table, copied):
                        with self.attached() as connection:
                            self._drop_broken(connection, table, copied)
                    connection.execute("CHECKPOINT new")
                    advance(sum(line.rows for line in piece))

    def _begin(self, connection: DuckDBPyConnection) -> None:
        """Create the empty copy. It has no log: it counts once it is whole, and the log would take room on the disk."""
        connection.execute("SET threads = 1")  # with more, the slices are stored with gaps between them
        connection.execute("ATTACH ? AS new (RECOVERY_MODE NO_WAL_WRITES)", [str(self._scratch)])
        schema.create(connection, "new", self.tables)
        connection.execute("USE cache")

    def _copy_piece(self, connection: DuckDBPyConnection, table: str, lines: Sequence[IndexRow]) -> list[IndexRow]:
        """Copy snapshots of one table, except those removed meanwhile, and return the others."""
        ids = [line.snapshot_id for line in lines]
        there = "SELECT snapshot_id FROM snapshots WHERE snapshot_id IN (SELECT unnest(?::BIGINT[]))"
        still = {row[0] for row in connection.execute(there, [ids]).fetchall()}
        lines = [line for line in lines if line.snapshot_id in still]
        if lines:
            schema.adopt(connection, "cache", "new")
            copy_snapshots(connection, table, lines, tolerant=False)
            self._copied |= {line.snapshot_id: line for line in lines}
        return lines

    def _drop_broken(self, connection: DuckDBPyConnection, table: str, lines: Sequence[IndexRow]) -> None:
        """Leave out the copied snapshots that were already incomplete in the cache."""
        whole = verified_snapshots(connection, table, lines, tolerant=False)
        for lost in {line.snapshot_id for line in lines} - set(whole):
            self._lost.add(lost)
            del self._copied[lost]

    def _finish(self, connection: DuckDBPyConnection, drop: Collection[int]) -> None:
        """Apply the changes made meanwhile, and rename the copy over the cache."""
        # Folded in first: a write-ahead log left beside the path would be replayed onto the new file.
        connection.execute("CHECKPOINT cache")
        new = self._missing(connection, drop)
        for table in dict.fromkeys(line.table for line in new):
            for piece in slices([line for line in new if line.table == table]):
                self._drop_broken(connection, table, self._copy_piece(connection, table, piece))
        # Cleared or evicted by another process during the copy.
        for gone in self._copied.keys() - _ids(connection):
            table = self._copied.pop(gone).table
            connection.execute(f"DELETE FROM new.{identifier(table)} WHERE snapshot_id = ?", [gone])
        schema.adopt(connection, "cache", "new")
        with schema.one_transaction(connection):
            copy_lists(connection, sorted(self._copied), tolerant=False)
            first = next_id(connection, self._copied)
            connection.execute(f"CREATE OR REPLACE SEQUENCE new.snapshot_ids START WITH {first:d}")
        connection.execute("CHECKPOINT new")
        connection.execute("DETACH new")
        if any(with_log(path)[1].exists() for path in (self._scratch, self.path)):
            raise StoreDamaged(
                f"the cache {self.path} was not compacted", "a write-ahead log was left over", "run again"
            )
        self._scratch.chmod(0o600)
        sync(self._scratch)
        os.replace(self._scratch, self.path)
        sync(self.path.parent)


def _ids(connection: DuckDBPyConnection) -> set[int]:
    """The ids of all snapshots in the index."""
    return {row[0] for row in connection.execute("SELECT snapshot_id FROM snapshots").fetchall()}
