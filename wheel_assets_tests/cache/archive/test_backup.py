"""Archives: out, verified, and back in, in this process and in others."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheel_assets.cache.archive import backup as archive
from wheel_assets.cache.archive import locations
from wheel_assets.cache.archive import restore as put_back
from wheel_assets.cache.archive.backup import backup
from wheel_assets.cache.archive.locations import newest_time
from wheel_assets.cache.archive.periodic import PeriodicBackup
from wheel_assets.cache.archive.restore import restore
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.errors import ArchiveDamaged, StoreTooNew, StoreUnwritable, UsageError
from wheel_assets_tests.cache.conftest import TOY_TABLES, Clock, rows

CALL = (datetime(2026, 11, 2), "db", "/x", 200, 1.0, 10, 0.25, "A", None)


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory) -> Path:
    """The folder of `filled`, made once."""
    clock = Clock()
    store = Store(tmp_path_factory.mktemp("filled") / "toy.duckdb", TOY_TABLES, clock)
    store.put("prices", [Entry("A", rows({"A": 1.0}), "test", "run 1", fingerprint="r")])
    clock.pass_minutes(5)
    newer = store.put("prices", [Entry(key, rows({key: 2.0}), "test") for key in ("A", "B")])
    rate = store.put("rates", [Entry("all", rows({"all": 0.5}), "test")])
    inputs = frozenset({newer[0].snapshot_id, rate[0].snapshot_id})
    store.put("values_", [Entry("A", rows({"A": 1.0}), "test", inputs=inputs)])
    store.record_calls([CALL, CALL])
    return store.path.parent


@pytest.fixture
def filled(filled_once, toy_store, clock) -> Store:
    """Two prices of A, one of B, a rate, and values made of A's newer price and of the rate; two calls."""
    shutil.copytree(filled_once, toy_store.path.parent)
    clock.pass_minutes(10)
    return toy_store


@pytest.fixture
def other(filled, tmp_path) -> Store:
    """An empty cache elsewhere."""
    return Store(tmp_path / "other" / "toy.duckdb", tuple(filled.tables.values()), filled.clock)


@pytest.fixture
def archived(request, tmp_path, tmp_path_factory) -> Path:
    """An archive of `filled`, made once and copied for each test that damages it."""
    template = tmp_path_factory.getbasetemp() / "template"
    if not template.exists():
        backup(request.getfixturevalue("filled"), template)
    return Path(shutil.copytree(next(template.iterdir()), tmp_path / "out" / "wheel-20261123T151000Z"))


@pytest.fixture
def empty(toy_store, tmp_path) -> Store:
    """A cache that is not even made yet."""
    return Store(tmp_path / "empty" / "toy.duckdb", tuple(toy_store.tables.values()), toy_store.clock)


