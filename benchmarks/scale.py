"""Many symbols of a made-up market through every executor: rows, requests, throughput, memory.

    python benchmarks/scale.py [--symbols 500] [--workers 1,2] [EXECUTOR ...]

needs redis-server. Each line is a scan of everything into a folder of its own, from an empty cache: how long it took by
the wall and by the CPU of all its processes, contracts a second, what the server was asked for, the largest memory of
one process, and whether the rows are those of the first line to the last digit. Before them: the same computation in
one process without Dagster, from chains that are there already.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from wheel_assets.greeks import ZeroCurve
from wheel_assets.scan.snapshots import CHAINS, ScanFolder
from wheel_assets.scan.universe import blocks
from wheel_assets.scan.valuation import screened
from wheel_assets.settings import load_settings
from wheel_assets.tables import OPTION_CHAINS

CLONE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLONE))
from wheel_assets_tests.market.universe import asked, served, symbols  # noqa: E402

EXECUTORS = ("in_process", "multiprocess", "dask", "celery")
BATCH = 10


def say(line: str) -> None:
    """A line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def redis() -> Iterator[str]:
    """The address of an empty Redis of our own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(30)


def environment(folder: Path, market: str, executor: str, config: dict[str, Any], workers: int) -> dict[str, str]:
    """The settings of one scan, in a folder of its own."""
    home = folder / "home"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text((CLONE / "dagster.yaml").read_text().replace(": .dagster", f": {home}"))
    ours = {
        "HOME": str(folder),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",  # a worker's command starts `celery`
        "DAGSTER_HOME": str(home),
        "WHEEL_MARKET__SOURCE": "cboe",
        "WHEEL_CBOE__BASE_URL": market,
        "WHEEL_MAX_AGE__OPTION_CHAINS": "600",
        "WHEEL_CACHE__DIR": str(folder / "cache"),
        "WHEEL_SCAN__DIR": str(folder / "scan"),
        "WHEEL_SCAN__EXECUTOR": executor,
        "WHEEL_SCAN__EXECUTOR_CONFIG": json.dumps(config),
        "WHEEL_SCAN__SHARES": str(max(2, workers)),
        "WHEEL_SCAN__BATCH": str(BATCH),
    }
    return {name: value for name, value in os.environ.items() if not name.startswith("WHEEL_")} | ours


@contextmanager
def celery_worker(env: dict[str, str], folder: Path, config: dict[str, Any], workers: int) -> Iterator[None]:
    """A worker of Celery with so many processes."""
    (folder / "celery.yaml").write_text(json.dumps({"execution": {"config": config}}))
    program = str(Path(sys.executable).with_name("dagster-celery"))
    command = [program, "worker", "start", "-A", "dagster_celery.app", "-y", str(folder / "celery.yaml")]
    with (folder / "worker.log").open("w") as log:
        worker = subprocess.Popen(
            [*command, "--", "--concurrency", str(workers)],
            env=env,
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(worker.pid, signal.SIGTERM)
        worker.wait(60)


def digest(folder: Path) -> tuple[str, int]:
    """Of all rows of a scan, and how many."""
    with duckdb.connect() as connection:
        query = "SELECT * FROM read_parquet(?) ORDER BY option_symbol"
        frame = connection.execute(query, [f"{folder}/scan/results/*.parquet"]).df()
    return hashlib.sha256(frame.to_json(double_precision=15).encode()).hexdigest()[:12], len(frame)


def cpu() -> float:
    """Seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def scan(folder: Path, market: str, executor: str, workers: int, listed: Path, broker: str) -> dict[str, Any]:
    """One scan of everything; what it took."""
    config: dict[str, Any] = {
        "in_process": {},
        "multiprocess": {"max_concurrent": workers},
        "dask": {"cluster": {"local": {"n_workers": workers, "dashboard_address": None}}},
        "celery": {"broker": broker, "backend": broker, "config_source": {"worker_prefetch_multiplier": 1}},
    }[executor]
    env = environment(folder, market, executor, config, workers)
    before, started, used = asked(market)["asked"], time.perf_counter(), cpu()
    command = [sys.executable, "-m", "wheel_assets.cli", "scan", "--json", "--symbols-file", str(listed)]
    with (folder / "log").open("w") as log:
        if executor == "celery":
            with celery_worker(env, folder, config, workers):
                subprocess.run(command, env=env, cwd=folder, check=True, stdout=log, stderr=log)
        else:
            subprocess.run(command, env=env, cwd=folder, check=True, stdout=log, stderr=log)
    wall = time.perf_counter() - started
    after = asked(market)["asked"]
    requests = {symbol: after[symbol] - before.get(symbol, 0) for symbol in symbols(len(listed.read_text().split()))}
    rows, count = digest(folder)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    once = sum(requests.values()) if set(requests.values()) == {1} else -1
    return {"wall": wall, "cpu": cpu() - used, "requests": once, "rows": rows, "puts": count, "largest_mb": largest}


def pure(folder: Path, listed: list[str]) -> tuple[int, float, float]:
    """Contracts, and seconds by the wall and by the CPU, of the computation alone."""
    settings, chains = load_settings(), ScanFolder(str(folder / "scan"))
    batches = [chains.read(CHAINS, OPTION_CHAINS, batch) for batch in blocks(listed, BATCH)]
    now, curve = datetime.now(UTC), ZeroCurve.flat(settings.rate.value)
    screened(batches[0], curve=curve, settings=settings, now=now)  # imports
    started, used = time.perf_counter(), time.process_time()
    for batch in batches:
        screened(batch, curve=curve, settings=settings, now=now)
    return sum(map(len, batches)), time.perf_counter() - started, time.process_time() - used


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("executors", nargs="*", default=EXECUTORS)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--workers", default="1,2")
    wanted = parser.parse_args()
    listed = symbols(wanted.symbols)
    with tempfile.TemporaryDirectory() as scratch, served(wanted.symbols) as market, redis() as broker:
        file = Path(scratch, "symbols.txt")
        file.write_text("\n".join(listed))
        first, contracts = "", 0
        for executor in wanted.executors:
            for workers in [1] if executor == "in_process" else map(int, wanted.workers.split(",")):
                folder = Path(scratch, f"{executor}{workers}")
                took = scan(folder, market, executor, workers, file, broker)
                if not first:
                    first = took["rows"]
                    contracts, wall, used = pure(folder, listed)
                    say(
                        f"{wanted.symbols} symbols, {contracts:,} contracts; {os.cpu_count()} cores, "
                        f"load {os.getloadavg()[0]:.1f}"
                    )
                    say(
                        f"computation alone   {wall:7.1f} s wall {used:7.1f} s CPU {contracts / wall:8,.0f} contracts/s"
                    )
                say(
                    f"{executor:13s}{workers:2d}     {took['wall']:7.1f} s wall {took['cpu']:7.1f} s CPU "
                    f"{contracts / took['wall']:8,.0f} contracts/s  requests {took['requests']}  "
                    f"largest process so far {took['largest_mb']:4.0f} MB  "
                    f"rows {took['puts']:,} {'the same' if took['rows'] == first else 'OTHERS'}"
                )
                shutil.rmtree(folder)


if __name__ == "__main__":
    main()
