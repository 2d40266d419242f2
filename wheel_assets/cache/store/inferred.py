"""Inferred tables: tables without a declaration, with the columns of the stored frames.

Such a table is created with explicit column types taken from its first frame. `CREATE TABLE AS` was rejected: a column
without values would get the type "NULL" and refuse every later value. Columns of later frames are added, a column that
a frame lacks is NULL, and a value that its column cannot hold without loss is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from wheel_assets.cache.store import schema
from wheel_assets.columns import Column, SnapshotTable, Type, identifier
from wheel_assets.errors import BadFrame

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

# The store's own tables, and the name under which DuckDB finds the frame that is being inserted.
RESERVED = ("snapshots", "api_calls", "meta", "rows_to_store_")
ADDED = ("snapshot_id", "created_at")  # the columns that the store adds
DATES = "wheel/dates"  # attribute of a frame from the file: its columns of dates, which pandas has as times

_TYPES = {
    **{"bool": "BOOLEAN", "boolean": "BOOLEAN", "float32": "FLOAT", "float64": "DOUBLE"},
    **{"int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT"},
    **{"uint8": "UTINYINT", "uint16": "USMALLINT", "uint32": "UINTEGER", "uint64": "UBIGINT"},
    **{"datetime64[s]": "TIMESTAMP_S", "datetime64[ms]": "TIMESTAMP_MS", "datetime64[us]": "TIMESTAMP"},
    **{"datetime64[ns]": "TIMESTAMP_NS", "string": "VARCHAR", "str": "VARCHAR"},
}
# SQL type of a column of Python objects, by pandas' inferred type; a column without values becomes text.
_OBJECT_TYPES = {
    **{"string": "VARCHAR", "empty": "VARCHAR", "boolean": "BOOLEAN", "integer": "BIGINT", "floating": "DOUBLE"},
    **{"date": "DATE", "datetime": "TIMESTAMP", "datetime64": "TIMESTAMP", "bytes": "BLOB"},
}
_TEXT = ("category", "string", "str")


@dataclass(frozen=True)
class InferredTable(SnapshotTable):
    """A table without a declaration, with the columns of its frames; without frames it is for reading."""

    @classmethod
    def of(cls, name: str, frames: Sequence[pd.DataFrame]) -> InferredTable:
        """The table of these frames, parts of one; raises BadFrame for names or values that no table can hold."""
        if name in RESERVED:
            raise BadFrame(f"a table {name} is refused", "the store has one of that name", "name the asset otherwise")
        names = [str(column) for column in frames[0].columns] if frames else []
        twice = {one for one in names if [other.lower() for other in names].count(one.lower()) > 1}
        reserved = {one for one in names if not one or one.lower() in ADDED}
        if twice or reserved or not names:
            why = f"columns {sorted(twice | reserved)}" if names else "it has no columns"
            remedy = f"rename them: names must differ by more than case, and {' and '.join(ADDED)} belong to the store"
            raise BadFrame(f"a frame for table {name} was refused", why, remedy)
        columns = [Column(str(c), cast(Type, _type_of(name, [frame[c] for frame in frames])), "") for c in frames[0]]
        return cls(name, "", tuple(columns))

    @classmethod
    def in_file(cls, connection: DuckDBPyConnection, name: str) -> InferredTable:
        """The table as it is in the attached file."""
        there = schema.columns_of(connection).get(name, {})
        return cls(name, "", tuple(Column(c, cast(Type, of), "") for c, of in there.items() if c not in ADDED))

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with texts as Python strings and missing ones as None."""
        plain = frame.reset_index(drop=True).set_axis([column.name for column in self.columns], axis=1)
        for name, dtype in plain.dtypes.items():
            if str(dtype) in _TEXT:
                values = plain[name].astype(object)
                plain[name] = values.where(values.notna(), None)
        return plain

    def restore(self, frame: pd.DataFrame, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Rows from the file without the store's own columns, in DuckDB's dtypes."""
        shown = frame[list(columns) or [name for name in frame.columns if name not in ADDED]]
        shown.attrs[DATES] = [column.name for column in self.columns if column.type == "DATE" and column.name in shown]
        return shown


def fit(connection: DuckDBPyConnection, table: InferredTable, rows_to_store_: pd.DataFrame) -> None:
    """Create the table in the attached file, or add the columns of the rows that it lacks.

    Raises BadFrame, naming the column, where its type cannot hold the values without loss.
    """
    there = schema.columns_of(connection).get(table.name)
    if there is None:
        connection.execute(table.ddl)
        return
    spelt = {name.lower(): name for name in there}
    changed, name = f"ALTER TABLE {identifier(table.name)}", ""
    for column in table.columns:
        name, known = identifier(column.name), spelt.get(column.name.lower())
        if known is None:
            connection.execute(f"{changed} ADD COLUMN {name} {column.type}")
        elif known != column.name:
            what = f"column {table.name}.{column.name} was refused"
            raise BadFrame(what, "column names differ by case only", f"spell it as the table does: {known}")
        elif there[known] != column.type and _is_empty(connection, table, column):
            connection.execute(f"{changed} ALTER COLUMN {name} TYPE {column.type} USING NULL")
        elif there[known] != column.type:
            _refuse_loss(connection, table, column, there[known], rows_to_store_)


def _is_empty(connection: DuckDBPyConnection, table: InferredTable, column: Column) -> bool:
    """Whether a column of the attached file holds no value yet, so that nothing has shown its type."""
    query = f"SELECT 1 FROM {identifier(table.name)} WHERE {identifier(column.name)} IS NOT NULL LIMIT 1"
    return connection.execute(query).fetchone() is None


def _refuse_loss(
    connection: DuckDBPyConnection, table: InferredTable, column: Column, held: str, rows_to_store_: pd.DataFrame
) -> None:
    """Raise BadFrame where a value of the rows would not come back from a column of type `held`."""
    name = identifier(column.name)
    alike, kept = _kind(held) == _kind(column.type), f"TRY_CAST({name} AS {held})"
    if _kind(held) == "time":
        kept = f"TRY_CAST({kept} AS TIMESTAMP)"  # there is no cast from nanoseconds to seconds
    back = f"TRY_CAST({kept} AS {column.type})"
    lost = f"{name} IS DISTINCT FROM {back}" if alike else f"{name} IS NOT NULL"
    found = connection.execute(f"SELECT {name} FROM rows_to_store_ WHERE {lost} LIMIT 1").fetchall()
    if found:
        what = f"column {table.name}.{column.name} was refused"
        raise BadFrame(what, f"it holds {held}, the frame has {column.type}: {found[0][0]}", "rename it or convert it")


def _kind(of: str) -> str:
    """Group of types that can hold each other's values: numbers, times, or the type alone."""
    if of.startswith(("TIMESTAMP", "DATE")) and "ZONE" not in of:
        return "time"
    return "number" if of in _TYPES.values() and of not in ("VARCHAR", "BOOLEAN") else of


def _type_of(table: str, parts: Sequence[pd.Series]) -> str:
    """The SQL type of a column; raises BadFrame for values that no column can hold without loss."""
    dtype = str(parts[0].dtype)
    if dtype.startswith("datetime64[") and "," in dtype:
        return "TIMESTAMP WITH TIME ZONE"
    if dtype == "category":
        return _type_of(table, [part.cat.categories.to_series(name=part.name) for part in parts])
    found = _TYPES.get(dtype, _TYPES.get(dtype.lower()))
    if dtype == "object":
        found, dtype = _type_of_objects(parts)
    if not found:
        what = f"column {table}.{parts[0].name} was refused"
        raise BadFrame(what, f"no column holds values of {dtype}", "convert it, structures to JSON text for example")
    return found


def _type_of_objects(parts: Sequence[pd.Series]) -> tuple[str | None, str]:
    """The SQL type of Python objects, None where no column holds all of them, and what they are."""
    import pandas as pd

    kinds = {pd.api.types.infer_dtype(part, skipna=True) for part in parts} - {"empty"} or {"empty"}
    known = {_OBJECT_TYPES.get(kind) for kind in kinds}
    found, text = known.pop() if len(known) == 1 else None, " and ".join(sorted(kinds))
    if found == "BIGINT" and not all(-(2**63) <= value < 2**63 for part in parts for value in part.dropna()):
        return None, "integers beyond 64 bits"
    if found == "TIMESTAMP":
        zoned = {getattr(value, "tzinfo", None) is not None for part in parts for value in part.dropna()}
        if True in zoned:
            return (None, "times with and without a zone") if False in zoned else ("TIMESTAMP WITH TIME ZONE", text)
    return found, text
