"""How old is too old, and what is in force: pure functions over snapshots and times.

A snapshot serves a read when it is young enough *and* was built from the snapshots that are in force
now. The newest snapshot of a source is in force; of a derived table, the newest that was built from
exactly the snapshots in force above it. So whatever one reader gets fits together, and a derived
snapshot dies with its inputs, however young it is.

An *optional* input is used where it is there and done without where it is not; nothing is made for its
sake. A snapshot may have been made with it or without it, but not with one that has been superseded.

A limit is asked of what is read and, where that has to be made anew, of what it is made from. A fresh
snapshot asks nothing of its ancestors: nobody needs them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

WHOLE = "all"  # the one key of a table without a key column
API_FINGERPRINTS = API, API_ROWS = "api", "api rows"  # of what users of the Python API had fetched

# Clocks of processes on one machine agree; beyond this a time in the future is a clock set back.
CLOCK_TOLERANCE = timedelta(minutes=1)

# The columns of the index that make a Snapshot, in this order.
SNAPSHOT_COLUMNS = "snapshot_id, table_name, key, timestamp, created_at, rows, source, run_id, inputs, recipe, notes"

CacheKey = tuple[str, str]  # (table, key): where a snapshot belongs


class Reason(StrEnum):
    """Why a read was, or was not, served from the cache."""

    FRESH = "fresh"
    ABSENT = "absent"
    TOO_OLD = "too_old"
    INPUT_SUPERSEDED = "input_superseded"
    FORCED = "forced"


@dataclass(frozen=True)
class Snapshot:
    """One row of the index; times are naive UTC."""

    snapshot_id: int
    table: str
    key: str
    timestamp: datetime
    created_at: datetime
    rows: int
    source: str
    run_id: str | None
    inputs: frozenset[int]
    fingerprint: str
    notes: tuple[str, ...] = ()

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Snapshot:
        """A snapshot from a row of `SNAPSHOT_COLUMNS`."""
        snapshot_id, table, key, timestamp, created_at, rows, source, run_id, inputs, fingerprint, notes = row
        built_from, told = frozenset(inputs), tuple(notes or ())
        return cls(snapshot_id, table, key, timestamp, created_at, rows, source, run_id, built_from, fingerprint, told)

    @property
    def cache_key(self) -> CacheKey:
        """The table and key it belongs to."""
        return self.table, self.key


@dataclass(frozen=True)
class Node:
    """A table as one step wants it: which keys, how old at most, made of what and how.

    `max_age` None means that age never matters. `fingerprint` is what a snapshot depends on besides its
    inputs (code version, settings): one made otherwise is not the same thing, as if absent; None takes any, of what
    others make. `optional` are those of the `upstream` that it can do without. `mapped` tells, for an upstream table,
    which of its keys each own key is made of, where that is not the same key or all; keys come inputs first, for a
    table may be made of itself. Of `settled` keys it is not asked what they were made of. `read` are the keys that are
    read, where others are only what those are made of.
    """

    table: str
    keys: tuple[str, ...]
    key_column: str | None = None
    upstream: tuple[str, ...] = ()
    max_age: timedelta | None = None
    fingerprint: str | None = ""
    optional: frozenset[str] = frozenset()
    mapped: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    settled: frozenset[str] = frozenset()
    read: tuple[str, ...] | None = None

    @property
    def read_keys(self) -> tuple[str, ...]:
        """The keys that are read where the table is."""
        return self.keys if self.read is None else self.read

    def with_keys(self, more: Iterable[str]) -> Node:
        """The same with more keys, those that it has first."""
        return replace(self, keys=tuple(dict.fromkeys([*self.keys, *more])))


@dataclass(frozen=True)
class LookupResult:
    """The verdict on one cache key; `snapshot` is what would be served, or the best there is."""

    table: str
    key: str
    reason: Reason
    max_age: timedelta | None
    snapshot: Snapshot | None = None
    age: timedelta | None = None

    @property
    def served(self) -> bool:
        """Whether there is a snapshot to serve."""
        return self.reason in (Reason.FRESH, Reason.FORCED)

    @property
    def cache_key(self) -> CacheKey:
        """The table and key it is about."""
        return self.table, self.key


def input_keys(node: Node, key: str, nodes: Mapping[str, Node]) -> list[CacheKey]:
    """Where the inputs of a node's `key` are: as mapped, else the same key where both have it, else every key."""
    return [(name, upstream_key) for name in node.upstream for upstream_key in _keys_above(node, key, nodes[name])]


