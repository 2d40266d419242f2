"""The main job from the Dagster UI's side: the real web server and daemon, asked as the browser asks."""

import re

import pytest

RUNS = """query($filter: RunsFilter) { runsOrError(filter: $filter, limit: 20) { ... on Runs {
    results { runId status tags { key value } } } } }"""
ADVICE = """
{ assetNodeOrError(assetKey: {path: ["recommendation"]}) { ... on AssetNode { assetMaterializations(limit: 1) {
    runId metadataEntries { label ... on MarkdownMetadataEntry { mdStr } } } } } }"""


def test_materialize_in_the_ui_gives_the_numbers_of_the_command_line(server, market):
    server.wait_for(lambda: {"recommendation", "cache_inspection"} <= set(server.assets()))
    *_, pulled, asker = runs(server)  # the run on the command line, and the one it pulled with
    assert [pulled["status"], asker["status"]] == ["SUCCESS"] * 2
    assert tags(pulled)["wheel/pulled_by"] == asker["runId"]

    run_id = server.materialize("recommendation")
    event = server.ask(ADVICE)["assetNodeOrError"]["assetMaterializations"][0]
    assert event["runId"] == run_id
    advice = next(entry["mdStr"] for entry in event["metadataEntries"] if entry["label"] == "advice")
    for row in server.user.earlier["advice"]:
        assert row["order"] in advice
    assert market.requests == {}
    assert not re.search(r"\b(?!Supersession)\w+Warning\b", server.log.read_text())


@pytest.mark.parametrize("config", [{"portfolio_value": "much"}, {"symbols": "U"}, {"symbls": ["U"]}], ids=str)
def test_a_config_of_the_wrong_shape_begins_no_run(server, config):
    server.wait_for(server.assets)
    (error,) = server.launch("recommendation", **config)["errors"]
    assert next(iter(config)) in error["message"]


@pytest.mark.parametrize("asset", ["recommendation", "option_chains"])
def test_a_wrong_config_is_refused_in_one_line(server, asset):
    server.wait_for(server.assets)
    run_id = server.launch(asset, symbols=["bad symbol"])["run"]["runId"]
    assert server.ends(run_id) == "FAILURE"
    errors = server.failures(run_id)
    assert len(errors) == 2, "of the step and of the run"
    told = "'bad symbol' is not a symbol; tickers are 1 to 6 letters or digits"
    assert all(error["message"].startswith(told) for error in errors)
    assert [error for error in errors if error["stack"] or error["causes"]] == []


def test_a_market_that_is_down_ends_both_runs_in_one_line_and_each_names_the_other(server, market):
    server.wait_for(server.assets)
    market.down = True
    asker = server.launch("recommendation", max_age_minutes={"option_chains": 0})["run"]["runId"]
    assert server.ends(asker) == "FAILURE"
    found = {run["runId"]: tags(run) for run in runs(server)}
    pulled = found[asker]["wheel/pulled"]
    assert found[pulled]["wheel/pulled_by"] == asker
    assert {run["runId"] for run in runs(server, {"key": "wheel/pulled_by", "value": asker})} == {pulled}
    errors = [error for run in (asker, pulled) for error in server.failures(run)]
    (message,) = {error["message"].strip() for error in errors}
    assert "\n" not in message
    assert [error for error in errors if error["stack"] or error["causes"]] == []


def tags(run):
    """The tags of a run, by key."""
    return {tag["key"]: tag["value"] for tag in run["tags"]}


def runs(server, *having):
    """The runs there are, or those with these tags, newest first, as the Runs page filters them."""
    return server.ask(RUNS, filter={"tags": list(having)})["runsOrError"]["results"]
