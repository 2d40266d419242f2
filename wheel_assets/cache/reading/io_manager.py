"""Frames to snapshots and back, with one addition to what an IO manager does: *reading pulls*.

Materializing an asset makes it, always. Loading it as somebody's input gets it or has it made: the
first input that a step loads decides for all inputs of that step at once which snapshots are in force
and young enough (`policy.assess`); what is not, Dagster itself materializes in one child run
(`pull.pull`); then every input is read from that one consistent set.

It works for any graph of assets: an asset's age limit is its `FreshnessPolicy.time_window`, its
version its `code_version`; its table is declared as in `tables.py`, and if that table has a key, the
asset's config has the field `key_config` that says which keys are wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from wheel_assets.cache.policy import WHOLE, Node, Place, Reading, Reason, Snapshot, assess, input_places
from wheel_assets.cache.reading import pull
from wheel_assets.cache.reading.one_line import one_sentence
from wheel_assets.cache.reading.request import PULLED_BY, AssetTables, Reads, Request, described, minutes, was_hit
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.errors import BadFrame, RefreshFailed, StoreDamaged
from wheel_assets.tables import SnapshotTable

if TYPE_CHECKING:
    import pandas as pd
    from dagster._core.execution.context.system import StepExecutionContext

TOLD = (pull.NOT_FETCHED, "notes")  # what a frame's attrs tell about itself
MAX_PULLS = 10  # of one step: more means that others keep replacing what it needs


class PullConfig(dg.Config):
    """Fields that an asset's config may have, to read its inputs otherwise for one run."""

    max_age_minutes: dict[str, float] = Field(
        default={}, description="age limits for this run by table, minutes; 0 asks anew"
    )
    allow_stale: float | None = Field(
        default=None, description="where an input cannot be renewed: how old it may be instead, minutes"
    )