def _keys_above(node: Node, key: str, above: Node) -> Sequence[str]:
    if above.table in node.mapped:
        return node.mapped[above.table].get(key, ())
    alike = node.key_column is not None and above.key_column == node.key_column
    return [upstream_key for upstream_key in above.keys if not alike or upstream_key == key]


def needed_keys(node: Node, key: str, nodes: Mapping[str, Node]) -> list[CacheKey]:
    """The same without those that the node can do without."""
    return [cache_key for cache_key in input_keys(node, key, nodes) if cache_key[0] not in node.optional]


def assess(
    nodes: Sequence[Node],
    asked: Collection[str],
    index: Iterable[Snapshot],
    *,
    now: datetime,
    fresh_after: int | None = None,
    run_id: str | None = None,
) -> dict[CacheKey, LookupResult]:
    """A result for every cache key that is asked for, and for every ancestor that has to be made anew.

    `nodes` come inputs first and hold `asked` with all ancestors. A snapshot with an id above
    `fresh_after` was made since the question was put, and answers it whatever the limits: so a pull
    answers whoever waited for it, even with a limit of zero. Snapshots that run `run_id` itself made
    are forced: they are what the run's later steps get, together with exactly what they were made of.
    """
    by_name = {node.table: node for node in nodes}
    candidates = _candidates(by_name, index, run_id)
    required = {(name, key) for name in asked for key in by_name[name].read_keys}
    while True:
        results: dict[CacheKey, LookupResult] = {}
        for node in nodes:
            for key in node.keys:
                limit = node.max_age if (node.table, key) in required else None
                built_from = [results[cache_key] for cache_key in input_keys(node, key, by_name)]
                found = candidates.get((node.table, key), [])
                consistent = found if key in node.settled else _consistent(found, built_from, node.optional)
                reason, snapshot = _judge(found, consistent, limit, now, fresh_after, run_id)
                age = max(now - snapshot.created_at, timedelta(0)) if snapshot else None
                results[node.table, key] = LookupResult(node.table, key, reason, node.max_age, snapshot, age)
        stale = [cache_key for cache_key in required if not results[cache_key].served]
        more = {above for name, key in stale for above in needed_keys(by_name[name], key, by_name)}
        if more <= required:
            return {cache_key: result for cache_key, result in results.items() if cache_key in required}
        required |= more


def verdicts(
    nodes: Sequence[Node],
    index: Sequence[Snapshot],
    *,
    now: datetime,
    max_age: Callable[[str], timedelta | None] = lambda table: None,
) -> dict[CacheKey, LookupResult]:
    """What a read of each cache key of the index would find, asked with what its newest snapshot was made of.

    `nodes` come inputs first, their keys do not matter. What they do not describe, another program's tables
    and the answers of the Python API, is judged by `max_age` and by its inputs alone.
    """
    declared = {node.table: node for node in nodes}
    by_id = {snapshot.snapshot_id: snapshot for snapshot in index}
    by_key: dict[CacheKey, list[Snapshot]] = defaultdict(list)
    for snapshot in sorted(index, key=lambda s: -s.snapshot_id):
        by_key[snapshot.cache_key].append(snapshot)
    results = {}
    for cache_key, (newest, *_) in by_key.items():
        family = _family(newest, by_id)
        asked = _as_made(newest, family, {} if newest.fingerprint in API_FINGERPRINTS else declared, max_age)
        related = [s for node in asked for key in node.keys for s in by_key.get((node.table, key), ())]
        results[cache_key] = assess(asked, [newest.table], related, now=now)[cache_key]
    return results


def _family(snapshot: Snapshot, by_id: Mapping[int, Snapshot]) -> list[Snapshot]:
    """A snapshot and all that it was made of, oldest first."""
    family: dict[int, Snapshot] = {}
    more = {snapshot.snapshot_id}
    while more:
        family |= {each: by_id[each] for each in more}
        more = {above for each in more for above in by_id[each].inputs if above in by_id} - family.keys()
    return [family[each] for each in sorted(family)]


