"""How long a reader waits while a cache of 1 GB is cleaned up, compacted and backed up, and what evicting leaves.

    python benchmarks/waits.py [--rows 40000000] [--keep]

A reader in a process of its own loads a chain of 2,000 contracts again and again; the longest load is what counts.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from store import HERE, NEVER, filled, get

from wheel_assets.cache.archive.backup import backup
from wheel_assets.cache.store.store import Entry, Store, utc_now
from wheel_assets.cache.upkeep.maintenance import PEAK, Limits
from wheel_assets.cache.upkeep.snapshot_index import index_rows
from wheel_assets.columns import Column, SnapshotTable
from wheel_assets.tables import OPTION_CHAINS

DOCUMENTS, DOCUMENT_BYTES, LIMIT = 60, 800_000, 15_000_000
KEPT = SnapshotTable("documents", "", (Column("timestamp", "TIMESTAMP", ""), Column("text", "VARCHAR", "")))


def reader(path: Path) -> None:
    """Load a chain until told to stop, then print how often, the median and the longest load, in seconds."""
    store, took = Store(path, (OPTION_CHAINS,), limits=NEVER), []
    print("ready", flush=True)
    os.set_blocking(sys.stdin.fileno(), False)
    while not sys.stdin.read(1):
        store._memory._kept.clear()
        began = time.perf_counter()
        get(store)
        took.append(time.perf_counter() - began)
    print(len(took), float(np.median(took)), max(took))


def wait(name: str, path: Path, job: Callable[[], object]) -> str:
    """What a reader meets while a job runs."""
    command = [sys.executable, __file__, "--reader", str(path)]
    with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        began = time.perf_counter()
        job()
        seconds = time.perf_counter() - began
        told = process.communicate("x")[0].split()
    count, median, longest = int(told[0]), float(told[1]), float(told[2])
    return (
        f"{name:<12}{seconds:>7.1f} s; {count:>5} loads meanwhile, median {median * 1e3:>5.0f} ms, "
        f"longest {longest:.2f} s (at most 1)"
    )


def waits(folder: Path, rows: int) -> list[str]:
    """The three jobs over one cache; the last one evicts about a third of it."""
    store = filled(folder / "waits.duckdb", rows)
    size = store.file.size
    store.file.close()
    limited = Store(
        store.path, (OPTION_CHAINS,), limits=Limits(size * 3 // 2, timedelta(days=3650), timedelta(days=365))
    )
    return [
        f"a cache of {size / 1e6:.0f} MB",
        wait("backup", store.path, lambda: backup(limited, folder / "archives")),
        wait("compaction", store.path, lambda: limited.file.rewrite()),
        wait("clean-up", store.path, limited.maintenance.cleanup),
    ]


def folder_size(folder: Path) -> int:
    """Bytes of everything in a folder, where files come and go."""
    size = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def evicted(folder: Path) -> str:
    """Many keys, each with one large entry: what is on the disk at most, also while each is stored, and in the end."""
    limits = Limits(LIMIT, timedelta(days=30), timedelta(hours=24))
    store = Store(folder / "evicted" / "many.duckdb", (KEPT,), limits=limits)
    draw, sizes, over = np.random.default_rng(1), [0], threading.Event()

    def watch() -> None:
        """See what the disk holds until it is over."""
        while not over.wait(0.002):
            sizes.append(folder_size(store.path.parent))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(DOCUMENTS):
        text = draw.bytes(DOCUMENT_BYTES // 2).hex()
        store.put("documents", [Entry(f"K{number}", pd.DataFrame({"timestamp": [utc_now()], "text": [text]}), "b")])
    over.set()
    watcher.join()
    with store.file.attached() as connection:
        left = len(index_rows(connection))
    return (
        f"{DOCUMENTS} keys of {DOCUMENT_BYTES / 1e6} MB, limit {LIMIT / 1e6:.0f} MB: at most {max(sizes) / 1e6:.1f} MB "
        f"on the disk (at most {PEAK * LIMIT / 1e6:.1f}), {folder_size(store.path.parent) / 1e6:.1f} MB in the end "
        f"(at most {LIMIT / 1e6:.0f}), the newest {left} documents left"
    )


def main() -> None:
    """Measure and print; `--keep` writes it to benchmarks/results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=40_000_000)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--reader", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        return reader(options.reader)
    with tempfile.TemporaryDirectory() as name:
        lines = [evicted(Path(name)), *waits(Path(name), options.rows)]
    head = f"{os.cpu_count()} cores, {os.getloadavg()[1]:.0f} processes at work on them, "
    head += f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    print(head, *lines, sep="\n")
    if options.keep:
        (HERE / "results" / "waits.txt").write_text("\n".join([head, *lines]) + "\n")
    return None


if __name__ == "__main__":
    main()
