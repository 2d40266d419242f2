"""Many symbols of a made-up market through every executor: rows, requests, throughput, memory.

    python benchmarks/scale.py [--symbols 500] [--workers 1,2] [--keep] [EXECUTOR ...]

needs redis-server. Each line is a scan of everything into a folder of its own, from an empty cache: how long it took by
the wall and by the processors, of all its processes, contracts a second, the memory of all its processes at once and of
the largest, what the server was asked for, and whether the rows are those of the first line to the last digit. The
first line is the same computation in one process without Dagster, from chains that are there already; the second a
scan of one symbol, which is the price of starting. `--keep` writes the table to benchmarks/results.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import psutil

from wheel_assets.greeks import ZeroCurve
from wheel_assets.scan.snapshots import CHAINS, RESULTS, ScanFolder
from wheel_assets.scan.universe import blocks
from wheel_assets.scan.valuation import screened
from wheel_assets.settings import load_settings
from wheel_assets.tables import OPTION_CHAINS

CLONE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CLONE))
from benchmarks.process_tree import Used, measured  # noqa: E402
from wheel_assets_tests.market.universe import asked, served, symbols  # noqa: E402

EXECUTORS = ("in_process", "multiprocess", "dask", "celery")
BATCH = 10
READY_SECONDS = 120
HEADING = (
    f"{'':16}{'workers':>7}{'wall s':>9}{'processor s':>13}{'contracts/s':>13}"
    f"{'MB, all':>9}{'MB, one':>9}{'requests':>10}  rows"
)


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
        deadline = time.monotonic() + READY_SECONDS
        while " ready." not in (folder / "worker.log").read_text():
            if worker.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"no worker of Celery: {(folder / 'worker.log').read_text()[-500:]}")
            time.sleep(0.1)
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


@dataclass(frozen=True)
class Scan:
    """What a scan used, what the server was asked for by it, and its rows: their digest and how many."""

    used: Used
    requests: str
    digest: str
    rows: int


def config_of(executor: str, workers: int, broker: str) -> dict[str, Any]:
    """The configuration of an executor that has so many workers."""
    configs: dict[str, dict[str, Any]] = {
        "in_process": {},
        "multiprocess": {"max_concurrent": workers},
        "dask": {"cluster": {"local": {"n_workers": workers, "dashboard_address": None}}},
        "celery": {"broker": broker, "backend": broker, "config_source": {"worker_prefetch_multiplier": 1}},
    }
    return configs[executor]


def scan(folder: Path, market: str, executor: str, workers: int, listed: Sequence[str], broker: str) -> Scan:
    """One scan of everything. The wall's time is that of the command: a worker of Celery is there before."""
    config = config_of(executor, workers, broker)
    env, before = environment(folder, market, executor, config, workers), asked(market)["asked"]
    (folder / "symbols.txt").write_text("\n".join(listed))
    servers = {child.pid for child in psutil.Process().children()}
    with measured(servers) as used:
        if executor == "celery":
            with celery_worker(env, folder, config, workers):
                used.wall = seconds_of_scan(env, folder)
        else:
            used.wall = seconds_of_scan(env, folder)
    after = asked(market)["asked"]
    each = {after[symbol] - before.get(symbol, 0) for symbol in listed}
    digest_, rows = digest(folder)
    return Scan(used, str(len(listed)) if each == {1} else "NOT ONCE", digest_, rows)


def seconds_of_scan(env: dict[str, str], folder: Path) -> float:
    """Run `wheel scan`; how long it took by the wall."""
    command = [sys.executable, "-m", "wheel_assets.cli", "scan", "--json", "--symbols-file", "symbols.txt"]
    started = time.perf_counter()
    with (folder / "log").open("w") as log:
        ended = subprocess.run(command, env=env, cwd=folder, stdout=log, stderr=log)
    if ended.returncode:
        raise SystemExit((folder / "log").read_text()[-2000:])
    return time.perf_counter() - started


def pure(folder: Path, listed: Sequence[str]) -> tuple[int, Used]:
    """Contracts, and what the computation alone uses for them."""
    settings, chains = load_settings(), ScanFolder(str(folder / "scan"))
    batches = [chains.read(CHAINS, OPTION_CHAINS, batch) for batch in blocks(listed, BATCH)]
    now, curve = datetime.now(UTC), ZeroCurve.flat(settings.rate.value)
    screened(batches[0], curve=curve, settings=settings, now=now)  # imports
    started, used = time.perf_counter(), time.process_time()
    for batch in batches:
        screened(batch, curve=curve, settings=settings, now=now)
    took = Used(time.perf_counter() - started, time.process_time() - used)
    return sum(map(len, batches)), took


def kilobytes(folder: Path) -> float:
    """Of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1000


def line(name: str, workers: int, used: Used, contracts: int, rest: str = "") -> str:
    """A line of the table."""
    memory = f"{used.all_mb:>9.0f}{used.one_mb:>9.0f}" if used.all_mb else " " * 18
    numbers = f"{used.wall:>9.1f}{used.processor:>13.1f}{contracts / used.wall:>13,.0f}{memory}"
    return f"{name:16}{workers:>7}{numbers}{rest}".rstrip()


def report(executors: Sequence[str], listed: Sequence[str], workers: Sequence[int]) -> Iterator[str]:
    """The lines of the table, each as soon as it is known; of executors, the first gives what others are held to."""
    yield (
        f"{len(listed)} symbols, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"load {os.getloadavg()[0]:.1f} before"
    )
    with tempfile.TemporaryDirectory() as scratch, served(len(listed)) as market, redis() as broker:
        first: Scan | None = None
        contracts = 0
        start = scan(Path(scratch, "start"), market, "in_process", 1, listed[:1], broker)
        for executor in executors:
            for count in (1,) if executor == "in_process" else workers:
                folder = Path(scratch, f"{executor}{count}")
                found = scan(folder, market, executor, count, listed, broker)
                if first is None:
                    first, (contracts, alone) = found, pure(folder, listed)
                    size = {kind: kilobytes(folder / "scan" / kind) / len(listed) for kind in (CHAINS, RESULTS)}
                    records = kilobytes(folder / "home") / len(listed)
                    yield (
                        f"{contracts:,} contracts; a symbol: chain {size[CHAINS]:.1f} kB, "
                        f"results {size[RESULTS]:.1f} kB, Dagster's records {records:.1f} kB"
                    )
                    yield HEADING
                    yield line("computation", 1, alone, contracts)
                    yield line("one symbol", 1, start.used, contracts // len(listed))
                same = "the same" if found.digest == first.digest else "OTHERS"
                yield line(executor, count, found.used, contracts, f"{found.requests:>10}  {found.rows:,} {same}")
                shutil.rmtree(folder)


def main() -> None:
    """Measure and print; `--keep` writes the table to benchmarks/results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("executors", nargs="*", default=EXECUTORS)
    parser.add_argument("--symbols", type=int, default=500)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--keep", action="store_true")
    wanted = parser.parse_args()
    lines = []
    for told in report(wanted.executors, symbols(wanted.symbols), [*map(int, wanted.workers.split(","))]):
        lines.append(told)
        print(told, flush=True)
    if wanted.keep:
        (CLONE / "benchmarks" / "results" / "scale.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
