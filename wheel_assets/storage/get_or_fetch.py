"""Get or fetch for the Python API: values of any shape, stored and returned unchanged.

A frame in the columns of its table is stored there. Any other value is stored as a document, and its contracts or
holdings as rows of the table too, for SQL. Keys (`option_chains:U:2026-12-18`) and fingerprint are separate from those
of the assets: a value fetched by a user is never served to an asset.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from wheel_assets.cache.policy import API, API_ROWS, CLOCK_TOLERANCE, Snapshot
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.errors import StoreBusy, StoreUnwritable
from wheel_assets.storage.encoding import decode, encode, has_content
from wheel_assets.tables import DOCUMENTS, SnapshotTable

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "api"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CacheRequest:
    """A cache request: `name` within `table`, at most `max_age` old (None: any age)."""

    table: str
    name: str
    max_age: timedelta | None

    @property
    def key(self) -> str:
        """The key of the stored value."""
        return f"{self.table}:{self.name}"


@dataclass(frozen=True)
class CachedValue:
    """A cached value that returns a new copy to each caller."""

    content: Any
    is_text: bool = False

    @property
    def value(self) -> Any:
        """A copy of the value that the caller may change."""
        return decode(self.content) if self.is_text else copy.deepcopy(self.content)


class ValueCache:
    """Cached values of the Python API in a store.

    `rows_of` returns the rows for SQL of a value, from its table, name, value and time.
    """

    def __init__(self, store: Store, rows_of: Callable[[SnapshotTable, str, Any, datetime], pd.DataFrame]) -> None:
        self.store, self.rows_of = store, rows_of

    def find(self, request: CacheRequest, newer_than: int | None = None) -> tuple[CachedValue | None, int]:
        """The newest value within its maximum age or with an id above `newer_than`, and the highest id.

        Logs `cache_hit` or `cache_miss` with the age, the limit and the reason; the miss only once.
        """
        index, newest = self.store.index([(request.table, request.key), (DOCUMENTS.name, request.key)])
        snapshot = next((s for s in index if s.fingerprint == API), None)
        age = self.store.clock() - snapshot.created_at if snapshot else None
        reason = _reason(request, snapshot, age, newer_than)
        if reason == "fresh" or newer_than is None:
            log.info(
                "%s table=%s key=%s age_minutes=%s max_age_minutes=%s reason=%s",
                "cache_hit" if reason == "fresh" else "cache_miss",
                request.table, request.name, _minutes(age), _minutes(request.max_age), reason,
            )  # fmt: skip
        if snapshot is None or reason != "fresh":
            return None, newest
        self.store.touch([snapshot])
        return self._load(snapshot), newest

    def get_or_fetch(self, request: CacheRequest, fetch: Callable[[], Any], newer_than: int) -> CachedValue:
        """The value that another process has stored meanwhile, else the result of `fetch`, stored.

        One process at a time fetches a key. An empty result is returned and not stored; nor is one without room on the
        disk, which is logged.
        """
        with self.store.pulling([(request.table, f"api:{request.name}")]):
            found, _ = self.find(request, newer_than)
            if found is not None:
                return found
            value = fetch()
            if value is None or _is_empty(value):
                log.warning("%s came back empty and is not cached", request.key)
                return CachedValue(value)
            return self.keep(request, value)

    def keep(self, request: CacheRequest, value: Any) -> CachedValue:
        """Store a value and return it.

        Raises BadFrame for a frame without the columns of its table, or a value that would not be returned unchanged.
        """
        try:
            if hasattr(value, "columns"):
                return self._keep_frame(request, value)
            text = encode(value)
            now = self.store.clock()
            rows = self.rows_of(self.store.tables[request.table], request.name, value, now)
            if not rows.empty:
                self._put(request.table, request, rows, API_ROWS)
            document = {"timestamp": now, "key": request.key, "document": text}
            self._put(DOCUMENTS.name, request, _frame([document]))
            return CachedValue(text, is_text=True)
        except (StoreUnwritable, StoreBusy) as error:
            log.warning("%s was fetched but not cached: %s", request.key, error)
            return CachedValue(value)

    def _keep_frame(self, request: CacheRequest, frame: pd.DataFrame) -> CachedValue:
        return self._load(self._put(request.table, request, frame))

    def _put(self, table: str, request: CacheRequest, frame: pd.DataFrame, fingerprint: str = API) -> Snapshot:
        return self.store.put(table, [Entry(request.key, frame, SOURCE, fingerprint=fingerprint)])[0]

    def _load(self, snapshot: Snapshot) -> CachedValue:
        frame = self.store.get(snapshot.table, [snapshot.snapshot_id])
        if snapshot.table == DOCUMENTS.name:
            return CachedValue(frame["document"].iloc[0], is_text=True)
        return CachedValue(frame.drop(columns=["snapshot_id", "created_at"]))


def _reason(request: CacheRequest, snapshot: Snapshot | None, age: timedelta | None, newer_than: int | None) -> str:
    if snapshot is None or age is None:
        return "absent"
    if newer_than is not None and snapshot.snapshot_id > newer_than:
        return "fresh"
    fresh = request.max_age is None or -CLOCK_TOLERANCE <= age <= request.max_age
    return "fresh" if fresh else "too_old"


def _is_empty(value: Any) -> bool:
    return bool(value.empty) if hasattr(value, "columns") else not has_content(value)


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)


def _minutes(time: timedelta | None) -> float | None:
    return None if time is None else round(time.total_seconds() / 60, 2)