class ReadThroughIOManager(dg.IOManager):
    """Stores frames as snapshots, and pulls what a reader finds stale.

    `everything` returns the job that can make any asset (the repository's implicit asset job).
    `keys` holds, for each key column, a function from what a config asks for (None: nothing said) to
    the keys wanted. `recipe` names what a table's data depends on besides its inputs and its asset's
    code version, such as the vendor or a parameter of a model.
    """

    def __init__(
        self,
        store: Store,
        everything: Callable[[], dg.JobDefinition],
        keys: Mapping[str, Callable[[Any], Sequence[str]]] | None = None,
        recipe: Callable[[str], str] = lambda table: "",
    ) -> None:
        self.store = store
        self.assets = AssetTables(store.tables, everything, keys or {}, recipe)
        self._reads: dict[tuple[str, str, int], tuple[dict[Place, Reading], Reads]] = {}

    @one_sentence()
    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        """The rows of an input, for every key that all inputs of the step have; none of an optional one is fine.

        `frame.attrs` tells `reads`, one mapping a key, and `not_fetched`, the reason of each key that
        is missing. Raises RefreshFailed where there is nothing to load.
        """
        first, reads = self._reads_of(context.step_context)
        table = self.assets.table(context.asset_key).name
        snapshots = [snapshot for place, snapshot in reads.snapshots.items() if place[0] == table]
        if not snapshots and table not in reads.request.optional:
            raise _unavailable(reads, table)
        try:
            frame = self.store.get(table, [snapshot.snapshot_id for snapshot in snapshots])
        except StoreDamaged as error:
            # By now it is gone from the index. All inputs are read anew, for they have to fit together.
            raise dg.RetryRequested(max_retries=1) from error
        self.store.touch([s for s in snapshots if was_hit(first[s.place], s)])
        frame.attrs = {
            "reads": [described(first[s.place], reads.readings[s.place]) for s in snapshots],
            "not_fetched": reads.not_fetched(table),
        }
        return frame

    @one_sentence()
    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        """Store one snapshot a key, all in one transaction; raises BadFrame for no rows.

        `obj.attrs["not_fetched"]`, the reasons of keys without rows, and `obj.attrs["notes"]` become
        metadata of the event. Notes are kept with the snapshots too: each begins with the key that it is
        about and a colon, or is about all of them.
        """
        table, step = self.assets.table(context.asset_key), context.step_context
        if obj is None or obj.empty:
            raise BadFrame(f"{table.name} came back empty", "an empty result never replaces anything")
        node = self.assets.node(step, context.asset_key)
        _, reads = self._reads.pop(_attempt(step), ({}, None))
        notes = obj.attrs.get("notes", ())
        by_key = {WHOLE: obj} if table.key is None else {str(key): rows for key, rows in obj.groupby(table.key)}
        entries = [
            replace(_entry(node, key, rows, reads, context.run_id), notes=_about(key, notes, by_key))
            for key, rows in by_key.items()
        ]
        asker = step.dagster_run.tags.get(PULLED_BY)
        context.add_output_metadata(
            _metadata(table, obj, self.store.put(table.name, entries))
            | ({"pulled_by": dg.MetadataValue.dagster_run(asker)} if asker else {})
        )

    def _reads_of(self, step: StepExecutionContext) -> tuple[dict[Place, Reading], Reads]:
        """What was found first and what is read in the end, decided once for all inputs of a step."""
        attempt = _attempt(step)
        if attempt not in self._reads:
            self._reads[attempt] = self._read_through(step)
            if any(not reading.served for reading in self._reads[attempt][0].values()):
                # Dagster noted the versions of the inputs before they were pulled: the result would look unsynced.
                step.fetch_external_input_asset_version_info()
        return self._reads[attempt]

    def _read_through(self, step: StepExecutionContext) -> tuple[dict[Place, Reading], Reads]:
        request = self.assets.request(step)
        first, newest_id = self._assess(request)
        reads = Reads(request, first, self._not_made_here(step, request, first))
        if PULLED_BY in step.dagster_run.tags:
            return first, reads  # no pull inside a pull: whoever asked for this run told and selected all that is stale
        _log(step, [reading for reading in first.values() if reading.served or reading.table not in request.optional])
        self._renew(step, reads, newest_id)
        allow_stale = (step.op_config or {}).get("allow_stale")
        if reads.failures and allow_stale:
            lenient = request.accepting(allow_stale)
            readings, _ = self._assess(lenient, newest_id)
            reads = Reads(lenient, readings, lenient.beyond_help(readings, reads.failures))
            self._renew(step, reads, newest_id)
        return first, reads

    def _renew(self, step: StepExecutionContext, reads: Reads, newest_id: int) -> None:
        """Pull until nothing is stale but what failed, each place by one process at a time.

        Whoever waits for its turn finds that the other's pull answers it too: everything with an id
        above `newest_id` was made after this step asked.
        """
        for _ in range(MAX_PULLS):
            if not (wanted := {reading.place for reading in reads.stale}):
                return
            with self.store.pulling(wanted):
                reads.readings, _ = self._assess(reads.request, newest_id)
                if not {reading.place for reading in reads.stale} <= wanted:
                    continue  # lock the others too
                failures = pull.pull(step, self.assets, reads.request, reads.stale)
                reads.readings, _ = self._assess(reads.request, newest_id)
                if {reading.place for reading in reads.stale} <= wanted:  # else an input was lost meanwhile
                    reads.failures |= failures
        raise RefreshFailed(
            "the inputs do not hold still",
            f"they were replaced {MAX_PULLS} times while this run read them",
            "run again",
        )

    def _assess(self, request: Request, fresh_after: int | None = None) -> tuple[dict[Place, Reading], int]:
        """The readings at this moment, and the highest snapshot id."""
        index, newest_id = self.store.index(request.places)
        now, run_id = self.store.clock(), request.run_id
        return assess(request.nodes, request.asked, index, now=now, fresh_after=fresh_after, run_id=run_id), newest_id

    def _not_made_here(
        self, step: StepExecutionContext, request: Request, readings: Mapping[Place, Reading]
    ) -> dict[Place, str]:
        """The keys that an earlier step of this run did not make, each with that step's reason."""
        missing = [
            (table, key)
            for table, key in request.places
            if table in request.made_here and readings[table, key].reason is not Reason.FORCED
        ]
        if not missing:
            return {}
        return pull.failures_of(pull.outcome_so_far(step), request, missing)


