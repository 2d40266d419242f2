"""`dagster dev` and `wheel ui`, asked as the browser asks."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wheel_assets_tests.end_to_end.users import User, leashed

CLONE = Path(__file__).resolve().parents[2]
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "wheel_assets"}
FRESHNESS = "{ assetNodes { assetKey { path } freshnessStatusInfo { freshnessStatus } } }"
STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
LAUNCH = """
mutation($selector: JobOrPipelineSelector!, $config: RunConfigData!) {
  launchRun(executionParams: {selector: $selector, runConfigData: $config, mode: "default"}) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}"""
FAILURE = """
query($id: ID!) { runOrError(runId: $id) { ... on Run { eventConnection { events {
  ... on ExecutionStepFailureEvent { error { message stack causes { message } } }
  ... on RunFailureEvent { error { message stack causes { message } } } } } } } }"""


class Server:
    """`dagster dev` in a folder of its own, on a free port."""

    command: tuple[str, ...] = ("dagster", "dev", "-p")
    cookie = ""  # of whoever asks

    def __init__(self, user: User) -> None:
        self.user = user
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = user.folder / "dev.log"
        command = leashed(*self.command, str(self.port))
        where = {"cwd": user.folder, "env": user.environment, "start_new_session": True}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **where)

    def ask(self, query: str, **variables: Any) -> Any:
        """A GraphQL answer."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql",
            body,
            {"Content-Type": "application/json", "Cookie": self.cookie},
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
        """End it with everything that it started, by force if asking does not help."""
        os.killpg(self.process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(15)

    def assets(self) -> list[str]:
        """The assets that there are."""
        return [node["assetKey"]["path"][0] for node in self.ask("{ assetNodes { assetKey { path } } }")["assetNodes"]]

    def freshness(self) -> dict[str, str]:
        """The freshness state of every asset that has a limit, as the catalog shows it."""
        nodes = self.ask(FRESHNESS)["assetNodes"]
        told = {node["assetKey"]["path"][0]: node["freshnessStatusInfo"] for node in nodes}
        return {name: info["freshnessStatus"] for name, info in told.items() if info}

    def age(self, minutes: float, *assets: str) -> None:
        """Let time go by since assets were materialized, as far as freshness is judged."""
        at = "'$.event_log_entry.timestamp'"
        earlier = f"json_set(last_materialization, {at}, json_extract(last_materialization, {at}) - ?)"
        (path,) = self.user.folder.rglob("index.db")
        with contextlib.closing(sqlite3.connect(path, timeout=60)) as connection, connection:
            for asset in assets:
                where = f"UPDATE asset_keys SET last_materialization = {earlier} WHERE asset_key = ?"
                assert connection.execute(where, [minutes * 60, json.dumps([asset])]).rowcount == 1

    def materialize(self, *assets: str) -> str:
        """What the button Materialize does; the id of the run, once it has succeeded."""
        run_id = self.launch(*assets)["run"]["runId"]
        assert self.ends(run_id) == "SUCCESS", self.log.read_text()[-3000:]
        return run_id

    def launch(self, *assets: str, **config: Any) -> dict[str, Any]:
        """What the Launchpad does with the config of the one asset: a run, or what is wrong with the config."""
        selector = {**LOCATION, "pipelineName": "__ASSET_JOB", "assetSelection": [{"path": [name]} for name in assets]}
        asked = {"ops": {assets[0]: {"config": config}}} if config else {}
        return self.ask(LAUNCH, selector=selector, config=asked)["launchRun"]

    def ends(self, run_id: str) -> str:
        """How a run ended, once it has."""
        return self.wait_for(lambda: self.status(run_id) in ENDED and self.status(run_id))

    def failures(self, run_id: str) -> list[dict[str, Any]]:
        """Every error on the page of a run."""
        events = self.ask(FAILURE, id=run_id)["runOrError"]["eventConnection"]["events"]
        return [event["error"] for event in events if event.get("error")]

    def done(self) -> int:
        """How many runs have succeeded; none may fail."""
        runs = self.ask("{ runsOrError { ... on Runs { results { status } } } }")["runsOrError"]["results"]
        assert "FAILURE" not in {run["status"] for run in runs}, self.log.read_text()[-3000:]
        return sum(run["status"] == "SUCCESS" for run in runs)

    def status(self, run_id: str) -> str:
        """Where a run has got to."""
        return self.ask(STATUS, id=run_id)["runOrError"]["status"]


class GuardedServer(Server):
    """`wheel ui` in a folder of its own, on a free port."""

    command = ("wheel", "ui", "--no-browser", "--port")

    @property
    def link(self) -> str:
        """The one-time link, once it is printed."""
        return next((line for line in self.log.read_text().splitlines() if line.startswith("http://")), "")


def at_home(user: User) -> User:
    """The same user, who works where `dagster.yaml` is that of this clone; the daemon looks every three seconds."""
    user.settings["FRESHNESS_DAEMON_INTERVAL_SECONDS"] = "3"
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(CLONE / name, user.folder)
    return user


@contextlib.contextmanager
def serving(user: User, kind: type[Server] = Server) -> Iterator[Server]:
    """The web server and daemon of this user."""
    server = kind(user)
    try:
        yield server
    finally:
        server.stop()
