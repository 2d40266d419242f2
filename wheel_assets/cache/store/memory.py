"""Memory cache of the snapshots that this process stored last: the next step of a run mostly reads those."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from wheel_assets.cache.policy import Snapshot

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 100_000


class MemoryCache:
    """Frames by snapshot id, as the file would return them, up to MAX_ROWS rows; the oldest are dropped first."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[Snapshot, pd.DataFrame]] = {}

    def keep(self, snapshot: Snapshot, frame: pd.DataFrame) -> None:
        """Keep the rows of a snapshot just stored."""
        self._kept[snapshot.snapshot_id] = snapshot, frame
        while sum(len(rows) for _, rows in self._kept.values()) > MAX_ROWS:
            del self._kept[min(self._kept)]

    def get(self, snapshot_ids: Collection[int]) -> list[pd.DataFrame]:
        """The frames of these snapshots, copied because a caller may change them; none unless all are in memory."""
        if not all(i in self._kept for i in snapshot_ids):
            return []
        return [self._kept[i][1].copy() for i in snapshot_ids]

    def forget_others(self, index: Collection[Snapshot]) -> None:
        """Drop frames whose id belongs to another snapshot in the index: ids restart when the file is deleted."""
        for snapshot in index:
            kept, _ = self._kept.get(snapshot.snapshot_id, (snapshot, None))
            if (kept.cache_key, kept.created_at) != (snapshot.cache_key, snapshot.created_at):
                del self._kept[snapshot.snapshot_id]
