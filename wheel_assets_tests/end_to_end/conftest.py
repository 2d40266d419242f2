"""A market on loopback that counts what it is asked, and the commands as a user runs them."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pandas as pd
import pytest

from wheel_assets.fetch.sample.sources import STOCKS, SampleMarket
from wheel_assets_tests.end_to_end.wheelers_account import write_positions

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
POSITIONS = "symbol,quantity,avg_price\nAAA,200,30.00\nCASH,60000,\n"


def cboe_document(symbol: str) -> dict[str, Any]:
    """The sample chain of U as Cboe would serve it, under another ticker."""
    chain = SampleMarket().option_chain("U", datetime.now(UTC)).frame
    local = chain["timestamp"].dt.tz_localize("UTC").dt.tz_convert("America/New_York")[0]
    options = [
        {
            "option": symbol + row.option_symbol[6:],
            **{name: None if pd.isna(getattr(row, name)) else float(getattr(row, name)) for name in ("bid", "ask")},
            **{"bid_size": 10.0, "ask_size": 10.0, "iv": 0.0, "open_interest": 500.0, "volume": 10.0},
            **{"last_trade_price": 0.0, "last_trade_time": None},
        }
        for row in chain.itertuples()
    ]
    quote = {"symbol": symbol, "current_price": float(chain["spot_price"][0]), "options": options}
    quote["last_trade_time"] = local.strftime("%Y-%m-%dT%H:%M:%S")
    return {"timestamp": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}", "symbol": symbol, "data": quote}


def bars(symbol: str) -> bytes:
    """The sample history of U as Cboe would serve it, under another ticker."""
    history = SampleMarket().price_history("U", datetime.now(UTC)).frame
    days = history.assign(date=history["date"].dt.strftime("%Y-%m-%d"))
    names = ["date", "open", "high", "low", "close", "volume"]
    return json.dumps({"symbol": symbol, "data": json.loads(days[names].to_json(orient="records"))}).encode()


@dataclass
class Market:
    """What the loopback market was asked, and how it behaves."""

    url: str = ""
    requests: Counter[str] = field(default_factory=Counter)  # for chains
    histories: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    down: bool = False


@pytest.fixture(scope="session")
def vendors() -> ModuleType:
    """Payloads and replies of the fake vendors: the module of that name."""
    path = CLONE / "wheel_assets_tests" / "fetch" / "fake_vendors.py"
    spec = importlib.util.spec_from_file_location("fake_vendors", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def documents() -> dict[str, bytes]:
    return {symbol: json.dumps(cboe_document(symbol)).encode() for symbol in ("U", "AAA", "BBB", "SPY")}


@pytest.fixture
def market(documents: dict[str, bytes]) -> Iterator[Market]:
    """Serves U, AAA, BBB and SPY in Cboe's protocol; anything else is refused as Cboe refuses it."""
    state = Market()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            symbol = self.path.rsplit("/", 1)[-1].removesuffix(".json")
            history = "/charts/historical/" in self.path
            (state.histories if history else state.requests)[symbol] += 1
            time.sleep(state.seconds)
            body = documents.get(symbol, b"<Error>AccessDenied</Error>")
            body = bars(symbol) if history and symbol in documents else body
            self.send_response(500 if state.down else 200 if symbol in documents else 403)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def leashed(program: str, *arguments: str) -> list[str]:
    """The command line of one of this environment's programs that ends when these tests are killed."""
    leash = CLONE / "wheel_assets_tests" / "end_to_end" / "leash.py"
    return [sys.executable, "-I", "-S", str(leash), str(Path(sys.executable).parent / program), *arguments]


