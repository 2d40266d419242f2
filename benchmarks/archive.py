"""Back a cache of predictions up, read the archive with DuckDB alone, restore it, and watch a reader meanwhile.

    python benchmarks/archive.py [--rows 321552] [--times 6] [--keep]

A row is as wide as a real prediction: 321,552 of them are a cache of 139 MB, 12,000,000 one of 5 GB. Every stage
is a process of its own, whose peak of memory is told; during backup and cleanup another process reads the cache
all the time, and the longest wait is told. `--keep` adds what is printed to benchmarks/results/archive.txt.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from wheel_assets.cache.archive.backup import backup
from wheel_assets.cache.archive.restore import restore
from wheel_assets.cache.store.store import Entry, Store, utc_now
from wheel_assets.cache.upkeep.maintenance import Limits
from wheel_assets.errors import WheelError
from wheel_assets.tables import PREDICTIONS

HERE = Path(__file__).resolve().parent
ROWS_A_SNAPSHOT, KEYS = 2_000, 10
FEATURES, SAID = 8, 19  # numbers in the two JSON columns: real ones hold some 250 and 650 characters
NEVER = Limits(max_bytes=10**13, ttl=timedelta(days=3650), cleanup_interval=timedelta(days=365))
TABLE = PREDICTIONS.name
MOST_MB = 1_000  # of memory, that a stage may take


def texts(draw: np.random.Generator, numbers: int, rows: int) -> list[str]:
    """JSON of so many random numbers, with names as long as real ones."""
    names = [f"number_by_name_{chr(97 + i)}" for i in range(numbers)]
    values = draw.integers(1, 10**10, (rows, numbers))
    line = "{" + ",".join(f'"{name}":0.%010d' for name in names) + "}"
    return [line % tuple(row) for row in values.tolist()]


def predictions(rows: int, seed: int) -> pd.DataFrame:
    """Predictions about `rows` contracts."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({c.name: [c.values[0] if c.values else "U"] * rows for c in PREDICTIONS.columns})
    for column in PREDICTIONS.columns:
        if column.type == "DOUBLE":
            frame[column.name] = draw.random(rows)
    frame = frame.assign(timestamp=utc_now(), expiration=pd.Timestamp(2026, 12, 18))
    frame["option_symbol"] = [f"U     261218P{strike:08d}" for strike in range(rows)]
    return frame.assign(input_features=texts(draw, FEATURES, rows), predictions=texts(draw, SAID, rows))


def fill(path: Path, rows: int) -> None:
    """A cache of so many predictions."""
    store = Store(path, limits=NEVER)
    for first in range(0, rows, KEYS * ROWS_A_SNAPSHOT):
        begins = range(first, min(rows, first + KEYS * ROWS_A_SNAPSHOT), ROWS_A_SNAPSHOT)
        frames = [predictions(min(ROWS_A_SNAPSHOT, rows - begin), begin) for begin in begins]
        store.put(TABLE, [Entry(f"K{number}", frame, "benchmark") for number, frame in enumerate(frames)])


def clean_up(path: Path) -> None:
    """Compact the cache, which verifies every snapshot."""
    Store(path, lock_seconds=120).maintenance.cleanup()


def longest_wait(path: Path, over: Path) -> float:
    """Read the newest snapshot of a key again and again; the longest that took, seconds."""
    store, longest = Store(path, lock_seconds=120), 0.0
    while not over.exists():
        began = time.perf_counter()
        store.get(TABLE, [store.index([(TABLE, "K0")])[0][0].snapshot_id])
        longest = max(longest, time.perf_counter() - began)
        time.sleep(0.05)
    return longest


def measured(work: Callable[..., object], *arguments: object) -> tuple[float, float]:
    """Do some work; the seconds it took and this process's peak of memory in MB."""
    began = time.perf_counter()
    work(*arguments)
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return time.perf_counter() - began, int(peak[1]) / 1e3 if peak else float("nan")


