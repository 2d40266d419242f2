"""Back a cache of predictions up, read the archive with DuckDB alone, restore it, and watch a reader meanwhile.

    python benchmarks/archive.py [--rows 321552] [--keep]

The predictions are as wide as real ones. Every stage is a process of its own, whose peak of memory is told;
during backup and cleanup another process reads the cache all the time, and the longest wait is told.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from wheel_assets.cache.store.store import Entry, Store, utc_now
from wheel_assets.cache.upkeep.maintenance import Limits
from wheel_assets.tables import PREDICTIONS

HERE = Path(__file__).resolve().parent
ROWS_A_SNAPSHOT = 2_000
FEATURES, SAID = 14, 22  # numbers in the two JSON columns of a prediction
NEVER = Limits(max_bytes=10**13, ttl=timedelta(days=3650), cleanup_interval=timedelta(days=365))
TABLE = PREDICTIONS.name

STAGE = """
import resource, sys, time
from pathlib import Path
from wheel_assets.cache.archive.backup import backup, restore
from wheel_assets.cache.store.store import Store
store, began = Store(Path(sys.argv[2]), lock_seconds=120), time.perf_counter()
work = {"backup": lambda: backup(store, sys.argv[3]), "restore": lambda: restore(store, sys.argv[3]),
    "cleanup": lambda: store.maintenance.cleanup()}
work[sys.argv[1]]()
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
"""
READER = """
import sys, time
from pathlib import Path
from wheel_assets.cache.store.store import Store
store, longest = Store(Path(sys.argv[1]), lock_seconds=120), 0.0
store.get("predictions", [s.snapshot_id for s in store.index([("predictions", "K7")])[0][:1]])  # imports what it needs
print("ready", flush=True)
while not Path(sys.argv[2]).exists():
    began = time.perf_counter()
    store.get("predictions", [store.index([("predictions", "K7")])[0][0].snapshot_id])
    longest = max(longest, time.perf_counter() - began)
    time.sleep(0.05)
print(longest)
"""


def texts(draw: np.random.Generator, numbers: int, rows: int) -> list[str]:
    """JSON of so many random numbers, with names as long as real ones."""
    names = [f"number_by_name_{chr(97 + i)}" for i in range(numbers)]
    values = draw.integers(1, 10**9, (rows, numbers))
    return ["{" + ",".join(f'"{n}":0.{v:09d}' for n, v in zip(names, row, strict=True)) + "}" for row in values]


def predictions(rows: int, seed: int) -> pd.DataFrame:
    """Predictions about `rows` contracts."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({c.name: [c.values[0] if c.values else "U"] * rows for c in PREDICTIONS.columns})
    for column in PREDICTIONS.columns:
        if column.type == "DOUBLE":
            frame[column.name] = draw.random(rows)
    frame = frame.assign(timestamp=utc_now(), expiration=pd.Timestamp(2026, 12, 18))
    frame["option_symbol"] = [f"U     261218P{strike:08d}" for strike in range(rows)]
    return frame.assign(input_features=texts(draw, FEATURES // 2, rows), predictions=texts(draw, SAID - 8, rows))


def filled(path: Path, rows: int) -> Store:
    """A cache of so many predictions."""
    store = Store(path, limits=NEVER)
    for number in range(rows // ROWS_A_SNAPSHOT):
        store.put(TABLE, [Entry(f"K{number % 10}", predictions(ROWS_A_SNAPSHOT, number), "benchmark")])
    return store


def stage(what: str, store: Path, folder: Path) -> str:
    """Run one stage beside a reader; what it took."""
    over = store.with_name("over")
    over.parent.mkdir(exist_ok=True)
    over.unlink(missing_ok=True)
    beside = subprocess.Popen(
        [sys.executable, "-c", READER, str(store), str(over)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    command = [sys.executable, "-c", STAGE, what, str(store), str(folder)]
    try:
        if what == "restore":
            over.touch()
        beside.stdout.readline()
        done = subprocess.run(command, capture_output=True, text=True)
    finally:
        over.touch()
        waited = beside.communicate()[0].strip()
    if done.returncode:
        return f"{what:<9}failed: {done.stderr.strip().splitlines()[-1][:200]}"
    seconds, memory = map(float, done.stdout.split()[-2:])
    beside_it = f", a reader waited at most {float(waited):.2f} s" if waited and what != "restore" else ""
    return f"{what:<9}{seconds:6.1f} s, at most {memory:.0f} MB of memory{beside_it}"


def same(store: Path, archive: Path, restored: Path) -> str:
    """Whether DuckDB alone finds the same rows in the cache, the archive and the restored cache."""
    columns = "option_symbol, input_features, predictions, cvar_95, created_at"
    query = f"SELECT count(*), bit_xor(hash({columns})) FROM "
    parquet = next(archive.iterdir()) / TABLE / "*.parquet"
    found = [duckdb.sql(f"{query} '{parquet}'").fetchall()]
    for path in (store, restored):
        if path.exists():
            with duckdb.connect(str(path), read_only=True) as connection:
                found.append(connection.execute(f"{query} {TABLE}").fetchall())
    equal = len(found) == 3 and found.count(found[0]) == 3
    return f"rows {found[0][0][0]}, the same in cache, archive and restored cache: {equal}"


def main() -> None:
    """Measure and print; `--keep` writes it to benchmarks/results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=321_552)
    parser.add_argument("--folder", type=Path, help="where a cache of an earlier run is kept and used again")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        path, restored = folder / "cache" / "c.duckdb", Path(name) / "restored" / "c.duckdb"
        store = Store(path, limits=NEVER) if path.exists() else filled(path, options.rows)
        store.index([])
        lines = [f"{os.cpu_count()} cores, DuckDB {duckdb.__version__}, a cache of {store.file.size / 1e6:.0f} MB"]
        lines.append(stage("backup", path, Path(name) / "archive"))
        if (Path(name) / "archive").exists() and list((Path(name) / "archive").iterdir()):
            lines.append(stage("restore", restored, Path(name) / "archive"))
            lines.append(same(path, Path(name) / "archive", restored))
        lines.append(stage("cleanup", path, Path(name)))
    print("\n".join(lines))
    if options.keep:
        (HERE / "results" / "archive.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
