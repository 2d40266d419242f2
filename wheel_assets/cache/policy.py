"""Freshness policy: which snapshots are in force and young enough; pure functions over snapshots and times.

A snapshot serves a read when it is within its maximum age *and* was built from the snapshots that are in force now. Of
a source, the newest snapshot is in force; of a derived table, the newest that was built from exactly the snapshots in
force of its inputs. So all inputs of one read are consistent, and a derived snapshot becomes stale with its inputs,
however young it is.

An *optional* input is used where there is one and is never computed only for a read. A snapshot may have been made with
it or without it, but not with one that has been superseded.

The maximum age applies to what is read and, where that has to be made again, to its inputs. The ancestors of a fresh
snapshot are not checked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

WHOLE = "all"  # the one key of a table without a key column
API_FINGERPRINTS = API, API_ROWS = "api", "api rows"  # fingerprints of data stored through the Python API

# Processes on one machine share a clock; a time further in the future means that the clock was set back.
CLOCK_TOLERANCE = timedelta(minutes=1)

# The columns of the index that make a Snapshot, in this order. `recipe` is the stored name of the fingerprint: caches
# and archives hold on to it.
SNAPSHOT_COLUMNS = "snapshot_id, table_name, key, timestamp, created_at, rows, source, run_id, inputs, recipe, notes"

CacheKey = tuple[str, str]  # (table, key): where a snapshot belongs


class Reason(StrEnum):
    """Reason why a read was, or was not, served from the cache."""

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
        built_from, lines = frozenset(inputs), tuple(notes or ())
        return cls(snapshot_id, table, key, timestamp, created_at, rows, source, run_id, built_from, fingerprint, lines)

    @property
    def cache_key(self) -> CacheKey:
        """The table and key it belongs to."""
        return self.table, self.key


@dataclass(frozen=True)
class Node:
    """A table as one step requests it: keys, maximum age, inputs and fingerprint.

    `max_age` None means that age does not matter. `fingerprint` is what a snapshot depends on besides its inputs (code
    version, settings); a snapshot with another one counts as absent; None accepts any (external assets). `optional`
    are the tables of `upstream` that it can do without. `mapped` has, for an upstream table, the keys that each own key
    is made from, where that is neither the same key nor all; keys come inputs first, because a table may depend on
    itself. The inputs of `settled` keys are not checked. `read` are the keys that are read, where the others are only
    inputs of those.
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
        """The keys that a read of the table loads."""
        return self.keys if self.read is None else self.read

    def with_keys(self, more: Iterable[str]) -> Node:
        """The node with more keys, after its own."""
        return replace(self, keys=tuple(dict.fromkeys([*self.keys, *more])))


@dataclass(frozen=True)
class LookupResult:
    """Result of looking up one cache key; `snapshot` is the one served, or the best available."""

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
        """The table and key that were looked up."""
        return self.table, self.key


def input_keys(node: Node, key: str, nodes: Mapping[str, Node]) -> list[CacheKey]:
    """Cache keys of the inputs of a node's `key`: as mapped, else the same key where both have it, else every key.

    >>> chains, account = Node("chains", ("A", "B"), "symbol"), Node("positions", ("default",), "account")
    >>> greeks = Node("greeks", ("A", "B"), "symbol", ("chains", "positions"))
    >>> input_keys(greeks, "B", {"chains": chains, "positions": account})
    [('chains', 'B'), ('positions', 'default')]
    """
    return [(name, upstream_key) for name in node.upstream for upstream_key in _keys_above(node, key, nodes[name])]


def _keys_above(node: Node, key: str, above: Node) -> Sequence[str]:
    if above.table in node.mapped:
        return node.mapped[above.table].get(key, ())
    alike = node.key_column is not None and above.key_column == node.key_column
    return [upstream_key for upstream_key in above.keys if not alike or upstream_key == key]


def needed_keys(node: Node, key: str, nodes: Mapping[str, Node]) -> list[CacheKey]:
    """`input_keys` without the optional inputs."""
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
    """Lookup results of every requested cache key, and of every ancestor that has to be made again.

    `nodes` come inputs first and contain the tables `asked` with all ancestors; `now` is naive UTC. A snapshot with an
    id above `fresh_after` was made after the request and serves it whatever its limit: so one pull serves every
    process that waited for it, even with a limit of zero. Snapshots made by run `run_id` itself are forced: the run's
    later steps get them, together with exactly the snapshots they were made from.

    >>> made = datetime(2026, 11, 20, 15, 0)
    >>> chain = Snapshot(1, "chains", "XYZ", made, made, 40, "cboe", None, frozenset(), "")
    >>> node = Node("chains", ("XYZ",), "symbol", max_age=timedelta(minutes=15))
    >>> for minutes in (9, 16):
    ...     results = assess([node], ["chains"], [chain], now=made + timedelta(minutes=minutes))
    ...     print(results["chains", "XYZ"].reason)
    fresh
    too_old
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


def _candidates(
    nodes: Mapping[str, Node], index: Iterable[Snapshot], run_id: str | None
) -> dict[CacheKey, list[Snapshot]]:
    """Snapshots with the current fingerprint, newest first; only the pinned one where a cache key is pinned."""
    by_key: dict[CacheKey, list[Snapshot]] = defaultdict(list)
    for snapshot in sorted(index, key=lambda s: -s.snapshot_id):
        if snapshot.table in nodes and nodes[snapshot.table].fingerprint in (None, snapshot.fingerprint):
            by_key[snapshot.cache_key].append(snapshot)
    pinned = _pinned([s for found in by_key.values() for s in found], run_id)
    return {
        cache_key: [s for s in found if s.snapshot_id in pinned][:1] or found for cache_key, found in by_key.items()
    }


def _pinned(snapshots: Sequence[Snapshot], run_id: str | None) -> set[int]:
    """Ids of the snapshots that this run made, and of all their ancestors."""
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
    """The snapshots made from the inputs in force, with or without the optional ones."""
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
    """The reason for one cache key, and the snapshot it is about."""
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
