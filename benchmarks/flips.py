"""Flip one bit of a cache file at a time and see what the next run makes of it.

    python benchmarks/flips.py [--flips 100] [--seed 1] [--keep]

Every second flip hits the head of the file, where DuckDB keeps what it opens it by. Afterwards a fresh process'
worth of code reads every snapshot, verifies it, asks what was spent, and stores. No row may be wrong, nothing
may fail twice, and the $0.25 that were paid may never be forgotten.
"""

from __future__ import annotations

import argparse
import logging
import random
import shutil
import sys
import tempfile
from collections import Counter
from datetime import datetime
from pathlib import Path

import kills

from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.errors import StoreDamaged, WheelError
from wheel_assets.tables import OPTION_CHAINS

HERE = Path(__file__).resolve().parent
KEYS, ROWS, HEAD_BYTES = 4, 2_000, 12_288
PAID = (datetime(2026, 11, 20), "paid", "/x", 200, 1.0, 10, 0.25, "K0", None)
TABLE = OPTION_CHAINS.name


def filled(path: Path) -> dict[str, str]:
    """A cache whose log is folded in; the rows of each key as text."""
    store = Store(path, (OPTION_CHAINS,))
    for number in range(KEYS):
        store.put(TABLE, [Entry(f"K{number}", kills.chain(ROWS, number), "flips")])
    store.record_calls([PAID])
    with store.file.attached() as connection:
        connection.execute("CHECKPOINT cache")
    found = {key: rows for key, rows in read(store).items() if rows is not None}
    store.file.close()
    return found


def read(store: Store) -> dict[str, str | None]:
    """The rows of each key as text; None where there are none."""
    found: dict[str, str | None] = {}
    for number in range(KEYS):
        there = store.index([(TABLE, f"K{number}")])[0]
        rows = Store(store.path, (OPTION_CHAINS,)).get(TABLE, [there[0].snapshot_id]) if there else None
        found[f"K{number}"] = None if rows is None else rows.drop(columns="created_at").to_json()
    return found


def one_flip(master: Path, expected: dict[str, str], folder: Path, draw: random.Random) -> Counter[str]:
    """What a flip did."""
    path = folder / master.name
    for file in master.parent.glob(f"{master.name}*"):
        if file.is_file():
            shutil.copy(file, folder)
    content = bytearray(path.read_bytes())
    place = draw.randrange(HEAD_BYTES if draw.random() < 0.5 else len(content))
    content[place] ^= 1 << draw.randrange(8)
    path.write_bytes(content)
    counted: Counter[str] = Counter(flips=1)
    for attempt in range(3):  # damage that is met in the middle is told once, and mended
        try:
            store = Store(path, (OPTION_CHAINS,))
            found = read(store)
            counted["wrong rows"] += sum(rows not in (None, expected[key]) for key, rows in found.items())
            counted["snapshots lost, and told"] += sum(rows is None for rows in found.values())
            counted["money forgotten"] += store.spent(datetime(2026, 11, 1)) != PAID[6]
            store.put(TABLE, [Entry("K0", kills.chain(20, 1), "flips")])
            break
        except StoreDamaged:
            counted["told as damaged"] += 1
            counted["failed again"] += attempt == 2
        except WheelError:
            counted["other errors"] += 1
            break
    counted["set aside"] += bool(list(folder.glob("*.corrupt-*")))
    return counted


def main() -> None:
    """Flip, report, and leave with 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flips", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    draw, total = random.Random(options.seed), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        master = Path(name) / "master" / "cache.duckdb"
        expected = filled(master)
        for number in range(options.flips):
            folder = Path(name) / str(number)
            folder.mkdir(mode=0o700)
            total += one_flip(master, expected, folder, draw)
            shutil.rmtree(folder)
    promises = ("wrong rows", "money forgotten", "failed again", "other errors")
    names = ("flips", "told as damaged", "set aside", "snapshots lost, and told", *promises)
    report = "\n".join(f"{name:<26}{total[name]:>6}" for name in names)
    print(report)
    if options.keep:
        (HERE / "results" / "flips.txt").write_text(f"seed {options.seed}\n{report}\n")
    sys.exit(any(total[name] for name in promises))


if __name__ == "__main__":
    main()
