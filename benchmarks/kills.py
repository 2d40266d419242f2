"""Kill processes at random moments and see what is left of the cache.

    python benchmarks/kills.py [--kills 1000] [--seed 1] [--keep] [--json]

Time after time, four processes use one file: two that write, with eviction in their writes, one that
compacts, one that backs up. At a random moment all of them are killed (SIGKILL). A fifth then uses the
cache as the next run would: it reads, verifies every row of every snapshot against the index, and
writes. Nothing that was acknowledged may be missing, unless newer data of its key is there or the file
was set aside; nothing may be half there; and nothing may fail.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from wheel_assets.cache.archive.backup import backup
from wheel_assets.cache.store.store import Entry, Store, utc_now
from wheel_assets.cache.upkeep.maintenance import Limits
from wheel_assets.cache.upkeep.snapshot_index import content_hashes, index_rows
from wheel_assets.tables import OPTION_CHAINS

HERE = Path(__file__).resolve().parent
LIMITS = Limits(max_bytes=6_000_000, ttl=timedelta(days=30), cleanup_interval=timedelta(hours=24))
LONGEST_SECONDS = 0.6  # from when all processes are at work to the kill
PAUSE_SECONDS = 0.05  # between clean-ups and backups, so that writers get their turn
KEYS = 4


def chain(rows: int, seed: int) -> pd.DataFrame:
    """A chain of `rows` contracts with quotes that do not compress well."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({c.name: [None] * rows for c in OPTION_CHAINS.columns})
    for column in OPTION_CHAINS.columns:
        if column.type == "DOUBLE":
            frame[column.name] = draw.random(rows)
        elif column.type == "BIGINT":
            frame[column.name] = draw.integers(1, 5_000, rows)
        else:
            frame[column.name] = column.values[0] if column.values else "X"
    return frame.assign(timestamp=utc_now(), expiration=pd.Timestamp(2026, 12, 18))


def write(store: Store, folder: Path, seed: int) -> None:
    """Store chains for ever, noting every key and id that was acknowledged."""
    draw = random.Random(seed)
    with (folder / "acknowledged").open("a") as notes:
        while True:
            key = f"K{draw.randrange(KEYS)}"
            entry = Entry(key, chain(draw.choice([20, 200, 2_000]), draw.randrange(10**6)), "kills")
            stored = store.put(OPTION_CHAINS.name, [entry])[0]
            notes.write(f"{key} {stored.snapshot_id}\n")
            notes.flush()


def compact(store: Store, folder: Path, seed: int) -> None:
    """Clean up for ever."""
    while True:
        store.maintenance.cleanup()
        time.sleep(PAUSE_SECONDS)


def archive(store: Store, folder: Path, seed: int) -> None:
    """Back up for ever."""
    while True:
        backup(store, folder / "archive")
        shutil.rmtree(folder / "archive")
        time.sleep(PAUSE_SECONDS)


def check(store: Store, folder: Path, seed: int) -> dict[str, int]:
    """Use the cache as the next run would; how many snapshots are there, missing, and not whole."""
    with store.file.attached() as connection:
        lines = {line.snapshot_id: line for line in index_rows(connection)}
        found = content_hashes(connection, OPTION_CHAINS.name)
    bad = sum(found.get(i) != (line.rows, line.content_hash) for i, line in lines.items()) + len(
        set(found) - set(lines)
    )
    newest: dict[str, int] = {}
    for i, line in sorted(lines.items()):
        newest[line.key] = i
    notes = folder / "acknowledged"
    acknowledged = [line.split() for line in notes.read_text().splitlines()] if notes.exists() else []
    missing = sum(int(i) > newest.get(key, 0) for key, i in acknowledged)
    stored = store.put(OPTION_CHAINS.name, [Entry("check", chain(20, seed), "kills")])[0]
    Store(store.path, (OPTION_CHAINS,), limits=LIMITS).get(OPTION_CHAINS.name, [stored.snapshot_id])
    notes.unlink(missing_ok=True)
    return {"acknowledged": len(acknowledged), "verified": len(lines), "missing": missing, "not whole": bad}


def fork(work: Callable[[Store, Path, int], dict[str, int] | None], folder: Path, seed: int) -> tuple[int, int]:
    """Start a process that works on the file; its number, and a pipe that tells when it has begun.

    What the work returns or raises is left in a file.
    """
    begun, begins = os.pipe()
    child = os.fork()
    if child:
        os.close(begins)
        return child, begun
    told: dict[str, object] = {}
    try:
        store = Store(folder / "cache.duckdb", (OPTION_CHAINS,), limits=LIMITS)
        store.index([])
        os.write(begins, b"!")
        told = {**(work(store, folder, seed) or {})}
    except BaseException as error:  # noqa: BLE001 - whatever it was has to reach the report
        told = {"error": f"{work.__name__}: {type(error).__name__}: {error}"}
    finally:
        (folder / f"told.{work.__name__}").write_text(json.dumps(told))
        os._exit(0)


def one_kill(folder: Path, draw: random.Random) -> Counter[str]:
    """Run all, kill all, check; what the check found."""
    seeds = [draw.randrange(10**6) for _ in range(5)]
    works = (write, write, compact, archive)
    children = [fork(work, folder, seed) for work, seed in zip(works, seeds, strict=False)]
    for _, begun in children:
        os.read(begun, 1)
        os.close(begun)
    time.sleep(draw.uniform(0, LONGEST_SECONDS))
    for child, _ in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    shutil.rmtree(folder / "archive", ignore_errors=True)
    aside = len(list(folder.glob("*.corrupt-*")))
    child, begun = fork(check, folder, seeds[-1])
    os.waitpid(child, 0)
    os.close(begun)
    found: Counter[str] = Counter(kills=1, processes=len(children))
    for told in folder.glob("told.*"):
        answer = json.loads(told.read_text() or "{}")
        if "error" in answer:
            print(answer["error"], file=sys.stderr)
        found["errors"] += "error" in answer
        found.update({name: value for name, value in answer.items() if name != "error"})
        told.unlink()
    for broken in list(folder.glob("*.corrupt-*"))[aside:]:
        found["set aside"] += not broken.name.endswith(".wal")
    return found


def main() -> None:
    """Kill, report, and leave with 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    draw, total, began = random.Random(options.seed), Counter[str](), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.kills):
            total += one_kill(Path(folder), draw)
    names = ("kills", "processes", "acknowledged", "verified", "missing", "not whole", "set aside", "errors")
    report = "\n".join(f"{name:<14}{total[name]:>9}" for name in names)
    print(report)
    if options.keep:
        head = f"{os.cpu_count()} cores, seed {options.seed}, {time.monotonic() - began:.0f} s"
        (HERE / "results" / "kills.txt").write_text(f"{head}\n{report}\n")
    sys.exit(any(total[name] for name in ("missing", "not whole", "errors")))


if __name__ == "__main__":
    main()