@dataclass
class User:
    """A trader with a folder, settings in the environment, and the commands."""

    folder: Path
    settings: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "COLUMNS": "110", "PYTHONWARNINGS": "default", **self.settings}

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Begin a command of this environment's bin folder."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(leashed(*command), cwd=self.folder, env=self.environment, **pipes)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.start(*command)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def materialize(self, select: str = "recommendation", **config: Any) -> subprocess.CompletedProcess[str]:
        """Dagster's own command line; its log is on standard error."""
        asked = ["--config-json", json.dumps({"ops": {"recommendation": {"config": config}}})] if config else []
        return self.run("dagster", "asset", "materialize", "-m", "wheel_assets.definitions", "--select", select, *asked)

    def answer(self, *options: str) -> dict[str, Any]:
        """What `wheel recommend --json` says."""
        done = self.run("wheel", "recommend", "--json", *options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the cache file, as any SQL user would."""
        with duckdb.connect(str(self.folder / "cache" / "wheel_cache.duckdb")) as connection:
            return connection.execute(sql).fetchall()

    def age(self, table: str, minutes: float) -> None:
        """Make the snapshots of a table older."""
        for statement in (
            f"UPDATE snapshots SET created_at = created_at - INTERVAL '{minutes} minutes' WHERE table_name = '{table}'",
            f"UPDATE {table} SET created_at = created_at - INTERVAL '{minutes} minutes'",
        ):
            self.query(statement)


@pytest.fixture
def sample_user(tmp_path: Path) -> User:
    """A newcomer: nothing is set but where the cache lies."""
    return User(tmp_path, {"WHEEL_CACHE__DIR": str(tmp_path / "cache")})


@pytest.fixture
def user(tmp_path: Path, market: Market) -> User:
    """A trader with real data: chains of the loopback market, positions from a file."""
    (tmp_path / "positions.csv").write_text(POSITIONS)
    return User(
        tmp_path,
        {
            "WHEEL_CACHE__DIR": str(tmp_path / "cache"),
            "WHEEL_MARKET__SOURCE": "cboe",
            "WHEEL_CBOE__BASE_URL": market.url,
            "WHEEL_BROKER__SOURCE": "file",
            "WHEEL_BROKER__FILE": str(tmp_path / "positions.csv"),
            "WHEEL_SYMBOLS": "AAA,BBB",
        },
    )


@pytest.fixture
def wheeler(tmp_path: Path) -> User:
    """A trader of the wheel on the sample market: nine positions on five symbols, out of a file."""
    write_positions(tmp_path / "positions.csv")
    files = {"WHEEL_CACHE__DIR": str(tmp_path / "cache"), "WHEEL_BROKER__FILE": str(tmp_path / "positions.csv")}
    return User(tmp_path, {**files, "WHEEL_BROKER__SOURCE": "file", "WHEEL_SYMBOLS": ",".join(STOCKS)})


class Server:
    """`dagster dev` in a folder of its own, on a free port."""

    command: tuple[str, ...] = ("dagster", "dev", "-p")
    cookie = ""  # of whoever asks
    earlier: dict[str, Any] = {}  # the answer on the command line, before the server was started

    def __init__(self, user: User) -> None:
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


@pytest.fixture
def server(user: User) -> Iterator[Server]:
    """The web server and daemon of a trader with real data, who has used the command line before."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(CLONE / name, user.folder)
    earlier = user.answer()
    server = Server(user)
    server.earlier = earlier
    yield server
    server.stop()


@pytest.fixture
def newcomers_server(sample_user: User) -> Iterator[Server]:
    """The web server and daemon of somebody who has set nothing and done nothing."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(CLONE / name, sample_user.folder)
    server = Server(sample_user)
    yield server
    server.stop()


@pytest.fixture
def wheelers_server(wheeler: User) -> Iterator[Server]:
    """The web server and daemon of the trader with nine positions."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(CLONE / name, wheeler.folder)
    server = Server(wheeler)
    server.user = wheeler
    yield server
    server.stop()


@pytest.fixture(params=[Server, GuardedServer], ids=["dagster dev", "wheel ui"])
def either_server(request: pytest.FixtureRequest, sample_user: User) -> Iterator[Server]:
    """The web server and daemon of somebody who has done nothing: Dagster's own way, and ours."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(CLONE / name, sample_user.folder)
    server = request.param(sample_user)
    yield server
    server.stop()


@pytest.fixture
def guarded_server(sample_user: User) -> Iterator[GuardedServer]:
    """`wheel ui` of somebody who has set nothing, in a folder without a `dagster.yaml`."""
    server = GuardedServer(sample_user)
    yield server
    server.stop()