def table_metadata(table: SnapshotTable) -> dict[str, Any]:
    """The standard metadata of a table, made from its declaration; nowhere else."""
    columns = [
        dg.TableColumn(c.name, c.type, c.description, dg.TableColumnConstraints(nullable=not c.required))
        for c in table.stored_columns
    ]
    return {
        "dagster/column_schema": dg.TableSchema(columns),
        "dagster/table_name": f"main.{table.name}",
    }


def freshness(max_age: timedelta) -> dg.FreshnessPolicy:
    """The policy that shows in the UI what the cache goes by; it warns at two thirds of the limit."""
    warn = max(max_age * 2 / 3, timedelta(minutes=1))  # Dagster's floor
    return dg.FreshnessPolicy.time_window(fail_window=max_age, warn_window=warn if warn < max_age else None)


def _metadata(table: SnapshotTable, frame: pd.DataFrame, snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    """What the event of a materialization tells."""
    as_of = max(snapshot.timestamp for snapshot in snapshots)
    return {
        **table_metadata(table),
        "dagster/row_count": len(frame),
        "as_of": as_of.isoformat(sep=" ", timespec="minutes") + " UTC",
        "source": ", ".join(sorted({snapshot.source for snapshot in snapshots})),
        pull.SNAPSHOTS_MADE: dg.MetadataValue.json({s.key: s.snapshot_id for s in snapshots}),
        **{name: dg.MetadataValue.json(told) for name in TOLD if (told := frame.attrs.get(name))},
    }


def _entry(node: Node, key: str, rows: pd.DataFrame, reads: Reads | None, run_id: str) -> Entry:
    """A snapshot to be, with the ids it was built from; rows that name no source take that of their inputs."""
    built_from: list[Snapshot] = []
    if reads is not None:
        read_by = replace(node, upstream=reads.request.asked)
        places = input_places(read_by, key, reads.request.by_table)
        built_from = [reads.snapshots[place] for place in places if place in reads.snapshots]
    sources = set(rows["source"]) if "source" in rows else {name for s in built_from for name in s.source.split("+")}
    return Entry(
        key, rows, "+".join(sorted(sources)), run_id, frozenset(s.snapshot_id for s in built_from), node.recipe
    )


def _about(key: str, notes: Iterable[str], keys: Iterable[str]) -> tuple[str, ...]:
    """The notes but for those about another key."""
    others = tuple(f"{other}: " for other in keys if other != key)
    return tuple(note for note in notes if not note.startswith(others))


def _attempt(step: StepExecutionContext) -> tuple[str, str, int]:
    return step.run_id, step.step.key, step.previous_attempt_count


def _log(step: StepExecutionContext, readings: Iterable[Reading]) -> None:
    """One line a read."""
    for reading in readings:
        step.log.info(
            f"{'cache_hit' if reading.reason is Reason.FRESH else 'cache_miss'} table={reading.table} "
            f"key={reading.key} age_minutes={minutes(reading.age)} max_age_minutes={minutes(reading.max_age)} "
            f"reason={reading.reason}"
        )


def _unavailable(reads: Reads, table: str) -> RefreshFailed:
    """Why nothing of an input can be loaded: the words of the first needed input that lacks the same keys."""
    nodes, optional = reads.request.by_table, reads.request.optional
    needed = {name: why for (name, _), why in reads.failed_inputs.items() if name not in optional}
    akin = [why for name, why in needed.items() if nodes[name].key_column == nodes[table].key_column]
    return RefreshFailed(akin[0] if akin else f"no {table} is stored; nothing was there to make it; run again")
