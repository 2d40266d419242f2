"""One scan on every executor: the same rows, every symbol asked for once, and nothing lost with a worker."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import psutil
import pytest

from wheel_assets_tests.market.universe import asked, served, symbols
from wheel_assets_tests.scale.conftest import CLONE

SYMBOLS = 20
WORKERS = 2
CLI = [sys.executable, "-m", "wheel_assets.cli", "scan", "--json"]


@pytest.fixture(scope="module")
def market() -> Iterator[str]:
    with served(SYMBOLS) as url:
        yield url


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("universe") / "symbols.txt"
    file.write_text("\n".join(symbols(SYMBOLS)))
    return file


class Place:
    """A folder of its own for cache, records and results of one executor; `worker` runs its steps, if not the scan."""

    worker: subprocess.Popen[bytes] | None = None

    def __init__(self, folder: Path, market: str, executor: str, config: dict[str, object] | None = None) -> None:
        home = folder / "dagster_home"
        home.mkdir()
        text = (CLONE / "dagster.yaml").read_text()
        (home / "dagster.yaml").write_text(text.replace(": .dagster", f": {home}"))
        self.folder, self.market, self.results = folder, market, folder / "scan" / "results"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("WHEEL_")} | {
            "HOME": str(folder),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",  # a worker's command starts `celery`
            "DAGSTER_HOME": str(home),
            "WHEEL_MARKET__SOURCE": "cboe",
            "WHEEL_CBOE__BASE_URL": market,
            "WHEEL_CACHE__DIR": str(folder / "cache"),
            "WHEEL_SCAN__DIR": str(folder / "scan"),
            "WHEEL_SCAN__EXECUTOR": executor,
            "WHEEL_SCAN__EXECUTOR_CONFIG": json.dumps(config or {}),
            "WHEEL_SCAN__SHARES": str(WORKERS),
            "WHEEL_SCAN__BATCH": "5",
        }

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """A process group of its own; what it says ends up in the files `answer` and `told`."""
        with (self.folder / "answer").open("wb") as answer, (self.folder / "told").open("ab") as told:
            return subprocess.Popen(
                command, env=self.environment, cwd=self.folder, stdout=answer, stderr=told, start_new_session=True
            )

    def scan(self, listed: Path) -> dict[str, object]:
        run = self.start(*CLI, "--symbols-file", str(listed))
        try:
            run.wait(300)
        finally:
            end(run)
        assert run.returncode == 0, (self.folder / "told").read_text()[-2000:]
        return dict(json.loads((self.folder / "answer").read_text()))

    def rows(self) -> pd.DataFrame:
        with duckdb.connect() as connection:
            files = f"{self.results}/*.parquet"
            return connection.execute("SELECT * FROM read_parquet(?) ORDER BY option_symbol", [files]).df()


def end(process: subprocess.Popen[bytes]) -> None:
    """No process of its group is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, market: str, listed: Path) -> tuple[pd.DataFrame, object]:
    place = Place(tmp_path_factory.mktemp("in_process"), market, "in_process")
    document = place.scan(listed)
    return place.rows(), document["ranking"]


@pytest.fixture
def celery(redis_url: str, tmp_path: Path, market: str) -> Iterator[Place]:
    """A place whose steps a worker of Celery runs, which listens at Redis."""
    late = {"task_acks_late": True, "task_reject_on_worker_lost": True, "worker_prefetch_multiplier": 1}
    config = {"broker": redis_url, "backend": redis_url, "config_source": late}
    place = Place(tmp_path, market, "celery", config)
    (tmp_path / "celery.yaml").write_text(json.dumps({"execution": {"config": config}}))
    program = Path(sys.executable).with_name("dagster-celery")
    command = [str(program), "worker", "start", "-A", "dagster_celery.app", "-y", str(tmp_path / "celery.yaml")]
    worker = place.worker = place.start(*command, "--", "--concurrency", str(WORKERS))
    try:
        yield place
    finally:
        end(worker)


def check(place: Place, listed: Path, expected: tuple[pd.DataFrame, object]) -> None:
    before = asked(place.market)["asked"]
    document = place.scan(listed)
    after = asked(place.market)["asked"]
    assert {symbol: after[symbol] - before.get(symbol, 0) for symbol in symbols(SYMBOLS)} == dict.fromkeys(
        symbols(SYMBOLS), 1
    )
    assert document["ranking"] == expected[1]
    pd.testing.assert_frame_equal(place.rows(), expected[0], check_exact=True)


def wait_for_a_result(place: Place) -> None:
    """Return once the first batch is valued: the others are not."""
    deadline = time.monotonic() + 240
    while not list(place.results.glob("*.parquet")):
        assert time.monotonic() < deadline, (place.folder / "told").read_text()[-2000:]
        time.sleep(0.05)


def test_several_processes_find_the_same(tmp_path, market, listed, expected):
    check(Place(tmp_path, market, "multiprocess", {"max_concurrent": WORKERS}), listed, expected)


def test_dask_finds_the_same(tmp_path, market, listed, expected):
    config = {"cluster": {"local": {"n_workers": WORKERS, "dashboard_address": None}}}
    check(Place(tmp_path, market, "dask", config), listed, expected)


def test_celery_finds_the_same(celery, listed, expected):
    check(celery, listed, expected)


def test_what_is_fresh_is_neither_fetched_nor_valued_again(tmp_path, market, listed):
    place = Place(tmp_path, market, "in_process")
    first = place.scan(listed)
    before, made = asked(market), [file.stat().st_mtime_ns for file in sorted(place.results.iterdir())]
    assert place.scan(listed) == first
    assert asked(market) == before
    assert [file.stat().st_mtime_ns for file in sorted(place.results.iterdir())] == made


def test_nothing_is_lost_with_a_run(tmp_path, market, listed, expected):
    place, before = Place(tmp_path, market, "multiprocess", {"max_concurrent": WORKERS}), asked(market)["asked"]
    run = place.start(*CLI, "--symbols-file", str(listed))
    wait_for_a_result(place)
    end(run)
    assert place.scan(listed)["ranking"] == expected[1]
    pd.testing.assert_frame_equal(place.rows(), expected[0], check_exact=True)
    after = asked(market)["asked"]
    assert {after[symbol] - before[symbol] for symbol in symbols(SYMBOLS)} == {1}


def test_the_work_of_a_lost_worker_is_done_by_another(celery, listed, expected):
    before = asked(celery.market)["asked"]
    run = celery.start(*CLI, "--symbols-file", str(listed))
    try:
        wait_for_a_result(celery)
        busiest = max(psutil.Process(celery.worker.pid).children(recursive=True), key=lambda p: sum(p.cpu_times()[:2]))
        busiest.kill()
        run.wait(300)
    finally:
        end(run)
    assert run.returncode == 0, (celery.folder / "told").read_text()[-2000:]
    pd.testing.assert_frame_equal(celery.rows(), expected[0], check_exact=True)
    after = asked(celery.market)["asked"]
    assert {after[symbol] - before[symbol] for symbol in symbols(SYMBOLS)} == {1}
