"""The main job from the Dagster UI's side: the real web server and daemon, asked as the browser asks."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CLONE = Path(__file__).resolve().parents[2]
ASSETS = "{ assetNodes { assetKey { path } groupName kinds freshnessStatusInfo { freshnessStatus } } }"
RUNS = "{ runsOrError(limit: 20) { ... on Runs { results { runId status tags { key value } } } } }"
LAUNCH = """
mutation($selector: JobOrPipelineSelector!) {
  launchRun(executionParams: {selector: $selector, runConfigData: {}, mode: "default"}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  }
}"""
ADVICE = """
{ assetNodeOrError(assetKey: {path: ["recommendation"]}) { ... on AssetNode { assetMaterializations(limit: 1) {
    runId metadataEntries { label ... on MarkdownMetadataEntry { mdStr } } } } } }"""


class Server:
    """`dagster dev` in a folder of its own, on a free port."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = folder / "dev.log"
        command = [str(Path(sys.executable).parent / "dagster"), "dev", "-p", str(self.port)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def ask(self, query: str, **variables: Any) -> Any:
        """A GraphQL answer."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["data"]

    def wait_for(self, what: Any, seconds: float = 120) -> Any:
        """Ask again until there is an answer that is not false."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if found := what():
                    return found
            except OSError:
                pass
            assert time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.5)

    def stop(self) -> None:
        """End it with everything that it started."""
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(30)


@pytest.fixture()
def server(user: Any) -> Iterator[Server]:
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(CLONE / name, user.folder)
    user.earlier = user.answer()  # a run made on the command line before the UI is started
    server = Server(user.folder, user.environment)
    yield server
    server.stop()


def freshness(server: Server) -> dict[str, str]:
    """The freshness state of every asset, as the catalog shows it."""
    nodes = server.ask(ASSETS)["assetNodes"]
    return {node["assetKey"]["path"][0]: (node["freshnessStatusInfo"] or {}).get("freshnessStatus") for node in nodes}


def test_materialize_in_the_ui_gives_the_numbers_of_the_command_line(server, user, market):
    nodes = server.wait_for(lambda: server.ask(ASSETS)["assetNodes"])
    assert {"option_chains", "positions", "greeks", "predictions", "recommendation"} <= {
        node["assetKey"]["path"][0] for node in nodes
    }
    earlier = server.ask(RUNS)["runsOrError"]["results"]
    assert {run["status"] for run in earlier} == {"SUCCESS"}
    assert len(earlier) == 2, "the run on the command line and the one it pulled with"

    selector = {
        "repositoryName": "__repository__",
        "repositoryLocationName": "wheel_assets",
        "pipelineName": "__ASSET_JOB",
        "assetSelection": [{"path": ["recommendation"]}],
    }
    launched = server.ask(LAUNCH, selector=selector)["launchRun"]
    run_id = launched["run"]["runId"]

    def ended() -> bool:
        runs = {run["runId"]: run["status"] for run in server.ask(RUNS)["runsOrError"]["results"]}
        assert runs[run_id] != "FAILURE", server.log.read_text()[-3000:]
        return runs[run_id] == "SUCCESS"

    server.wait_for(ended)
    event = server.ask(ADVICE)["assetNodeOrError"]["assetMaterializations"][0]
    assert event["runId"] == run_id
    advice = next(entry["mdStr"] for entry in event["metadataEntries"] if entry["label"] == "advice")
    for row in user.earlier["advice"]:
        assert row["order"] in advice
    assert market.requests == {"AAA": 1, "BBB": 1}

    server.wait_for(lambda: set(freshness(server).values()) == {"HEALTHY"})
    assert "Warning" not in server.log.read_text().replace("SupersessionWarning", "")
