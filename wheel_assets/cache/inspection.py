"""Lookup result of every cache key in the index, by the policy and without a run: for stats, checks and the browser."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from wheel_assets.cache.policy import API_FINGERPRINTS, CacheKey, LookupResult, Node, Snapshot, assess


def lookup_results(
    nodes: Sequence[Node],
    index: Sequence[Snapshot],
    *,
    now: datetime,
    max_age: Callable[[str], timedelta | None] = lambda table: None,
) -> dict[CacheKey, LookupResult]:
    """Lookup result of a read of each cache key in the index, with the inputs of its newest snapshot.

    `nodes` come inputs first; their keys do not matter. Tables that they do not describe (another program's, and those
    stored through the Python API) are judged by `max_age` and their inputs alone.
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
    """A snapshot and all its ancestors, oldest first."""
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
    """The nodes of a snapshot and its ancestors, with the keys that it was made from."""
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
