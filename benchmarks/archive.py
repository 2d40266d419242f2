"""Back a cache of predictions up, read the archive with DuckDB alone, restore it, and watch a reader meanwhile.

    python benchmarks/archive.py [--rows 321552] [--times 6] [--keep]

A row is as wide as a real prediction: 321,552 of them are a cache of 139 MB, 16,800,000 one of 5 GB. Every stage
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
from wheel_assets.cache.upkeep.snapshot_index import content_hashes
from wheel_assets.errors import WheelError
from wheel_assets.tables import PREDICTIONS

HERE = Path(__file__).resolve().parent
ROWS_A_SNAPSHOT, KEYS = 2_000, 10
BASE_ROWS = 200_000  # drawn: 200 MB of text, which no compression looks back over
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
    """A cache of so many predictions: BASE_ROWS at most are drawn, the others are copies of another time."""
    store = Store(path, limits=NEVER)
    base = min(rows, BASE_ROWS)
    for first in range(0, base, KEYS * ROWS_A_SNAPSHOT):
        begins = range(first, min(base, first + KEYS * ROWS_A_SNAPSHOT), ROWS_A_SNAPSHOT)
        frames = [predictions(min(ROWS_A_SNAPSHOT, base - begin), begin) for begin in begins]
        store.put(TABLE, [Entry(f"K{number}", frame, "benchmark") for number, frame in enumerate(frames)])
    drawn = [snapshot.snapshot_id for snapshot in store.index([(TABLE, f"K{number}") for number in range(KEYS)])[0]]
    for number in range(1, rows // base):
        copy(store, len(drawn), number)


def copy(store: Store, drawn: int, number: int) -> None:
    """Copy the first `drawn` snapshots, so many minutes older."""
    new = range(drawn * number + 1, drawn * (number + 1) + 1)
    changed = f"snapshot_id + {drawn * number} AS snapshot_id, created_at - to_minutes({number}) AS created_at"
    with store.file.transaction() as connection:
        for table, order in ((TABLE, "rowid"), ("snapshots", "snapshot_id")):
            rows = f"SELECT * REPLACE ({changed}) FROM {table} WHERE snapshot_id <= {drawn} ORDER BY {order}"
            connection.execute(f"INSERT INTO {table} BY NAME {rows}")
        connection.execute(f"SELECT nextval('snapshot_ids') FROM range({drawn})").fetchall()
        hashes = [[value, given] for given, (_, value) in content_hashes(connection, TABLE, new).items()]
        connection.executemany("UPDATE snapshots SET content_hash = ? WHERE snapshot_id = ?", hashes)


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


def round_trip(cache: Path, folder: Path, tell: Callable[[str], None]) -> None:
    """Back up, restore and compare, in a folder that is emptied."""
    archive, restored = folder / "archive", folder / "restored" / "c.duckdb"
    tell(stage("backup", _backup, cache, archive, reads=cache))
    parts = sorted(archive.glob(f"wheel-*/{TABLE}/*.parquet"))
    largest = max(part.stat().st_size for part in parts) / 1e6
    tell(f"{'archive':<9}{sum(part.stat().st_size for part in parts) / 1e6:,.0f} MB in {len(parts)} parts of at most "
         f"{largest:.1f} MB")  # fmt: skip
    tell(stage("restore", _restore, restored, archive))
    rows, same = compared(cache, archive, restored)
    tell(f"{'verified':<9}{rows:,} rows, {'the same' if same else 'NOT THE SAME'} in cache, archive and restored")
    shutil.rmtree(folder)


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
    parser.add_argument("--no-cleanup", dest="cleanup", action="store_false")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    lines: list[str] = []

    def tell(line: str) -> None:
        """Print a line at once, and keep it: the largest caches take an hour."""
        lines.append(line)
        print(line, flush=True)
        if options.keep:
            with (HERE / "results" / "archive.txt").open("a") as results:
                results.write(f"{line}\n")

    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        cache = Path(name) / "cache" / "c.duckdb"
        filled = stage("fill", fill, cache, options.rows)
        size = cache.stat().st_size / 1e6
        tell(f"{os.cpu_count()} cores, DuckDB {duckdb.__version__}, a cache of {size:.0f} MB")
        tell(filled)
        for number in range(options.times):
            try:
                round_trip(cache, Path(name) / f"round-{number}", tell)
            except (WheelError, duckdb.Error, OSError) as error:
                tell(f"FAILED: {error}")
        if options.cleanup:
            tell(stage("cleanup", clean_up, cache, reads=cache))
    failed = sum("FAILED" in line or "NOT THE SAME" in line or "TOO MUCH" in line for line in lines)
    tell(f"{options.times} round trips, {failed} failed\n")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
