"""What a step wants to read, and what it gets, in the words of `policy`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import NamedTuple

from wheel_assets.cache.policy import CacheKey, LookupResult, Node, Snapshot, needed_keys

PULLED_BY = "wheel/pulled_by"  # tag of a child run: the run that asked for it
# Metadata of a `dg.AssetIn` that its asset can do without: used where it is there, and never pulled; or pulled where
# it is stale, and done without where that fails.
OPTIONAL = {"wheel/optional": True}
OPTIONAL_PULLED = {**OPTIONAL, "wheel/pulled": True}


class MoreKeys(NamedTuple):
    """Keys of a column that the rows of a table name: `named` finds them in snapshots of it, by their ids."""

    table: str
    named: Callable[[Sequence[int]], Sequence[str]]


@dataclass(frozen=True)
class Request:
    """What one step wants to read: its inputs with all their ancestors, inputs first.

    `left_open` are the key columns of which the step's config says nothing.
    """

    nodes: tuple[Node, ...]
    asked: tuple[str, ...]
    run_id: str
    made_here: frozenset[CacheKey] = frozenset()  # inputs that earlier steps of the same run make
    optional: frozenset[str] = frozenset()  # inputs that the step can do without
    never_pulled: frozenset[str] = frozenset()  # what nothing is pulled for: some of those, and what others make
    partitioned: frozenset[str] = frozenset()  # tables whose keys are partitions
    left_open: frozenset[str] = frozenset()

    @cached_property
    def by_table(self) -> dict[str, Node]:
        """The nodes by name of their table."""
        return {node.table: node for node in self.nodes}

    @property
    def cache_keys(self) -> list[CacheKey]:
        """Every cache key that may matter."""
        return [(node.table, key) for node in self.nodes for key in node.keys]

    def accepting(self, minutes: float) -> Request:
        """The same request, content with data up to `minutes` old, even of what it wanted anew (a limit of 0)."""
        limit = timedelta(minutes=minutes)
        limits = (None if node.max_age is None else max(node.max_age, limit) for node in self.nodes)
        return replace(self, nodes=tuple(replace(n, max_age=m) for n, m in zip(self.nodes, limits, strict=True)))

    def joined_by(self, more_keys: Mapping[str, MoreKeys], reads: Reads) -> Request:
        """The request with the keys that the rows it has read name too; itself where there are none."""
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
        """Of what failed before, what older data does not help: sources that have none, and all below.

        What is derived from a source that older data does help is not among them: it can be made.
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
    """What a request comes to: a result for every cache key, and why some cache keys have no data."""

    request: Request
    results: dict[CacheKey, LookupResult]
    failures: dict[CacheKey, str] = field(default_factory=dict)

    @property
    def stale(self) -> list[LookupResult]:
        """What has to be pulled: not what failed already, is made by this very run, or is never pulled."""
        request = self.request
        return [
            result
            for cache_key, result in self.results.items()
            if not result.served
            and cache_key not in self.failures
            and cache_key not in request.made_here
            and cache_key[0] not in request.never_pulled
        ]

    @property
    def failed_inputs(self) -> dict[CacheKey, str]:
        """The failures among the inputs that the step itself reads."""
        return {cache_key: why for cache_key, why in self.failures.items() if cache_key[0] in self.request.asked}

    def not_fetched(self, table: str) -> dict[str, str]:
        """The keys that an input of the step lacks, with the reason; that of an optional input is its own alone."""
        return {k: why for (t, k), why in self.failed_inputs.items() if t == table or t not in self.request.optional}

    @property
    def lost(self) -> set[tuple[str | None, str]]:
        """The keys, by key column, that an input lacks which the step cannot do without."""
        nodes, optional = self.request.by_table, self.request.optional
        return {(nodes[table].key_column, key) for table, key in self.failed_inputs if table not in optional}

    @property
    def snapshots(self) -> dict[CacheKey, Snapshot]:
        """What to load. A key that is lost is left out of all inputs that have such keys."""
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
