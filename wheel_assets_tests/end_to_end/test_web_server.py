"""The main job from the Dagster UI's side: the real web server and daemon, asked as the browser asks."""

import re

RUNS = """query($filter: RunsFilter) { runsOrError(filter: $filter, limit: 20) { ... on Runs {
    results { runId status tags { key value } } } } }"""
ADVICE = """
{ assetNodeOrError(assetKey: {path: ["recommendation"]}) { ... on AssetNode { assetMaterializations(limit: 1) {
    runId metadataEntries { label ... on MarkdownMetadataEntry { mdStr } } } } } }"""


def test_materialize_in_the_ui_gives_the_numbers_of_the_command_line(server, user, market):
    server.wait_for(lambda: {"recommendation", "cache_inspection"} <= set(server.assets()))
    earlier = runs(server)
    assert {run["status"] for run in earlier} == {"SUCCESS"}
    assert len(earlier) == 2, "the run on the command line and the one it pulled with"

    run_id = server.materialize("recommendation")
    event = server.ask(ADVICE)["assetNodeOrError"]["assetMaterializations"][0]
    assert event["runId"] == run_id
    advice = next(entry["mdStr"] for entry in event["metadataEntries"] if entry["label"] == "advice")
    for row in server.earlier["advice"]:
        assert row["order"] in advice
    assert market.requests == {"AAA": 1, "BBB": 1}
    assert not re.search(r"\b(?!Supersession)\w+Warning\b", server.log.read_text())


# A server takes its time to start: one test tries all that can be wrong in the Launchpad.
MISMEANT = [
    ({"symbols": ["bad symbol"]}, "'bad symbol' is not a symbol; tickers are 1 to 6 letters or digits"),
    ({"max_age_minutes": {"option_chains": -1}}, "max_age_minutes option_chains=-1.0 is refused"),
    ({"max_age_minutes": {"chains": 1}}, "max_age_minutes chains=1.0 is refused; tables: "),
    ({"account_id": "a b"}, "account 'a b' is refused; letters, digits, dot and dash only"),
    ({"portfolio_value": -1}, "portfolio value -1.0 is refused; it is not a positive number"),
]
MISSHAPED = [{"portfolio_value": "much"}, {"symbols": "U"}, {"symbls": ["U"]}]


def test_a_wrong_config_is_refused_in_one_line(server):
    server.wait_for(server.assets)
    for config in MISSHAPED:
        (error,) = server.launch("recommendation", **config)["errors"]
        assert next(iter(config)) in error["message"]
    asked = [("recommendation", *each) for each in MISMEANT] + [("option_chains", *MISMEANT[0])]
    runs = [server.launch(asset, **config)["run"]["runId"] for asset, config, _ in asked]
    for run_id, (_, _, told) in zip(runs, asked, strict=True):
        assert server.ends(run_id) == "FAILURE"
        errors = server.failures(run_id)
        assert len(errors) == 2, "of the step and of the run"
        assert all(error["message"].startswith(told) for error in errors)
        assert [error for error in errors if error["stack"] or error["causes"]] == []


def test_a_market_that_is_down_ends_both_runs_in_one_line_and_each_names_the_other(server, market):
    server.wait_for(server.assets)
    market.down = True
    asker = server.launch("recommendation", max_age_minutes={"option_chains": 0})["run"]["runId"]
    assert server.ends(asker) == "FAILURE"
    tags = {run["runId"]: {tag["key"]: tag["value"] for tag in run["tags"]} for run in runs(server)}
    pulled = tags[asker]["wheel/pulled"]
    assert tags[pulled]["wheel/pulled_by"] == asker
    assert {run["runId"] for run in runs(server, {"key": "wheel/pulled_by", "value": asker})} == {pulled}
    errors = [error for run in (asker, pulled) for error in server.failures(run)]
    (message,) = {error["message"].strip() for error in errors}
    assert "\n" not in message
    assert [error for error in errors if error["stack"] or error["causes"]] == []


def runs(server, *tags):
    """The runs there are, or those with these tags, as the Runs page filters them."""
    return server.ask(RUNS, filter={"tags": list(tags)})["runsOrError"]["results"]
