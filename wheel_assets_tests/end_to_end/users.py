"""The commands as a user runs them."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from wheel_assets_tests import forked

POSITIONS = "symbol,quantity,avg_price\nAAA,200,30.00\nCASH,60000,\n"
LEASH = Path(__file__).parent / "leash.py"


def leashed(program: str, *arguments: str) -> list[str]:
    """The command line of one of this environment's programs that ends when these tests are killed."""
    return [sys.executable, "-I", "-S", str(LEASH), str(Path(sys.executable).parent / program), *arguments]


@dataclass
class User:
    """A trader with a folder, settings in the environment, and the commands."""

    folder: Path
    settings: dict[str, str]
    earlier: dict[str, Any] = field(default_factory=dict)  # what it was told before

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "COLUMNS": "110", "PYTHONWARNINGS": "default", **self.settings}

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Begin a command of this environment's bin folder."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(leashed(*command), cwd=self.folder, env=self.environment, **pipes)

    def run_from_the_shell(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, started as a user starts it."""
        process = self.start(*command)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """The same at half the price: the libraries are there already."""
        return self.begin(*command).ended()

    def begin(self, *command: str, typed: str = "") -> forked.Command:
        """Begin such a command, which reads what was typed before."""
        return forked.Command(*command, folder=self.folder, environment=self.environment, typed=typed)

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


def cboe_user(folder: Path, url: str) -> User:
    """A trader with real data: chains of the loopback market, positions from a file."""
    (folder / "positions.csv").write_text(POSITIONS)
    files = {"WHEEL_CACHE__DIR": str(folder / "cache"), "WHEEL_BROKER__FILE": str(folder / "positions.csv")}
    market = {"WHEEL_MARKET__SOURCE": "cboe", "WHEEL_CBOE__BASE_URL": url, "WHEEL_SYMBOLS": "AAA,BBB"}
    return User(folder, {**files, **market, "WHEEL_BROKER__SOURCE": "file"})


@dataclass
class FirstAnswer:
    """The cache of a trader with real data who has asked once, and the answer; made again before it is stale."""

    folder: Path
    url: str
    made: float = -math.inf
    answer: dict[str, Any] = field(default_factory=dict)

    def copy(self, cache: Path) -> dict[str, Any]:
        """The answer, whose cache is now there too."""
        if time.monotonic() - self.made > 300:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir()
            self.made = time.monotonic()
            self.answer = cboe_user(self.folder, self.url).answer()
        shutil.copytree(self.folder / "cache", cache)
        return self.answer
