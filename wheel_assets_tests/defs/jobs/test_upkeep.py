"""The jobs as the Launchpad runs them: what they would do, what they do, what they say."""

from __future__ import annotations

import re

import dagster as dg
import pytest

from wheel_assets.cache.reading.one_line_errors import OneLineError
from wheel_assets.cache.upkeep import progress
from wheel_assets.commands.run import recommend
from wheel_assets.definitions import defs
from wheel_assets.defs.resources import the_store

pytestmark = pytest.mark.slow


def run(job: str, instance: dg.DagsterInstance, **config: object) -> dict[str, object]:
    """Run a job and return the metadata of its output."""
    definition = defs.resolve_job_def(job)
    (op,) = definition.nodes
    asked = {"ops": {op.name: {"config": config}}} if config else {}
    result = definition.execute_in_process(asked, instance=instance)
    (output,) = [event for event in result.all_node_events if event.is_successful_output]
    return {name: value.value for name, value in output.step_output_data.metadata.items()}


def snapshots() -> int:
    with the_store().file.attached() as connection:
        return connection.execute("SELECT count(*) FROM snapshots").fetchall()[0][0]


@pytest.fixture
def instance():
    """Dagster's memory, and a cache with one answer's data."""
    recommend({})
    with dg.DagsterInstance.ephemeral() as home:
        yield home


def test_clearing_tells_first_and_then_does_just_that(instance):
    stored = snapshots()
    would = run("clear_cache", instance, dry_run=True)
    assert snapshots() == stored == sum(would["snapshots"].values()) > 0
    assert run("clear_cache", instance) == would  # as the Launchpad is prefilled
    done = run("clear_cache", instance, confirm="clear")
    assert snapshots() == 0
    assert (would["dry_run"], done["dry_run"]) == (True, False)
    for what in ("rows", "db_size_mb_before"):
        assert would[what] == done[what]
    assert {name: n for name, n in done["snapshots"].items() if n} == would["snapshots"]


@pytest.mark.parametrize("word", ["", "yes", "CLEAR"])
def test_clearing_wants_its_word(instance, word):
    stored = snapshots()
    with pytest.raises(OneLineError, match="nothing was removed"):
        run("clear_cache", instance, dry_run=False, confirm=word)
    assert snapshots() == stored > 0


@pytest.mark.parametrize(
    ("job", "dry_run", "said"), [("clear_cache", True, "that would go: 1 of"), ("cleanup", False, "gone: none; 0 rows")]
)
def test_the_run_page_says_it_in_a_line(instance, capfd, job, dry_run, said):
    run(job, instance, dry_run=dry_run)
    assert said in capfd.readouterr().err


def test_a_backup_tells_how_far_it_is_in_the_log_of_its_run(instance, capfd, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.01)
    run("backup", instance)
    assert re.search(r"rows archived: [\d,]+ of [\d,]+", capfd.readouterr().err)


@pytest.mark.parametrize("job", ["cleanup", "clear_cache", "backup", "migrate"])
def test_every_job_says_what_it_does_and_every_field_what_it_means(job):
    definition = defs.resolve_job_def(job)
    (op,) = definition.nodes
    assert len(definition.description) > 40
    fields = getattr(op.definition.config_schema.config_type, "fields", {})
    assert all(len(field.description) > 20 for field in fields.values())


def test_the_launchpad_shows_the_limits_in_force():
    from wheel_assets.defs.assets.recommendation import RecommendationConfig

    schema = RecommendationConfig.to_config_schema().config_type.fields
    assert schema["max_age_minutes"].default_value["option_chains"] == 15
    assert all(field.description for field in schema.values())
