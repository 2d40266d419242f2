"""The store beside raw DuckDB and beside Dagster's stock DuckDB IO manager, in one run.

    python benchmarks/store.py [--rounds 30] [--keep]

Contestants take turns within a round, so that whatever else the machine does hits all of them.
Medians, not means: an operation is sometimes held up by the machine and never sped up by it. Raw is
what one would write without this project: connect, one statement, close. Every writer commits to disk.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from wheel_assets.cache.store.store import Entry, Store, utc_now
from wheel_assets.cache.upkeep.maintenance import Limits
from wheel_assets.tables import OPTION_CHAINS

HERE = Path(__file__).resolve().parent
CONTRACTS = 2_000
TABLE = OPTION_CHAINS.name
PROCESSES, WRITES, SMALL = 20, 20, 200
NEVER = Limits(max_bytes=10**13, ttl=timedelta(days=3650), cleanup_interval=timedelta(days=365))

Seconds = dict[str, list[float]]


def chain(rows: int, seed: int = 1) -> pd.DataFrame:
    """A chain of `rows` contracts with rounded quotes, as vendors give them."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({c.name: [c.values[0] if c.values else "U"] * rows for c in OPTION_CHAINS.columns})
    for column in OPTION_CHAINS.columns:
        if column.type == "DOUBLE":
            frame[column.name] = draw.integers(1, 20_000, rows) / 100
        elif column.type == "BIGINT":
            frame[column.name] = draw.integers(1, 5_000, rows)
    frame["option_symbol"] = [f"U     261218P{strike:08d}" for strike in range(rows)]
    return frame.assign(timestamp=utc_now(), expiration=pd.Timestamp(2026, 12, 18))


def filled(path: Path, rows: int) -> Store:
    """A store of snapshots of 2,000 contracts, `rows` in all: made in SQL, for ten million take a while."""
    store = Store(path, (OPTION_CHAINS,), limits=NEVER)
    first = store.put(TABLE, [Entry("K0", chain(CONTRACTS), "benchmark")])[0]
    copies = rows // CONTRACTS - 1
    new = f"{first.snapshot_id} + number"
    with store.file.transaction() as connection:
        connection.execute(
            f"INSERT INTO {TABLE} BY NAME SELECT c.* REPLACE ({new} AS snapshot_id, "
            f"round(c.bid + number % 97, 2) AS bid, round(c.ask + number % 89, 2) AS ask, "
            "(c.volume + number) % 5000 AS volume) "
            f"FROM {TABLE} c, range(1, {copies + 1}) numbers(number) ORDER BY number, c.rowid"
        )
        connection.execute(
            f"INSERT INTO snapshots BY NAME SELECT s.* REPLACE ({new} AS snapshot_id, 'K' || number % 500 AS key) "
            f"FROM snapshots s, range(1, {copies + 1}) numbers(number)"
        )
        connection.execute(
            "UPDATE snapshots SET content_hash = h.value FROM (SELECT snapshot_id AS i, "
            f"'duckdb-{duckdb.__version__}:' || printf('%016x', bit_xor(hash(t))) AS value "
            f"FROM {TABLE} t GROUP BY ALL) h WHERE snapshot_id = h.i"
        )
        connection.execute(f"SELECT nextval('snapshot_ids') FROM range({copies})").fetchall()
    with store.file.attached() as connection:
        connection.execute("CHECKPOINT cache")
    return store


def take_turns(rounds: int, contestants: dict[str, Callable[[], object]]) -> Seconds:
    """Seconds of each contestant, round by round; the first round only warms up."""
    seconds: Seconds = {name: [] for name in contestants}
    for _ in range(rounds + 1):
        for name, run in contestants.items():
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    return {name: times[1:] for name, times in seconds.items()}


def get(store: Store) -> pd.DataFrame:
    """The newest chain of a symbol, as a read gets it: look it up, then load it."""
    newest = store.index([(TABLE, "K7")])[0][0]
    return store.get(TABLE, [newest.snapshot_id])


def raw_get(path: Path) -> pd.DataFrame:
    """The same by hand: connect, select, to pandas."""
    with duckdb.connect(str(path)) as connection:
        return connection.execute(
            f"SELECT * FROM {TABLE} WHERE snapshot_id = "
            "(SELECT max(snapshot_id) FROM snapshots WHERE table_name = ? AND key = ?)",
            [TABLE, "K7"],
        ).df()


