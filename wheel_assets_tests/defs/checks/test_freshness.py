"""The check `freshness`: what is stale or could not be renewed is a warning on its asset; good pulls pay nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import dagster as dg
import pytest

from wheel_assets.cache.freshness_check import FRESHNESS
from wheel_assets.commands import run
from wheel_assets.definitions import defs
from wheel_assets.defs import resources
from wheel_assets.defs.checks.freshness import KEYED
from wheel_assets.errors import RunFailed, SourceUnreachable
from wheel_assets.fetch.sample.sources import SampleMarket
from wheel_assets.rows import Rows

pytestmark = pytest.mark.slow

Verdict = tuple[bool, dg.AssetCheckSeverity, str]


@pytest.fixture
def home(tmp_path, monkeypatch) -> Iterator[dg.DagsterInstance]:
    """Dagster's memory of runs."""
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    with dg.DagsterInstance.get() as instance:
        yield instance


def make(home: dg.DagsterInstance, *assets: str) -> dg.ExecuteInProcessResult:
    """Materialize assets as the UI does, with all checks that are about them."""
    job = defs.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(asset_selection=[dg.AssetKey(name) for name in assets], instance=home)


def verdicts(home: dg.DagsterInstance) -> dict[str, Verdict]:
    """The newest result of each asset's check."""
    keys = [dg.AssetCheckKey(asset, FRESHNESS) for asset in KEYED]
    found = home.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    results = {key.asset_key.to_python_identifier(): record.evaluation for key, record in found.items()}
    return {name: (each.passed, each.severity, each.description) for name, each in results.items()}


def age(table: str, minutes: int) -> None:
    with resources.the_store().file.attached() as connection:
        connection.execute(
            f"UPDATE snapshots SET created_at = created_at - INTERVAL {minutes} MINUTE WHERE table_name = ?", [table]
        )


@pytest.fixture
def outage(monkeypatch) -> None:
    """The market does not answer."""

    class Down(SampleMarket):
        def option_chain(self, symbol: str, now: datetime) -> Rows:
            raise SourceUnreachable("the market is down", "HTTP 503", "try later", source="sample")

    monkeypatch.setattr(resources, "market_source", lambda *_: Down())


def test_every_asset_with_keys_has_it():
    checked = {key.asset_key for key in defs.resolve_asset_graph().asset_check_keys if key.name == FRESHNESS}
    assert {key.to_user_string() for key in checked} == {
        *("option_chains", "positions", "transactions", "price_history", "events"),
        *("greeks", "volatility_history", "predictions"),
    }


def test_a_pull_that_goes_well_records_none(home):
    run.recommend({})
    assert verdicts(home) == {}


def test_the_inspection_gives_a_verdict_on_every_asset_that_has_data(home):
    run.recommend({})
    age("option_chains", 20)
    make(home, "cache_inspection")
    found = verdicts(home)
    assert found.keys() == {key.to_user_string() for key in KEYED} - {"price_history", "events"}
    assert {name for name, (passed, *_) in found.items() if not passed} == {"option_chains"}
    _, severity, told = found["option_chains"]
    assert severity is dg.AssetCheckSeverity.WARN
    assert told.startswith("U stale since ")
    assert found["positions"][2].startswith("default fresh until ")


def test_what_is_made_anew_passes_again(home):
    run.recommend({})
    age("option_chains", 20)
    make(home, "cache_inspection")
    make(home, "option_chains")
    assert verdicts(home)["option_chains"][0]


def test_a_pull_that_fails_warns_at_once_and_is_remembered_until_it_succeeds(home, request):
    run.recommend({})
    age("option_chains", 20)
    request.getfixturevalue("outage")
    with pytest.raises(RunFailed, match="the market is down"):
        run.recommend({})
    assert "U could not be renewed: the market is down" in verdicts(home)["option_chains"][2]
    for _ in range(2):  # the second looks at what the first has told
        make(home, "cache_inspection")
        assert verdicts(home)["option_chains"][2].startswith("U failed ")


def test_success_ends_a_failure(home, outage, monkeypatch):
    with pytest.raises(RunFailed):
        run.recommend({})
    monkeypatch.setattr(resources, "market_source", lambda *_: SampleMarket())
    run.recommend({})
    make(home, "cache_inspection")
    assert verdicts(home)["option_chains"][2].startswith("U fresh until ")


def test_making_everything_inspects_last(home):
    result = make(home, "option_chains", "cache_inspection", "price_history", "risk_free_rate")
    order = [event.step_key for event in result.all_events if event.is_step_start]
    assert order[-1] == "cache_inspection"
