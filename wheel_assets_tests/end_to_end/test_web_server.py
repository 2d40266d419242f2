"""The main job from the Dagster UI's side: the real web server and daemon, asked as the browser asks."""

RUNS = "{ runsOrError(limit: 20) { ... on Runs { results { runId status tags { key value } } } } }"
ADVICE = """
{ assetNodeOrError(assetKey: {path: ["recommendation"]}) { ... on AssetNode { assetMaterializations(limit: 1) {
    runId metadataEntries { label ... on MarkdownMetadataEntry { mdStr } } } } } }"""


def test_materialize_in_the_ui_gives_the_numbers_of_the_command_line(server, user, market):
    server.wait_for(lambda: {"recommendation", "cache_inspection"} <= set(server.assets()))
    earlier = server.ask(RUNS)["runsOrError"]["results"]
    assert {run["status"] for run in earlier} == {"SUCCESS"}
    assert len(earlier) == 2, "the run on the command line and the one it pulled with"

    run_id = server.materialize("recommendation")
    event = server.ask(ADVICE)["assetNodeOrError"]["assetMaterializations"][0]
    assert event["runId"] == run_id
    advice = next(entry["mdStr"] for entry in event["metadataEntries"] if entry["label"] == "advice")
    for row in server.earlier["advice"]:
        assert row["order"] in advice
    assert market.requests == {"AAA": 1, "BBB": 1}
    assert "Warning" not in server.log.read_text().replace("SupersessionWarning", "")
