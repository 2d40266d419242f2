"""What Dagster's records of a run cost on connections that stay open, beside Dagster's own SQLite storage, in one run.

    python benchmarks/records.py [--keep]

Both store the same events in turns, each in folders of its own: the first event of a run, with which its database is
made, and the events after it. Medians, in milliseconds of the processor and of the wall; the wall's depend on how fast
the disk is to sync.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dagster import EventLogEntry
from dagster import __version__ as dagster_version
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

from wheel_assets.instance.storage import PrivateSqliteStorage

RUNS, EVENTS = 15, 40
HERE = Path(__file__).resolve().parent


def took(work: Callable[[], None]) -> tuple[float, float]:
    """Milliseconds of the processor and of the wall."""
    processor, wall = time.process_time(), time.perf_counter()
    work()
    return (time.process_time() - processor) * 1e3, (time.perf_counter() - wall) * 1e3


def store(events: SqliteEventLogStorage, run_id: str) -> None:
    """Store one event of two kilobytes, about as long as those of a step."""
    events.store_event(EventLogEntry(None, "debug", "x" * 2_000, run_id, 0.0))


def main() -> None:
    """Measure and print; `--keep` writes the table to benchmarks/results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours = PrivateSqliteStorage.from_config_value(None, {"folder": f"{folder}/ours"})
        storages = {"Dagster's own": DagsterSqliteStorage(f"{folder}/stock"), "open connections": ours}
        first, later = ({name: [] for name in storages} for _ in range(2))
        for number in range(RUNS):
            for name, storage in storages.items():
                events, run_id = storage.event_log_storage, f"run{number}"
                first[name].append(took(lambda: store(events, run_id)))  # noqa: B023 (called at once)
                later[name] += [took(lambda: store(events, run_id)) for _ in range(EVENTS)]  # noqa: B023
        for storage in storages.values():
            storage.dispose()
    lines = [f"{'ms, medians':<42}{'processor':>10}{'wall':>8}"]
    for what, times in (("first event of a run", first), ("each event after it", later)):
        for name, each in times.items():
            processor, wall = (statistics.median(column) for column in zip(*each, strict=True))
            lines.append(f"{what:<24}{name:<18}{processor:>10.2f}{wall:>8.2f}")
    table = "\n".join(lines)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, Dagster {dagster_version}"
    print(machine, table, sep="\n")
    if options.keep:
        (HERE / "results" / "records.txt").write_text(f"{machine}\n{table}\n")


if __name__ == "__main__":
    main()
