"""Untrusted files, opened by sandboxed engines that can only read them.

Names of columns and tables, views and defaults in such a file may be written by an attacker. Names are quoted, and the
engine that reads them has no other file, no network, no extension, no way to lift these limits, and little memory. No
other module opens an untrusted file with DuckDB or SQLite.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from wheel_assets.columns import Column, identifier, literal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY_MB = 512
SQLITE_VALUE_BYTES = 200_000_000  # of the longest text or blob
_SQLITE_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION}


@contextmanager
def confined(*paths: Path, scratch: Path | None = None, memory_mb: int = MEMORY_MB) -> Iterator[DuckDBPyConnection]:
    """An in-memory DuckDB that can read `paths` and write below the folder `scratch`, and reach nothing else.

    Beyond `memory_mb` megabytes it spills into `scratch`, or raises duckdb.OutOfMemoryException without one.
    Times with a zone are returned in UTC. DuckDB compares paths as text: spell one in a query as it is given here.
    """
    config: dict[str, str | int | float | list[str]] = {
        "threads": 2,
        "memory_limit": f"{memory_mb}MB",
        "temp_directory": str(scratch or ""),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("SET TimeZone='UTC'")
        connection.execute("SET enable_progress_bar = false")  # it would go to standard output
        # A DuckDB file may come with its write-ahead log.
        allowed = [text for path in paths for text in (str(path), f"{path}.wal")]
        connection.execute(f"SET allowed_paths = [{', '.join(map(literal, allowed))}]")
        if scratch:
            connection.execute(f"SET allowed_directories = [{literal(str(scratch))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def rewritten(path: Path, columns: Sequence[Column], folder: Path, values: Mapping[str, str] | None = None) -> Path:
    """Clean copy in `folder` of an untrusted Parquet file: those of `columns` that it has, typed and in order.

    `values` maps columns to trusted SQL expressions over the file's own. An existing copy is replaced. The engine that
    holds the cache reads only such copies. Raises duckdb.Error for values that do not fit their type.
    """
    copy = folder / "rewritten.parquet"
    with confined(path, scratch=folder) as connection:
        found = {row[0] for row in connection.execute("DESCRIBE FROM read_parquet(?)", [str(path)]).fetchall()}
        sql = {c.name: (values or {}).get(c.name, identifier(c.name)) for c in columns if c.name in found}
        typed = ", ".join(f"({sql[c.name]})::{c.type} AS {identifier(c.name)}" for c in columns if c.name in sql)
        query = f"SELECT {typed} FROM read_parquet({literal(str(path))})"
        connection.execute(f"COPY ({query}) TO {literal(str(copy))} (FORMAT parquet)")
    return copy


@contextmanager
def confined_sqlite(path: Path) -> Iterator[sqlite3.Connection]:
    """A SQLite connection that can read the file and nothing else; raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, SQLITE_VALUE_BYTES)
        connection.set_authorizer(_only_reads)
        yield connection


def _only_reads(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _SQLITE_READS else sqlite3.SQLITE_DENY
