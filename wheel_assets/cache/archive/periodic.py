"""Periodic archives: one is written after a store operation where the newest is old enough."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wheel_assets.cache.archive.backup import backup
from wheel_assets.cache.archive.locations import newest_time
from wheel_assets.errors import StoreError, UsageError

if TYPE_CHECKING:
    from wheel_assets.cache.store.store import Store
    from wheel_assets.sections import BackupSettings

log = logging.getLogger(__name__)


class PeriodicBackup:
    """Write an archive after a store operation if the newest one is older than `interval`.

    There is no scheduler: call it after a write. A failure is only a warning, because the write itself succeeded; the
    next attempt comes an interval later.
    """

    def __init__(self, destination: str, interval: timedelta) -> None:
        self.destination, self.interval = destination, interval
        self._last: datetime | None = None

    def __call__(self, store: Store) -> None:
        """Back up the store if due."""
        now = store.clock()
        if self._recent(now):
            return
        try:
            self._last = newest_time(self.destination)  # another process may have done it
            if not self._recent(now):
                backup(store, self.destination)
                self._last = now
        except (StoreError, UsageError) as error:
            self._last = now
            log.warning("the cache was not backed up: %s", error)

    def _recent(self, now: datetime) -> bool:
        return self._last is not None and timedelta(0) <= now - self._last < self.interval


def periodic_backup(backups: BackupSettings) -> PeriodicBackup | None:
    """The periodic backup as configured; None where none is configured."""
    if backups.dir is None or backups.interval_hours is None:
        return None
    return PeriodicBackup(backups.dir, timedelta(hours=backups.interval_hours))