def raw_put(path: Path, frame: pd.DataFrame) -> None:
    """Connect, insert, close."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO chains SELECT * FROM frame")


def stock_manager(path: Path) -> Callable[[pd.DataFrame], None]:
    """What writes one symbol's frame through Dagster's stock IO manager, outside of any run."""
    import dagster as dg
    from dagster_duckdb_pandas import DuckDBPandasIOManager

    manager = DuckDBPandasIOManager(database=str(path)).create_io_manager(dg.build_init_resource_context())

    def put(frame: pd.DataFrame) -> None:
        context = dg.build_output_context(
            asset_key=dg.AssetKey("chains"),
            partition_key="K7",
            asset_partitions_def=dg.StaticPartitionsDefinition(["K7"]),
            definition_metadata={"partition_expr": "symbol"},
            resource_config={"database": str(path), "connection_config": {}},
        )
        manager.handle_output(context, frame)

    return put


def prepared(path: Path, rows: int) -> Path:
    """A file with the table `chains` of so many rows, 2,000 a symbol, once in `main` and once in `public`."""
    frame = chain(CONTRACTS)  # noqa: F841 - the statement reads it, by name
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "CREATE TABLE chains AS SELECT f.* REPLACE ('K' || number AS symbol) "
            f"FROM frame f, range({rows // CONTRACTS}) numbers(number)"
        )
        connection.execute("CREATE SCHEMA public")
        connection.execute("CREATE TABLE public.chains AS FROM chains")
    return path


def reads(folder: Path, rounds: int) -> tuple[Seconds, Store]:
    """Get from small and large caches, ours and raw."""
    small, large = filled(folder / "small.duckdb", 100_000), filled(folder / "large.duckdb", 10_000_000)
    return take_turns(
        rounds,
        {
            "get, 1e5 rows": lambda: get(small),
            "get, 1e7 rows": lambda: get(large),
            "raw get, 1e5 rows": lambda: raw_get(small.path),
            "raw get, 1e7 rows": lambda: raw_get(large.path),
        },
    ), large


def writes(folder: Path, rounds: int) -> Seconds:
    """Put 2,000 contracts into a cache of 1e6 rows: ours, raw, stock."""
    store, frame = filled(folder / "put.duckdb", 1_000_000), chain(CONTRACTS, 2).assign(symbol="K7")
    raw, stock = prepared(folder / "raw.duckdb", 1_000_000), stock_manager(prepared(folder / "stock.duckdb", 1_000_000))
    return take_turns(
        rounds,
        {
            "put": lambda: store.put(TABLE, [Entry("K8", frame, "benchmark")]),
            "raw put": lambda: raw_put(raw, frame),
            "stock put": lambda: stock(frame),
        },
    )


def writer(kind: str, path: Path, seed: int) -> None:
    """One of many processes: write WRITES frames and print the seconds of each, or `failed`."""
    frame = chain(SMALL, seed).assign(symbol="K7")
    put: Callable[[], object]
    if kind == "ours":
        store = Store(path, (OPTION_CHAINS,), limits=NEVER)
        put = lambda: store.put(TABLE, [Entry(f"K{seed}", frame, "benchmark")])  # noqa: E731
    else:
        stock = stock_manager(path)
        put = lambda: stock(frame)  # noqa: E731
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(WRITES):
        began = time.perf_counter()
        try:
            put()
        except Exception as error:  # noqa: BLE001 - counted, whatever it is
            print("failed", type(error).__name__)
        else:
            print(time.perf_counter() - began)


def crowd(folder: Path, kind: str) -> tuple[float, list[float], int]:
    """Many processes that write at once: seconds in all, of each write, and how many failed."""
    path = folder / f"crowd_{kind}.duckdb"
    filled(path, 2 * CONTRACTS) if kind == "ours" else prepared(path, 2 * CONTRACTS)
    command = [sys.executable, __file__, "--writer", kind, str(path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    processes = [subprocess.Popen([*command, str(seed)], text=True, **pipes) for seed in range(PROCESSES)]
    for process in processes:
        process.stdout.readline()
    began = time.perf_counter()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    lines = [line for process in processes for line in process.communicate()[0].splitlines()]
    times = [float(line) for line in lines if not line.startswith("failed")]
    return time.perf_counter() - began, times, PROCESSES * WRITES - len(times)


def lost(folder: Path) -> int:
    """How many of the writes that our crowd made are not there whole."""
    store = Store(folder / "crowd_ours.duckdb", (OPTION_CHAINS,), limits=NEVER)
    index, _ = store.index([(TABLE, f"K{seed}") for seed in range(PROCESSES)])
    whole = [
        s
        for s in index
        if s.source == "benchmark" and s.rows == SMALL and len(store.get(TABLE, [s.snapshot_id])) == SMALL
    ]
    return PROCESSES * WRITES - len(whole)


COMPACT = """
import resource, sys, time
from pathlib import Path
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.snapshot_index import index_rows
from wheel_assets.tables import OPTION_CHAINS
store = Store(Path(sys.argv[1]), (OPTION_CHAINS,))
before, began = store.file.size, time.perf_counter()
with store.file.attached() as connection:
    ids = [line.snapshot_id for line in index_rows(connection)]