def spawned(work: Callable[..., object], *arguments: object) -> Future[object]:
    """The result to be of some work in a process of its own."""
    pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    future = pool.submit(work, *arguments)
    pool.shutdown(wait=False)
    return future


def stage(name: str, work: Callable[..., object], *arguments: object, reads: Path | None = None) -> str:
    """Run one stage, beside a reader of the cache at `reads` if there is one; what it took."""
    with tempfile.TemporaryDirectory() as folder:
        over = Path(folder) / "over"
        reader = spawned(longest_wait, reads, over) if reads else None
        try:
            seconds, memory = spawned(measured, work, *arguments).result()
        finally:
            over.touch()
        waited = f", a reader waited at most {reader.result():.2f} s" if reader else ""
    too_much = "" if memory <= MOST_MB else f" TOO MUCH: over {MOST_MB} MB"
    return f"{name:<9}{seconds:7.1f} s, at most {memory:4.0f} MB of memory{too_much}{waited}"


def compared(cache: Path, archive: Path, restored: Path) -> tuple[int, bool]:
    """How many rows DuckDB alone finds in the archive's Parquet files; whether cache and restored cache hold the same.

    Every column counts but the id, which a restore gives anew.
    """
    (parquet,) = archive.glob(f"wheel-*/{TABLE}")
    query = "SELECT count(*), bit_xor(hash(row)) FROM (SELECT {} AS row FROM {})"
    columns = ", ".join(f'"{c.name}"' for c in PREDICTIONS.stored_columns if c.name != "snapshot_id")
    sources = [(f"read_parquet('{parquet}/*.parquet')", None), (TABLE, cache), (TABLE, restored)]
    found = []
    for source, database in sources:
        with duckdb.connect(str(database or ":memory:"), read_only=database is not None) as connection:
            connection.execute("SET memory_limit = '1GB'")
            found.append(connection.execute(query.format(f"({columns})", source)).fetchall()[0])
    return found[0][0], found.count(found[0]) == len(found)


def round_trip(cache: Path, folder: Path) -> list[str]:
    """Back up, restore and compare, in a folder that is emptied."""
    archive, restored = folder / "archive", folder / "restored" / "c.duckdb"
    lines = [stage("backup", _backup, cache, archive, reads=cache), stage("restore", _restore, restored, archive)]
    rows, same = compared(cache, archive, restored)
    lines.append(
        f"{'verified':<9}{rows:,} rows, {'the same' if same else 'NOT THE SAME'} in cache, archive and restored"
    )
    shutil.rmtree(folder)
    return lines


def _backup(path: Path, archive: Path) -> None:
    backup(Store(path, lock_seconds=120), archive)


def _restore(path: Path, archive: Path) -> None:
    restore(Store(path, lock_seconds=120), archive)


def main() -> None:
    """Measure and print; leave with 1 where a round trip failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=321_552)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to work: room for three times the cache is needed")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        cache, failed = Path(name) / "cache" / "c.duckdb", 0
        filled = stage("fill", fill, cache, options.rows)
        size = cache.stat().st_size / 1e6
        lines = [f"{os.cpu_count()} cores, DuckDB {duckdb.__version__}, a cache of {size:.0f} MB", filled]
        for number in range(options.times):
            try:
                lines += round_trip(cache, Path(name) / f"round-{number}")
            except (WheelError, duckdb.Error, OSError) as error:
                lines.append(f"FAILED: {error}")
        failed = sum("FAILED" in line or "NOT THE SAME" in line or "TOO MUCH" in line for line in lines)
        lines.append(stage("cleanup", clean_up, cache, reads=cache))
        lines.append(f"{options.times} round trips, {failed} failed")
    print("\n".join(lines))
    if options.keep:
        with (HERE / "results" / "archive.txt").open("a") as results:
            results.write("\n".join(lines) + "\n\n")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
