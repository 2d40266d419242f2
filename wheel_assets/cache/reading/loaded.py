"""An input as it was read: for the step that wants to tell where its data came from and how old it is."""

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
    """The rows of an input and how they were read; a step gets one for each input that it annotates with it.

    `reads` holds one mapping a key, as `described` makes it; `not_fetched` the reason of each key that is
    missing.
    """

    frame: pd.DataFrame
    reads: tuple[Mapping[str, Any], ...] = ()
    not_fetched: Mapping[str, str] = field(default_factory=dict)


def was_hit(first: LookupResult, snapshot: Snapshot) -> bool:
    """Whether what is loaded is what was found fresh at first, before anything was pulled."""
    return first.reason is Reason.FRESH and first.snapshot == snapshot


def outcome(first: LookupResult, snapshot: Snapshot) -> str:
    """`cache_hit`, `cache_miss`, or `cache_stale`: it could not be renewed, and `allow_stale` let it through."""
    if was_hit(first, snapshot):
        return "cache_hit"
    kept = first.snapshot == snapshot and first.reason is not Reason.FORCED
    return "cache_stale" if kept else "cache_miss"


def described(first: LookupResult, last: LookupResult) -> dict[str, Any]:
    """A read in plain values: what was found `first`, what was loaded in the end. Times are ISO, UTC.

    The limit is that of the first question: data that `allow_stale` let through is seen to be over it.
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
    """A length of time in minutes, rounded to what a reader cares for."""
    return None if time is None else round(time.total_seconds() / 60, 2)