def content(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Everything in a cache, table by table."""
    with store.file.attached() as connection:
        names = [*store.tables, "snapshots", "api_calls"]
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in names}


def lines(store: Store) -> list[tuple[object, ...]]:
    """What the index says of each snapshot besides ids."""
    columns = "table_name, key, timestamp, created_at, last_used_at, hits, rows, bytes, source, run_id, recipe"
    with store.file.attached() as connection:
        return connection.execute(f"SELECT {columns} FROM snapshots ORDER BY ALL").fetchall()


def test_everything_comes_back_under_its_own_times(filled, other, tmp_path):
    backup(filled, tmp_path / "out")
    done = restore(other, tmp_path / "out")
    assert done.snapshots == {"prices": 3, "rates": 1, "values_": 1, "report": 0, "history": 0}
    assert lines(other) == lines(filled)
    assert content(other)["api_calls"] == content(filled)["api_calls"]


def test_rows_come_back_as_they_were(filled, other, tmp_path):
    backup(filled, tmp_path / "out")
    restore(other, tmp_path / "out")
    for place in (("prices", "A"), ("prices", "B"), ("rates", "all"), ("values_", "A")):
        frames = [s.get(place[0], [s.index([place])[0][0].snapshot_id]) for s in (filled, other)]
        pd.testing.assert_frame_equal(*[frame.drop(columns="snapshot_id") for frame in frames])


def test_inputs_point_to_the_snapshots_given_anew(filled, other, tmp_path):
    backup(filled, tmp_path / "out")
    restore(other, tmp_path / "out")
    index, _ = other.index([("values_", "A"), ("prices", "A"), ("rates", "all")])
    newest = {snapshot.cache_key: snapshot.snapshot_id for snapshot in reversed(index)}
    made = next(snapshot for snapshot in index if snapshot.table == "values_")
    assert made.inputs == {newest["prices", "A"], newest["rates", "all"]}


def test_an_input_that_is_gone_stays_gone(filled, other, tmp_path):
    with filled.file.transaction() as connection:
        connection.execute("DELETE FROM snapshots WHERE table_name = 'rates'")
        connection.execute("DELETE FROM rates")
    backup(filled, tmp_path / "out")
    restore(other, tmp_path / "out")
    made = other.index([("values_", "A")])[0][0]
    assert 0 in made.inputs
    assert len(made.inputs) == 2


def test_restoring_again_changes_nothing(filled, other, tmp_path):
    backup(filled, tmp_path / "out")
    restore(other, tmp_path / "out")
    before = content(other)
    assert restore(other, tmp_path / "out").present == 5
    assert content(other) == before


def test_restoring_where_it_came_from_changes_nothing(filled, tmp_path):
    before = content(filled)
    backup(filled, tmp_path / "out")
    done = restore(filled, tmp_path / "out")
    assert (sum(done.snapshots.values()), done.present, done.api_calls) == (0, 5, 0)
    assert content(filled) == before


def test_what_is_here_stays_in_force(filled, other, make_rows, tmp_path):
    backup(filled, tmp_path / "out")
    live = other.put("prices", [Entry("A", make_rows({"A": 9.0}), "live")])[0]
    _, newest = other.index([("prices", "A")])
    restore(other, tmp_path / "out")
    index, newest_after = other.index([("prices", "A")])
    assert index[0] == live
    assert newest_after == newest
    assert len(index) == 3


def test_restored_snapshots_keep_their_order(filled, other, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "PART_BYTES", 1)
    done = backup(filled, tmp_path / "out")
    assert len(list(Path(done.place).glob("prices/*.parquet"))) == 3
    restore(other, tmp_path / "out")
    assert [s.created_at.minute for s in other.index([("prices", "A")])[0]] == [5, 0]
    assert lines(other) == lines(filled)


def test_new_snapshots_come_after_restored_ones(filled, other, make_rows, tmp_path):
    backup(filled, tmp_path / "out")
    restore(other, tmp_path / "out")
    put = other.put("prices", [Entry("A", make_rows({"A": 9.0}), "live")])[0]
    assert other.index([("prices", "A")])[0][0] == put


def test_the_newest_archive_in_a_folder_is_taken(filled, other, make_rows, clock, tmp_path):
    backup(filled, tmp_path / "out")
    clock.pass_minutes(60)
    filled.put("prices", [Entry("C", make_rows({"C": 3.0}), "test")])
    backup(filled, tmp_path / "out")
    assert restore(other, tmp_path / "out").snapshots["prices"] == 4


def test_an_archive_is_dated_and_private(filled, tmp_path):
    place = Path(backup(filled, tmp_path / "out").place)
    assert place.name == "wheel-20261123T151000Z"
    assert place.stat().st_mode & 0o077 == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == [place.name]


def test_the_manifest_counts(filled, tmp_path):
    done = backup(filled, tmp_path / "out")
    document = json.loads((Path(done.place) / "manifest.json").read_text())
    assert document["rows"] == {"prices": 3, "rates": 1, "values_": 1, "snapshots": 5, "api_calls": 2}
    assert done.rows == document["rows"]


def test_another_program_reads_an_archive_with_duckdb_alone(filled, tmp_path):
    place = backup(filled, tmp_path / "out").place
    query = f"SELECT sum(number) FROM '{place}/prices/*.parquet'"
    script = "import duckdb, sys; print(duckdb.sql(sys.argv[1]).fetchall())"
    done = subprocess.run([sys.executable, "-I", "-c", script, query], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[(5.0,)]"


def test_its_files_are_compressed_with_zstd(filled, tmp_path):
    place = backup(filled, tmp_path / "out").place
    codecs = duckdb.sql(f"SELECT DISTINCT compression FROM parquet_metadata('{place}/prices/*.parquet')").fetchall()
    assert codecs == [("ZSTD",)]


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGE = {
    "a flipped bit": lambda folder: flip(folder / "prices/00000.parquet"),
    "a flipped bit in the index": lambda folder: flip(folder / "snapshots/00000.parquet"),
    "a truncated file": lambda folder: (folder / "rates/00000.parquet").write_bytes(b"PAR1"),
    "a missing file": lambda folder: (folder / "values_/00000.parquet").unlink(),
    "a swapped file": lambda folder: (folder / "rates/00000.parquet").replace(folder / "prices/00000.parquet"),
    "a torn manifest": lambda folder: (folder / "manifest.json").write_text('{"format": 1, "files": {'),
    "a manifest of something else": lambda folder: (folder / "manifest.json").write_text("[]"),
    "a manifest without files": lambda folder: edit(folder, lambda told: told.pop("files")),
    "a manifest that leaves a file out": lambda folder: edit(folder, lambda told: told["files"].popitem()),
    "a wrong count": lambda folder: edit(folder, lambda told: told["files"]["rates/00000.parquet"].update(rows=2)),
    "a path out of the archive": lambda folder: edit(
        folder, lambda told: told["files"].update({"../x": told["files"]["rates/00000.parquet"]})
    ),
}


def edit(folder: Path, change) -> None:
    """Change the manifest."""
    document = json.loads((folder / "manifest.json").read_text())
    change(document)
    (folder / "manifest.json").write_text(json.dumps(document))


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_refused_before_anything_is_written(archived, empty, damage):
    DAMAGE[damage](archived)
    with pytest.raises(ArchiveDamaged, match="nothing was restored"):
        restore(empty, archived.parent)
    assert not empty.path.exists()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM t LIMIT 0",
        "SELECT *, 1 AS more FROM t",
        "SELECT * REPLACE (NULL::TIMESTAMP AS timestamp) FROM t",
        "SELECT * EXCLUDE (timestamp) FROM t",
    ],
)
def test_files_that_contradict_the_index_are_refused(archived, empty, query):
    file = archived / "rates/00000.parquet"
    duckdb.sql(f"CREATE TEMP TABLE t AS FROM '{file}'; COPY ({query}) TO '{file}'; DROP TABLE t")
    edit(archived, lambda told: told["files"].update({"rates/00000.parquet": described(file, told)}))
    with pytest.raises(ArchiveDamaged):
        restore(empty, archived)
    assert not empty.path.exists()


@pytest.mark.parametrize("cost", ["-9999.0", "NULL", "1e9", "'NaN'::DOUBLE", "'free'"])
def test_a_ledger_that_would_give_money_back_is_refused(archived, empty, cost):
    file = archived / "api_calls/00000.parquet"
    change = f"SELECT * REPLACE ({cost} AS cost_usd) FROM t"
    duckdb.sql(f"CREATE TEMP TABLE t AS FROM '{file}'; COPY ({change}) TO '{file}'; DROP TABLE t")
    edit(archived, lambda told: told["files"].update({"api_calls/00000.parquet": described(file, told, "api_calls")}))
    with pytest.raises(ArchiveDamaged, match="nothing was restored"):
        restore(empty, archived)
    assert not empty.path.exists()


@pytest.mark.parametrize("cap", ["MAX_INDEX_ROWS", "MAX_INDEX_BYTES"])
def test_an_index_larger_than_any_that_is_written_is_refused_unread(archived, empty, monkeypatch, cap):
    monkeypatch.setattr(put_back, cap, 2)
    with pytest.raises(ArchiveDamaged, match="its index of 5 rows"):
        restore(empty, archived)
    assert not empty.path.exists()


def described(file: Path, document: dict, table: str = "rates") -> dict[str, object]:
    """What a manifest says of a file, as if it had always been so."""
    return document["files"][f"{table}/00000.parquet"] | {
        "bytes": file.stat().st_size,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }


def test_a_newer_format_is_refused(archived, empty):
    edit(archived, lambda told: told.update(format=2))
    with pytest.raises(StoreTooNew, match="format 2"):
        restore(empty, archived)
    assert not empty.path.exists()


@pytest.fixture
def bucket(monkeypatch) -> str:
    """A bucket: fsspec's own, in memory."""
    monkeypatch.setattr(locations, "PROTOCOLS", ("memory",))
    return "memory://bucket/wheel"


@pytest.mark.parametrize("place", ["nowhere", "memory://nowhere"])
def test_no_archive_is_a_clear_error(empty, bucket, place):
    with pytest.raises(UsageError, match="there is no archive"):
        restore(empty, place)


@pytest.mark.parametrize(
    "url",
    ["ftp://host/x", "http://host/x", "file:///x", "memory://x", "simplecache::s3://x", "s3://x::ftp://y", "x://y"],
)
def test_archives_lie_in_folders_and_two_kinds_of_bucket_only(filled, url):
    for use in (backup, restore):
        with pytest.raises(UsageError, match="is refused; only folders, gs:// and s3:// are supported"):
            use(filled, url)


def test_a_folder_that_cannot_be_written_is_a_clear_error(empty, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnwritable, match="no archive could be written"):
        backup(empty, tmp_path / "file")


def test_a_bucket_takes_an_archive_and_gives_it_back(filled, other, bucket):
    done = backup(filled, "memory://bucket/wheel")
    assert done.place == "memory://bucket/wheel/wheel-20261123T151000Z"
    assert newest_time("memory://bucket/wheel") == datetime(2026, 11, 23, 15, 10)
    assert sum(restore(other, "memory://bucket/wheel").snapshots.values()) == 5
    assert restore(other, done.place).present == 5


def test_in_a_bucket_nothing_is_an_archive_before_its_manifest(filled, other, bucket):
    import fsspec

    done = backup(filled, "memory://torn")
    fsspec.filesystem("memory").rm(f"{done.place.removeprefix('memory:/')}/manifest.json")
    with pytest.raises(UsageError, match="there is no archive"):
        restore(other, "memory://torn")


def test_a_snapshot_that_goes_meanwhile_is_left_out(filled, other, tmp_path, monkeypatch):
    copy_table = archive._NewArchive.copy_table

    def after_a_cleanup(self, *arguments):
        with filled.file.transaction() as connection:
            connection.execute("DELETE FROM prices WHERE symbol = 'B'")
            connection.execute("DELETE FROM snapshots WHERE key = 'B'")
        return copy_table(self, *arguments)

    monkeypatch.setattr(archive._NewArchive, "copy_table", after_a_cleanup)
    backup(filled, tmp_path / "out")
    assert restore(other, tmp_path / "out").snapshots["prices"] == 2


ANOTHER = """
import sys
from pathlib import Path
from wheel_assets.cache.archive import backup as archive
from wheel_assets.cache.archive.restore import restore
from wheel_assets.cache.store.store import Store
from wheel_assets.tables import Column, SnapshotTable
types = {"timestamp": "TIMESTAMP", "symbol": "VARCHAR", "number": "DOUBLE"}
columns = tuple(Column(name, of, "") for name, of in types.items())
tables = [SnapshotTable(name, "", columns) for name in ("prices", "rates", "values_", "report")]
store = Store(Path(sys.argv[1]), tables)
"""


@pytest.mark.slow
def test_a_killed_backup_leaves_no_archive_and_the_next_works(filled, other, tmp_path):
    script = ANOTHER + "archive.Manifest.write = lambda *_: (print(flush=True), sys.stdin.read())\n"
    script += "archive.backup(store, sys.argv[2])"
    command = [sys.executable, "-c", script, str(filled.path), str(tmp_path / "out")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"\n"
        process.kill()
    with pytest.raises(UsageError, match="there is no archive"):
        restore(other, tmp_path / "out")
    backup(filled, tmp_path / "out")
    assert sum(restore(other, tmp_path / "out").snapshots.values()) == 5


@pytest.mark.slow
def test_another_process_restores(filled, other, tmp_path):
    backup(filled, tmp_path / "out")
    script = ANOTHER + "print(restore(store, sys.argv[2]).present)"
    command = [sys.executable, "-c", script, str(other.path), str(tmp_path / "out")]
    printed = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() for _ in range(2)]
    assert printed == ["0", "5"]
    assert lines(other) == lines(filled)


NUMBERS = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))
SNAPSHOT = st.tuples(st.sampled_from("AB"), st.lists(NUMBERS, min_size=1, max_size=4))