store.file.rewrite([i for i in ids if i % 10])
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(before / 1e6, store.file.size / 1e6, time.perf_counter() - began, memory / 1e3)
"""


def compaction(folder: Path) -> str:
    """Compact a cache of about 1 GB to a tenth, in a process of its own."""
    path = folder / "gigabyte.duckdb"
    filled(path, 40_000_000)
    done = subprocess.run([sys.executable, "-c", COMPACT, str(path)], capture_output=True, text=True, check=True)
    before, after, seconds, memory = map(float, done.stdout.split())
    return f"compaction: {before:.0f} MB to {after:.0f} MB in {seconds:.1f} s, at most {memory:.0f} MB of memory"


def milliseconds(seconds: Seconds) -> list[str]:
    """Median, least and most of each, one line."""
    return [
        f"{name:<20}{statistics.median(times) * 1e3:>9.1f}{min(times) * 1e3:>9.1f}{max(times) * 1e3:>9.1f}"
        for name, times in seconds.items()
    ]


def ratios(seconds: Seconds) -> list[str]:
    """What was promised, and what came out."""
    of = {name: statistics.median(times) for name, times in seconds.items()}
    promises = [
        ("get / raw get, 1e5 rows", of["get, 1e5 rows"] / of["raw get, 1e5 rows"], "2"),
        ("get / raw get, 1e7 rows", of["get, 1e7 rows"] / of["raw get, 1e7 rows"], "2"),
        ("get 1e7 / get 1e5", of["get, 1e7 rows"] / of["get, 1e5 rows"], "1.3"),
        ("put / raw put", of["put"] / of["raw put"], "2"),
        ("put / stock put", of["put"] / of["stock put"], "1"),
    ]
    return [f"{name:<28}{value:>6.2f}  at most {limit}" for name, value, limit in promises]


def crowds(folder: Path) -> list[str]:
    """The two crowds, one after the other."""
    lines, rates = [], {}
    for kind in ("ours", "stock"):
        wall, times, failed = crowd(folder, kind)
        rates[kind] = len(times) / wall
        lines.append(
            f"{PROCESSES} x {WRITES} writes, {kind:<6}{wall:>7.1f} s, {rates[kind]:.1f} writes/s, median "
            f"{statistics.median(times) * 1e3:.0f} ms, longest {max(times):.1f} s, {failed} failed"
        )
    return [*lines, f"lost: {lost(folder)}; ours / stock {rates['ours'] / rates['stock']:.1f} (at least 10)"]


def main() -> None:
    """Measure and print; `--keep` writes it to benchmarks/results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--writer", nargs=3, metavar=("KIND", "FILE", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.writer:
        kind, path, seed = options.writer
        return writer(kind, Path(path), int(seed))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds, _ = reads(folder, options.rounds)
        seconds |= writes(folder, options.rounds)
        versions = f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
        head = f"{os.cpu_count()} cores, {versions}, {options.rounds} rounds"
        columns = f"{'milliseconds':<20}{'median':>9}{'least':>9}{'most':>9}"
        lines = [
            head,
            columns,
            *milliseconds(seconds),
            "",
            *ratios(seconds),
            "",
            *crowds(folder),
            "",
            compaction(folder),
        ]
    print("\n".join(lines))
    if options.keep:
        (HERE / "results" / "store.txt").write_text("\n".join(lines) + "\n")
    return None


if __name__ == "__main__":
    main()
