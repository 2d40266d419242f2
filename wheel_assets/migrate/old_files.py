"""Old files, opened read-only: which tables they have, row by row, names in lower case."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable, Iterator, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from wheel_assets.cache.untrusted_files import confined, confined_sqlite
from wheel_assets.columns import identifier, literal
from wheel_assets.errors import UsageError

MAX_ROWS, MAX_BYTES = 1_000_000, 500_000_000  # of one file, unpacked


@dataclass(frozen=True)
class Found:
    """One old row: the name of its table (empty where the file names none), its place in it, its values."""

    table: str
    number: int
    values: dict[str, Any]

    @property
    def where(self) -> str:
        """Its place, for a person."""
        return f"{self.table or 'row'} {self.number}"


def read_source(path: Path) -> tuple[str, Iterator[Found]]:
    """The kind of an old file and its rows. Raises UsageError for a file of no known kind."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise UsageError(f"{path} cannot be read", f"{error.strerror}", "give an old cache or an export") from error
    kinds: list[tuple[bool, str, Callable[[Path], Iterator[Found]]]] = [
        (head.startswith(b"SQLite format 3\0"), "SQLite", _sqlite),
        (head[8:12] == b"DUCK", "DuckDB", _duckdb),
        (head.startswith(b"PAR1"), "Parquet", _parquet),
        (path.suffix.lower() in (".json", ".jsonl", ".ndjson"), "JSON", _json),
        (path.suffix.lower() in (".csv", ".txt"), "CSV", _csv),
    ]
    for is_it, kind, read in kinds:
        if is_it:
            return kind, _readable(path, read)
    known = ", ".join(kind for _, kind, _ in kinds)
    raise UsageError(
        f"{path} is of no known format", "neither its first bytes nor its name identify one", f"known: {known}"
    )


def _readable(path: Path, read: Callable[[Path], Iterator[Found]]) -> Iterator[Found]:
    """The rows; damage becomes a UsageError, and so does more than fits in memory: a small file may hold it, packed."""
    rows = size = 0
    try:
        for found in read(path):
            rows += 1
            size += sum(len(value) if isinstance(value, Sized) else 8 for value in found.values.values())
            if rows > MAX_ROWS or size > MAX_BYTES:
                raise _too_large(path)
            yield found
    except (duckdb.Error, sqlite3.Error, ValueError, csv.Error, OSError) as error:
        raise UsageError(f"{path} cannot be read to its end", f"{error}"[:200], "nothing was migrated") from error


def _refuse_large(path: Path) -> None:
    """Raise UsageError for a file that is read in one piece and is too large for that."""
    if path.stat().st_size > MAX_BYTES:
        raise _too_large(path)


def _too_large(path: Path) -> UsageError:
    why = f"it holds more than {MAX_ROWS:,} rows or {MAX_BYTES / 1e6:.0f} MB, and is read into memory"
    return UsageError(f"{path} is too large", why, "nothing was migrated; migrate it in parts")


def _sqlite(path: Path) -> Iterator[Found]:
    with confined_sqlite(path) as connection:
        # A virtual table is code of whatever module it names.
        query = (
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
            "AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
        )
        for (table,) in connection.execute(query).fetchall():
            rows = connection.execute(f"SELECT * FROM {identifier(table)}")
            yield from _rows(table, [column[0] for column in rows.description], rows)


def _duckdb(path: Path) -> Iterator[Found]:
    with confined(path) as connection:
        connection.execute("ATTACH ? AS old (READ_ONLY)", [str(path)])
        query = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'old' ORDER BY ALL"
        tables = connection.execute(query).fetchall()
        if {"snapshots", "meta"} <= {table for _, table in tables}:
            raise UsageError(f"{path} is a cache of this program", "", "`wheel backup` and `wheel restore` copy it")
        for schema, table in tables:
            relation = f"old.{identifier(schema)}.{identifier(table)}"
            yield from _query(connection, table, f"SELECT {_without_time_zones(connection, relation)} FROM {relation}")


def _parquet(path: Path) -> Iterator[Found]:
    with confined(path) as connection:
        relation = f"read_parquet({literal(str(path))})"
        yield from _query(connection, "", f"SELECT {_without_time_zones(connection, relation)} FROM {relation}")


def _without_time_zones(connection: duckdb.DuckDBPyConnection, relation: str) -> str:
    """All columns; times with a zone as naive UTC, which need no pytz to be fetched."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return ", ".join(
        identifier(row[0]) + ("::TIMESTAMP" if "TIME ZONE" in row[1] else "") + f" AS {identifier(row[0])}"
        for row in described
    )


def _query(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> Iterator[Found]:
    result = connection.execute(query)
    columns = [column[0] for column in result.description or ()]
    yield from _rows(table, columns, iter(result.fetchone, None))


def _csv(path: Path) -> Iterator[Found]:
    _refuse_large(path)  # all of it may be one line
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, strict=True)
        header = next(reader, [])
        for number, row in enumerate(reader, 2):
            if row:
                yield Found("", number, dict(zip([name.strip().lower() for name in header], row, strict=False)))


def _json(path: Path) -> Iterator[Found]:
    """A list of rows, one object a line, or an object of tables."""
    _refuse_large(path)
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix.lower() != ".json":
        tables: Any = [json.loads(line) for line in text.splitlines() if line.strip()]
    else:
        tables = json.loads(text)
    named = tables if isinstance(tables, dict) and all(isinstance(v, list) for v in tables.values()) else {"": tables}
    for table, rows in named.items():
        for number, row in enumerate(rows if isinstance(rows, list) else [rows], 1):
            if not isinstance(row, dict):
                raise ValueError(f"row {number} is no object")
            yield Found(table, number, {str(name).lower(): value for name, value in row.items()})


def _rows(table: str, columns: list[str], rows: Any) -> Iterator[Found]:
    names = [column.lower() for column in columns]
    for number, row in enumerate(rows, 1):
        yield Found(table, number, dict(zip(names, row, strict=True)))
