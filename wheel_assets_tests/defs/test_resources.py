"""What the resources refuse before anything is fetched or stored."""

from __future__ import annotations

import dagster as dg
import pytest

from wheel_assets.cache.reading.one_line_errors import OneLineError
from wheel_assets.definitions import defs
from wheel_assets.defs.resources import refuse_environment, the_store
from wheel_assets.errors import UsageError

KEY = "the-key-of-the-broker"
ENV = {"env": "WHEEL_TEST_KEY"}
CONFIGS = [
    ("positions", {"account_id": ENV}),
    ("recommendation", {"symbols": [ENV]}),
    ("recommendation", {"account_id": ENV}),
]
# What is of the right shape for the Launchpad, and still wrong.
MISMEANT = [
    ({"symbols": ["bad symbol"]}, "'bad symbol' is not a symbol; tickers are 1 to 6 letters or digits"),
    ({"max_age_minutes": {"option_chains": -1}}, "max_age_minutes option_chains=-1.0 is refused"),
    ({"max_age_minutes": {"chains": 1}}, "max_age_minutes chains=1.0 is refused; tables: "),
    ({"account_id": "a b"}, "account 'a b' is refused; letters, digits, dot and dash only"),
    ({"portfolio_value": -1}, "portfolio value -1.0 is refused; it is not a positive number"),
]


@pytest.mark.parametrize(("asset", "config"), CONFIGS)
def test_no_config_reads_a_key_out_of_the_environment(monkeypatch, caplog, asset, config):
    monkeypatch.setenv("WHEEL_TEST_KEY", KEY)
    job = defs.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as home:
        selected = {"asset_selection": [dg.AssetKey(asset)], "instance": home}
        with pytest.raises(OneLineError, match="takes its value from the environment variable WHEEL_TEST_KEY"):
            job.execute_in_process({"ops": {asset: {"config": config}}}, **selected)
        told = [str(entry) for run in home.get_runs() for entry in home.all_logs(run.run_id)]
    assert KEY not in "".join(told) + caplog.text
    assert not the_store().path.exists()


@pytest.mark.parametrize(("config", "told"), MISMEANT)
def test_a_wrong_config_fails_in_one_line(config, told):
    job = defs.resolve_implicit_global_asset_job_def()
    asked = {"run_config": {"ops": {"recommendation": {"config": config}}}, "raise_on_error": False}
    done = job.execute_in_process(asset_selection=[dg.AssetKey("recommendation")], **asked)
    (failed,) = [event for event in done.all_events if event.is_step_failure]
    error = failed.step_failure_data.error
    assert error.message.startswith(told)
    assert (error.stack, error.cause) == ([], None)


def test_no_job_does_either(monkeypatch, tmp_path):
    monkeypatch.setenv("WHEEL_TEST_KEY", str(tmp_path / KEY))
    with pytest.raises(OneLineError, match="is refused"):
        defs.resolve_job_def("migrate").execute_in_process({"ops": {"take_old_data": {"config": {"file": ENV}}}})
    assert not list(tmp_path.rglob("*key*"))


@pytest.mark.parametrize("config", [None, {}, {"ops": {"a": {"config": {"env": "x", "b": 1}}}}, {"symbols": ["env"]}])
def test_any_other_config_is_none_of_its_business(config):
    refuse_environment(config)


def test_a_bad_part_is_found_however_deep():
    with pytest.raises(UsageError, match="variable A is refused; .*; write the value itself"):
        refuse_environment({"a": [{"b": {"c": [1, {"env": "A"}]}}]})