def _as_made(
    snapshot: Snapshot,
    family: Sequence[Snapshot],
    declared: Mapping[str, Node],
    max_age: Callable[[str], timedelta | None],
) -> list[Node]:
    """The nodes of a snapshot and its ancestors, with the keys that it was made of."""
    keys: dict[str, list[str]] = defaultdict(list)
    for each in family:
        keys[each.table].append(each.key)
    if snapshot.table in declared:
        return [replace(node, keys=tuple(dict.fromkeys(keys.get(node.table, ())))) for node in declared.values()]
    by_id = {s.snapshot_id: s for s in family}
    mapped: dict[str, dict[str, dict[str, tuple[str, ...]]]] = defaultdict(lambda: defaultdict(dict))
    for each in family:
        for above in sorted(each.inputs & by_id.keys()):
            of_key = mapped[each.table][by_id[above].table]
            of_key[each.key] = (*of_key.get(each.key, ()), by_id[above].key)
    return [
        Node(
            table=each.table,
            keys=tuple(dict.fromkeys(keys[each.table])),
            upstream=tuple(mapped[each.table]),
            max_age=max_age(each.table),
            fingerprint=each.fingerprint,
            mapped=mapped[each.table],
        )
        for each in {s.table: s for s in family}.values()
    ]


def _candidates(
    nodes: Mapping[str, Node], index: Iterable[Snapshot], run_id: str | None
) -> dict[CacheKey, list[Snapshot]]:
    """Snapshots with today's fingerprint, newest first; only the pinned one where a cache key is pinned."""
    by_key: dict[CacheKey, list[Snapshot]] = defaultdict(list)
    for snapshot in sorted(index, key=lambda s: -s.snapshot_id):
        if snapshot.table in nodes and nodes[snapshot.table].fingerprint in (None, snapshot.fingerprint):
            by_key[snapshot.cache_key].append(snapshot)
    pinned = _pinned([s for found in by_key.values() for s in found], run_id)
    return {
        cache_key: [s for s in found if s.snapshot_id in pinned][:1] or found for cache_key, found in by_key.items()
    }


def _pinned(snapshots: Sequence[Snapshot], run_id: str | None) -> set[int]:
    """Ids of the snapshots that this run made and, step by step upwards, of what they were made of."""
    inputs = {snapshot.snapshot_id: snapshot.inputs for snapshot in snapshots}
    pinned: set[int] = set()
    more = {s.snapshot_id for s in snapshots if run_id is not None and s.run_id == run_id}
    while more:
        pinned |= more
        more = {above for snapshot_id in more for above in inputs.get(snapshot_id, ())} - pinned
    return pinned


def _consistent(
    found: Sequence[Snapshot], built_from: Sequence[LookupResult], optional: Collection[str]
) -> Sequence[Snapshot]:
    """Those that were made of what is in force, each with or without the optional inputs."""
    if not all(above.served or above.table in optional for above in built_from):
        return []
    in_force = {above.snapshot.snapshot_id: above.table for above in built_from if above.served and above.snapshot}
    needed = {snapshot_id for snapshot_id, table in in_force.items() if table not in optional}
    return [snapshot for snapshot in found if needed <= snapshot.inputs <= in_force.keys()]


def _judge(
    found: Sequence[Snapshot],
    consistent: Sequence[Snapshot],
    limit: timedelta | None,
    now: datetime,
    fresh_after: int | None,
    run_id: str | None,
) -> tuple[Reason, Snapshot | None]:
    """The verdict on one cache key, and the snapshot it is about."""
    if not found:
        return Reason.ABSENT, None
    snapshot = (consistent or found)[0]
    age = now - snapshot.created_at
    if snapshot.run_id == run_id and run_id is not None:
        reason = Reason.FORCED
    elif not consistent:
        reason = Reason.INPUT_SUPERSEDED
    elif fresh_after is not None and snapshot.snapshot_id > fresh_after:
        reason = Reason.FRESH
    elif limit is not None and not -CLOCK_TOLERANCE <= age <= limit:
        reason = Reason.TOO_OLD
    else:
        reason = Reason.FRESH
    return reason, snapshot
