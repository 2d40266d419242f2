"""Request of a step and the result of its reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import NamedTuple

from wheel_assets.cache.policy import CacheKey, LookupResult, Node, Snapshot, needed_keys

PULLED_BY = "wheel/pulled_by"  # tag of a child run: the run that requested it
# Metadata of an optional `dg.AssetIn`. OPTIONAL: used where it is stored, never pulled. OPTIONAL_PULLED: pulled where
# stale, and left out where that fails.
OPTIONAL = {"wheel/optional": True}
OPTIONAL_PULLED = {**OPTIONAL, "wheel/pulled": True}


class MoreKeys(NamedTuple):
    """Further keys of a column, found in the rows of a table: `named` returns them for snapshot ids of it."""

    table: str
    named: Callable[[Sequence[int]], Sequence[str]]


@dataclass(frozen=True)
class Request:
    """Request of one step: its inputs with all their ancestors, inputs first.

    `left_open` are the key columns for which the step's config sets no keys.
    """

    nodes: tuple[Node, ...]
    asked: tuple[str, ...]
    run_id: str
    made_here: frozenset[CacheKey] = frozenset()  # inputs that earlier steps of the same run make
    optional: frozenset[str] = frozenset()  # inputs that the step can do without
    never_pulled: frozenset[str] = frozenset()  # tables that are never pulled: optional ones and external assets
    partitioned: frozenset[str] = frozenset()  # tables whose keys are partitions
    left_open: frozenset[str] = frozenset()

    @cached_property
    def by_table(self) -> dict[str, Node]:
        """The nodes by table name."""
        return {node.table: node for node in self.nodes}

    @property
    def cache_keys(self) -> list[CacheKey]:
        """All cache keys of the request."""
        return [(node.table, key) for node in self.nodes for key in node.keys]

    def accepting(self, minutes: float) -> Request:
        """The request with a maximum age of at least `minutes` for every table, even for those with a limit of 0."""
        limit = timedelta(minutes=minutes)
        limits = (None if node.max_age is None else max(node.max_age, limit) for node in self.nodes)
        return replace(self, nodes=tuple(replace(n, max_age=m) for n, m in zip(self.nodes, limits, strict=True)))

    def joined_by(self, more_keys: Mapping[str, MoreKeys], reads: Reads) -> Request:
        """The request with the further keys found in the rows already read; itself where there are none."""
        nodes = self.nodes
        for column in self.left_open & more_keys.keys() & {node.key_column for node in nodes}:
            table, named = more_keys[column]
            if read := [found.snapshot_id for (name, _), found in reads.snapshots.items() if name == table]:
                keys = named(read)
                nodes = tuple(node.with_keys(keys) if node.key_column == column else node for node in nodes)
        return self if nodes == self.nodes else replace(self, nodes=nodes)

    def irrecoverable(
        self, results: Mapping[CacheKey, LookupResult], failures: Mapping[CacheKey, str]
    ) -> dict[CacheKey, str]:
        """The failures that older data cannot replace: sources without any data, and everything derived from them.

        What is derived from a source with usable older data can be made and is not among them.
        """
        lost: dict[CacheKey, str] = {}
        for cache_key in self.cache_keys:
            above = needed_keys(self.by_table[cache_key[0]], cache_key[1], self.by_table)
            served = cache_key in results and results[cache_key].served
            if cache_key in failures and not served and (not above or any(source in lost for source in above)):
                lost[cache_key] = failures[cache_key]
        return lost


@dataclass
class Reads:
    """Result of a request: the lookup result of every cache key, and the reasons of those without data."""

    request: Request
    results: dict[CacheKey, LookupResult]
    failures: dict[CacheKey, str] = field(default_factory=dict)

    @property
    def stale(self) -> list[LookupResult]:
        """The lookup results to pull: stale, not yet failed, not made by this run, and not never-pulled."""
        request = self.request
        return [
            result
            for cache_key, result in self.results.items()
            if not result.served
            and cache_key not in self.failures
            and cache_key not in request.made_here
            and cache_key[0] not in request.never_pulled
        ]

    def stored_of(self, cache_keys: Iterable[CacheKey]) -> list[Snapshot]:
        """The snapshots found for some cache keys."""
        found = [self.results[cache_key].snapshot for cache_key in cache_keys if cache_key in self.results]
        return [snapshot for snapshot in found if snapshot is not None]

    @property
    def failed_inputs(self) -> dict[CacheKey, str]:
        """The failures among the inputs that the step itself reads."""
        return {cache_key: why for cache_key, why in self.failures.items() if cache_key[0] in self.request.asked}

    def not_fetched(self, table: str) -> dict[str, str]:
        """The missing keys of an input of the step with the reasons; those of an optional input concern only itself."""
        return {k: why for (t, k), why in self.failed_inputs.items() if t == table or t not in self.request.optional}

    @property
    def lost(self) -> set[tuple[str | None, str]]:
        """The keys (with their key column) that a required input lacks."""
        nodes, optional = self.request.by_table, self.request.optional
        return {(nodes[table].key_column, key) for table, key in self.failed_inputs if table not in optional}

    @property
    def snapshots(self) -> dict[CacheKey, Snapshot]:
        """The snapshots to load. A lost key is left out of all inputs with that key column."""
        nodes, lost = self.request.by_table, self.lost
        return {
            (table, key): result.snapshot
            for (table, key), result in self.results.items()
            if table in self.request.asked
            and key in nodes[table].read_keys
            and result.served
            and result.snapshot is not None
            and (nodes[table].key_column, key) not in lost
        }
