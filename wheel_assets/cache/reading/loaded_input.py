"""An input with the record of how it was read: source, age, hit or miss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from wheel_assets.cache.policy import LookupResult, Reason, Snapshot

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LoadedInput:
    """The rows of an input and how they were read, for each input that a step annotates with this type.

    `reads` holds one mapping per key, see `described`; `not_fetched` the reason of each missing key.
    """

    frame: pd.DataFrame
    reads: tuple[Mapping[str, Any], ...] = ()
    not_fetched: Mapping[str, str] = field(default_factory=dict)


def was_hit(first: LookupResult, snapshot: Snapshot) -> bool:
    """Whether the loaded snapshot was found fresh at the first lookup, before any pull."""
    return first.reason is Reason.FRESH and first.snapshot == snapshot


def outcome(first: LookupResult, snapshot: Snapshot) -> str:
    """`cache_hit`, `cache_miss`, or `cache_stale`: it could not be refreshed and `allow_stale` permitted it."""
    if was_hit(first, snapshot):
        return "cache_hit"
    kept = first.snapshot == snapshot and first.reason is not Reason.FORCED
    return "cache_stale" if kept else "cache_miss"


def described(first: LookupResult, last: LookupResult) -> dict[str, Any]:
    """A read in plain values, from the `first` lookup and the `last` one. Times are ISO, UTC; ages in minutes.

    The maximum age is that of the first lookup, so data permitted by `allow_stale` shows as over it.
    """
    snapshot = last.snapshot
    assert snapshot is not None, "only what was loaded is described"
    return {
        "table": last.table,
        "key": last.key,
        "source": snapshot.source,
        "timestamp": snapshot.timestamp.isoformat(),
        "created_at": snapshot.created_at.isoformat(),
        "age_minutes": minutes(last.age),
        "max_age_minutes": minutes(first.max_age),
        "outcome": outcome(first, snapshot),
        "reason": str(Reason.FORCED if first.max_age == timedelta(0) else first.reason),
        "snapshot_id": snapshot.snapshot_id,
        "notes": list(snapshot.notes),
    }


def minutes(time: timedelta | None) -> float | None:
    """A length of time in minutes, rounded for display; None stays None."""
    return None if time is None else round(time.total_seconds() / 60, 2)