@pytest.mark.slow
@settings(max_examples=5)
@given(snapshots=st.lists(SNAPSHOT, min_size=1, max_size=4))
def test_any_snapshots_survive_the_way_out_and_back(tmp_path_factory, toy_store, clock, snapshots):
    folder = tmp_path_factory.mktemp("any")
    here, there = (Store(folder / name / "c.duckdb", tuple(toy_store.tables.values()), clock) for name in "xy")
    for key, numbers in snapshots:
        clock.pass_minutes(1)
        frame = pd.DataFrame({"timestamp": clock(), "symbol": key, "number": pd.Series(numbers, dtype="float64")})
        here.put("prices", [Entry(key, frame, "test")])
    restore(there, backup(here, folder / "out").place)
    assert by_snapshot(there) == by_snapshot(here) == [(key, numbers) for key, numbers in snapshots]


def by_snapshot(store: Store) -> list[tuple[str, list[float | None]]]:
    """Key and rows of every snapshot, both in their order."""
    query = """
        SELECT any_value(symbol), list(number ORDER BY rowid), created_at
        FROM prices GROUP BY snapshot_id, created_at ORDER BY snapshot_id
    """
    with store.file.attached() as connection:
        return [row[:2] for row in connection.execute(query).fetchall()]


def test_a_backup_rides_on_a_put_when_it_is_due(toy_store, make_rows, clock, tmp_path):
    toy_store.after_put = PeriodicBackup(str(tmp_path / "auto"), timedelta(hours=1))
    archives = []
    for minutes in (0, 30, 31, 10, 60):
        clock.pass_minutes(minutes)
        toy_store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
        archives.append(len(list((tmp_path / "auto").iterdir())))
    assert archives == [1, 1, 2, 2, 3]


def test_what_another_process_backed_up_is_not_backed_up_again(toy_store, make_rows, tmp_path):
    for _ in range(2):
        toy_store.after_put = PeriodicBackup(str(tmp_path / "auto"), timedelta(hours=1))
        toy_store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
    assert len(list((tmp_path / "auto").iterdir())) == 1


def test_a_backup_that_fails_only_warns(toy_store, make_rows, tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    toy_store.after_put = PeriodicBackup(str(tmp_path / "file"), timedelta(hours=1))
    with caplog.at_level(logging.WARNING):
        toy_store.put("prices", [Entry("A", make_rows({"A": 1.0}), "test")])
    assert "the cache was not backed up" in caplog.text
    assert toy_store.index([("prices", "A")])[1] == 1
