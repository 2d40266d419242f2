"""Schema of a cache file: tables, version, upgrades and views."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from wheel_assets.cache.account_masking import mask_numbers
from wheel_assets.columns import identifier, literal
from wheel_assets.errors import StoreTooNew
from wheel_assets.tables import SNAPSHOTS, Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA_VERSION = 3


class View(NamedTuple):
    """Name of a view, and whether it shows the newest rows of every key or only of the last snapshot."""

    schema: str
    name: str
    every_key: bool = True


# Statements, or functions that execute them, that upgrade a file from version n - 1 to n, by n. A new table or a new
# nullable column needs none; a test fails for every other change of a declaration until its upgrade is written.
UPGRADES: dict[int, tuple[str | Callable[[DuckDBPyConnection], None], ...]] = {
    2: (
        "ALTER TABLE snapshots ADD COLUMN notes VARCHAR[]",
        "DELETE FROM snapshots WHERE table_name = 'risk_free_rate'",  # at most a day old; fetched again with its tenors
        "DROP TABLE IF EXISTS risk_free_rate",
    ),
    3: (mask_numbers,),
}


@contextmanager
def one_transaction(connection: DuckDBPyConnection) -> Iterator[None]:
    """Run the block in one transaction: all of it is durable when it ends, or none."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(duckdb.Error):  # some errors have already ended the transaction
            connection.execute("ROLLBACK")
        raise


def create(connection: DuckDBPyConnection, database: str, tables: Sequence[Table], first_id: int = 1) -> None:
    """Create the empty tables in an attached database; the next snapshot gets the id `first_id`."""
    connection.execute(f"USE {database}")
    with one_transaction(connection):  # one for each statement would sync the log to the disk each time
        for table in tables:
            connection.execute(table.ddl)
        connection.execute(f"CREATE SEQUENCE snapshot_ids START WITH {first_id:d}")
        connection.execute("CREATE TABLE meta (key VARCHAR NOT NULL, value VARCHAR NOT NULL)")
        write_note(connection, "schema_version", str(SCHEMA_VERSION))


def read_note(connection: DuckDBPyConnection, key: str) -> str | None:
    """Value of a key in the table `meta`; None where it is not set."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
    return row[0] if row else None


def write_note(connection: DuckDBPyConnection, key: str, value: str) -> None:
    """Set the value of a key in `meta`."""
    connection.execute("DELETE FROM meta WHERE key = ?", [key])
    connection.execute("INSERT INTO meta VALUES (?, ?)", [key, value])


def is_ours(connection: DuckDBPyConnection) -> bool:
    """Whether the attached database is a cache of this project, of any version."""
    try:
        return read_note(connection, "schema_version") is not None
    except (duckdb.CatalogException, duckdb.BinderException):
        return False


def bring_up_to_date(connection: DuckDBPyConnection, path: Path, tables: Sequence[Table]) -> None:
    """Upgrade an older file in place, in one transaction; raises StoreTooNew for a newer one.

    A declared column or table that is missing is added without a written upgrade.
    """
    version = int(read_note(connection, "schema_version") or 0)
    if version > SCHEMA_VERSION:
        raise StoreTooNew(
            f"the cache {path} is of version {version}",
            f"this program knows version {SCHEMA_VERSION}",
            "update wheel_assets, or set WHEEL_CACHE__DIR to another folder",
        )
    if version == SCHEMA_VERSION and not _lacking(columns_of(connection), tables):
        return
    with one_transaction(connection):
        for newer in range(version + 1, SCHEMA_VERSION + 1):
            for statement in UPGRADES[newer]:
                statement(connection) if callable(statement) else connection.execute(statement)
            write_note(connection, "schema_version", str(newer))
        for statement in _lacking(columns_of(connection), tables):
            connection.execute(statement)


def columns_of(connection: DuckDBPyConnection, database: str = "cache") -> dict[str, dict[str, str]]:
    """Columns of every table of an attached database, name to type in order; without views."""
    query = (
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = ? AND NOT internal "
        "AND schema_name = 'main' ORDER BY table_name, column_index"
    )
    tables: dict[str, dict[str, str]] = {}
    for table, column, data_type in connection.execute(query, [database]).fetchall():
        tables.setdefault(table, {})[column] = data_type
    return tables


def data_tables(connection: DuckDBPyConnection) -> list[str]:
    """Tables of the cache that hold rows of snapshots, declared or inferred."""
    tables = columns_of(connection).items()
    return [name for name, columns in tables if "snapshot_id" in columns and name != SNAPSHOTS.name]


def make_view(connection: DuckDBPyConnection, table: str, view: View) -> None:
    """Create the view on the newest rows of an inferred table, under the name that dagster-duckdb would give it."""
    if view.schema == "main":
        return  # there the table itself has the name
    query = "SELECT sql FROM duckdb_views() WHERE database_name = 'cache' AND schema_name = ? AND view_name = ?"
    found = connection.execute(query, [view.schema, view.name]).fetchone()
    if found and f"table_name = {literal(table)}" in found[0]:
        return
    grouped = " GROUP BY key" if view.every_key else ""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(view.schema)}")
    connection.execute(
        f"CREATE OR REPLACE VIEW {identifier(view.schema)}.{identifier(view.name)} AS "
        "SELECT * EXCLUDE (snapshot_id, created_at) "
        f"FROM main.{identifier(table)} WHERE snapshot_id IN "
        f"(SELECT max(snapshot_id) FROM main.snapshots WHERE table_name = {literal(table)}{grouped})"
    )


def adopt(connection: DuckDBPyConnection, source: str, target: str) -> None:
    """Create in `target` the tables and columns that only `source` has (inferred ones, or of a later version)."""
    there = columns_of(connection, target)
    for table, columns in columns_of(connection, source).items():
        missing = [f"{identifier(name)} {of}" for name, of in columns.items() if name not in there.get(table, {})]
        if table not in there:
            connection.execute(f'CREATE TABLE {target}."{table}" ({", ".join(missing)})')
            continue
        for column in missing:
            connection.execute(f'ALTER TABLE {target}."{table}" ADD COLUMN {column}')
    _adopt_views(connection, source, target)


def _adopt_views(connection: DuckDBPyConnection, source: str, target: str) -> None:
    """Create the views of `source` in `target`, which has their tables."""
    views = "SELECT schema_name, view_name, sql FROM duckdb_views() WHERE database_name = ? AND NOT internal"
    there = {row[:2] for row in connection.execute(views, [target]).fetchall()}
    new = [row for row in connection.execute(views, [source]).fetchall() if row[:2] not in there]
    if not new:
        return
    current = connection.execute("SELECT current_database()").fetchall()[0][0]
    connection.execute(f"USE {target}")
    for name, _, statement in new:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(name)}")
        connection.execute(statement)
    connection.execute(f"USE {current}")


def _lacking(there: Mapping[str, Mapping[str, str]], tables: Sequence[Table]) -> list[str]:
    """Statements that create missing declared tables and columns; older rows are NULL in a new column."""
    statements: list[str] = []
    for table in tables:
        if table.name not in there:
            statements.append(table.ddl)
            continue
        new = [column for column in table.stored_columns if column.name not in there[table.name]]
        statements += [f'ALTER TABLE "{table.name}" ADD COLUMN "{column.name}" {column.type}' for column in new]
    return statements
