"""A file that somebody else wrote reaches nothing but itself, whatever its names say."""

import sqlite3
from contextlib import closing

import duckdb
import pytest

from wheel_assets.cache.untrusted_files import confined, confined_sqlite
from wheel_assets.columns import identifier, literal


@pytest.mark.parametrize(
    "attack",
    [
        "SELECT * FROM read_text('{other}')",
        "SELECT * FROM glob('{folder}/*')",
        "COPY (SELECT 1) TO '{other}'",
        "COPY (SELECT 1) TO '{path}.new'",
        "ATTACH '{other}' AS other",
        "EXPORT DATABASE '{folder}/out'",
        "LOAD httpfs",
        "INSTALL httpfs",
        "SELECT * FROM read_parquet('http://127.0.0.1:9/x.parquet')",
        "SET enable_external_access = true",
        "SET allowed_paths = ['{other}']",
        "SET memory_limit = '100GB'",
        "RESET lock_configuration",
    ],
)
def test_a_confined_duckdb_refuses(tmp_path, attack):
    path, other = tmp_path / "theirs.parquet", tmp_path / "mine.txt"
    duckdb.sql("SELECT 1 AS a").write_parquet(str(path))
    other.write_text("mine")
    with confined(path) as connection:
        assert connection.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall() == [(1,)]
        with pytest.raises((duckdb.PermissionException, duckdb.InvalidInputException)):
            connection.execute(attack.format(path=path, other=other, folder=tmp_path))
    assert other.read_text() == "mine"
    assert sorted(tmp_path.glob("*.*")) == [other, path]


def test_it_writes_below_its_scratch_folder_only(tmp_path):
    (tmp_path / "scratch").mkdir()
    with confined(scratch=tmp_path / "scratch") as connection:
        connection.execute(f"COPY (SELECT 1) TO {literal(str(tmp_path / 'scratch' / 'a.parquet'))}")
        with pytest.raises(duckdb.PermissionException):
            connection.execute(f"COPY (SELECT 1) TO {literal(str(tmp_path / 'scratch' / '..' / 'a.parquet'))}")


def test_its_memory_is_bounded(tmp_path):
    with confined(memory_mb=64) as connection, pytest.raises(duckdb.OutOfMemoryException):
        connection.execute("SELECT list(range::VARCHAR) FROM range(10_000_000)").fetchall()


@pytest.mark.parametrize("attack", ["ATTACH '{other}' AS x", "CREATE TABLE x (a)", "PRAGMA writable_schema = ON"])
def test_a_confined_sqlite_refuses(tmp_path, attack):
    path, other = tmp_path / "theirs.db", tmp_path / "mine.db"
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("CREATE TABLE t (a)")
    with confined_sqlite(path) as connection, pytest.raises(sqlite3.DatabaseError):
        connection.execute(attack.format(other=other))
    assert not other.exists()


def test_a_quoted_name_is_one_name():
    name = 'a" FROM t; DROP TABLE t; --'
    assert duckdb.sql(f"SELECT 1 AS {identifier(name)}").columns == [name]
