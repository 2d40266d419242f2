"""A batch of events is recorded as the same events one at a time are."""

from pathlib import Path

import dagster as dg
import pytest

from wheel_assets.instance.event_log import BATCH_SIZE, BatchedSqliteEventLog
from wheel_assets.instance.home import instance_ref

BY_NAME = dg.DynamicPartitionsDefinition(name="names")
NAMES = [f"n{number}" for number in range(7)]
TWO_KINDS = {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED}


pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")  # a run over many partitions


def recorded(folder: Path) -> list[object]:
    """What a run over all partitions leaves in Dagster's records."""

    @dg.asset(partitions_def=BY_NAME, backfill_policy=dg.BackfillPolicy.single_run())
    def many(context: dg.AssetExecutionContext) -> None:
        context.add_asset_metadata({"why": "odd"}, partition_key=NAMES[1])

    tags = {"dagster/asset_partition_range_start": NAMES[0], "dagster/asset_partition_range_end": NAMES[-1]}
    with dg.DagsterInstance.from_ref(instance_ref(folder, folder)) as instance:
        instance.add_dynamic_partitions("names", NAMES)
        run = dg.materialize([many], instance=instance, tags=tags)
        last = instance.get_latest_materialization_event(many.key)
        stored = instance.fetch_materializations(many.key, limit=100).records
        events = instance.get_records_for_run(run.run_id, of_type=TWO_KINDS).records
    assert last
    told = [(one.partition_key, sorted(one.asset_materialization.metadata)) for one in stored]
    return [told, last.asset_materialization.partition, [(e.partition_key, e.event_type) for e in events]]


@pytest.mark.slow
def test_a_batch_leaves_what_single_events_leave(tmp_path, monkeypatch):
    one_by_one = recorded(tmp_path / "one")
    monkeypatch.setenv(BATCH_SIZE, "5")
    assert recorded(tmp_path / "batch") == one_by_one
    assert len(one_by_one[0]) == len(NAMES)


def test_a_batch_is_not_stored_one_by_one(tmp_path, monkeypatch):
    def refuse(_, event):
        if event.is_dagster_event and event.dagster_event_type in TWO_KINDS:
            pytest.fail(f"{event.dagster_event_type} came alone")
        return store(_, event)

    store = BatchedSqliteEventLog.store_event
    monkeypatch.setenv(BATCH_SIZE, "100")
    monkeypatch.setattr(BatchedSqliteEventLog, "store_event", refuse)
    assert len(recorded(tmp_path)[0]) == len(NAMES)
