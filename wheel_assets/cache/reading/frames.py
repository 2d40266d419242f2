"""Frames of any library, converted by dagster-duckdb's type handlers through a table in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
from dagster._core.storage.db_io_manager import DbTypeHandler, TableSlice

from wheel_assets.cache.reading.loaded_input import LoadedInput
from wheel_assets.cache.reading.names import output_name
from wheel_assets.cache.store.inferred import DATES
from wheel_assets.columns import identifier
from wheel_assets.errors import BadFrame

if TYPE_CHECKING:
    import pandas as pd

STAGED = TableSlice("staged", "main", "memory")  # the table that holds a frame while a handler or query reads it


@dataclass(frozen=True)
class _Selecting:
    """A connection for handlers that select: since DuckDB 2 only relations have `arrow`, results do not."""

    connection: duckdb.DuckDBPyConnection

    def execute(self, query: str) -> duckdb.DuckDBPyRelation:
        """The relation of a query."""
        return self.connection.sql(query)


class Frames:
    """Conversion of returned frames to pandas, and of pandas frames to the type that a step annotates."""

    def __init__(self, handlers: Sequence[DbTypeHandler[Any]]) -> None:
        self._handlers = {kind: handler for handler in handlers for kind in handler.supported_types}

    def pandas(self, context: dg.OutputContext, frame: Any) -> pd.DataFrame:
        """A returned frame as pandas; raises BadFrame, naming the asset or op, for anything that is no frame."""
        import pandas as pd

        if isinstance(frame, pd.DataFrame):
            return frame
        handler = next((h for kind, h in self._handlers.items() if isinstance(frame, kind)), None)
        if handler is None:
            what = f"{output_name(context)} is {type(frame).__name__}"
            raise BadFrame(what, "a table is stored from a frame", "return a DataFrame or Rows, or annotate -> None")
        if len(frame) == 0:  # a handler makes no table of it
            return pd.DataFrame()
        with duckdb.connect(":memory:") as connection:
            connection.execute("SET TimeZone='UTC'")
            handler.handle_output(context, STAGED, frame, connection)
            return _staged(connection)

    def columns(self, context: dg.InputContext) -> tuple[str, ...]:
        """The columns that an `AssetIn` names in its metadata; none for all."""
        return tuple((context.definition_metadata or {}).get("columns") or ())

    def asked(self, context: dg.InputContext, frame: pd.DataFrame) -> Any:
        """The frame as the step annotates its input."""
        kind = context.dagster_type.typing_type
        if kind not in self._handlers:
            return frame
        with in_memory(frame) as connection:
            return self._handlers[kind].load_input(context, STAGED, _Selecting(connection))


def _staged(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The table STAGED as pandas would hold what it holds: dates and bytes as Python's, not as times and bytearrays.

    Raises BadFrame for a column that pandas would round.
    """
    query = "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ? AND schema_name = ?"
    types = dict(connection.execute(query, [STAGED.table, STAGED.schema]).fetchall())
    for name, of in types.items():
        if of.startswith(("DECIMAL", "HUGEINT", "UHUGEINT")):
            raise BadFrame(f"column {name} was refused", f"{of} would be rounded to floating point", "convert it")
    frame: pd.DataFrame = connection.execute(f"SELECT * FROM {STAGED.schema}.{STAGED.table}").df()
    for name, of in types.items():
        if of == "DATE":
            frame[name] = frame[name].dt.date.astype(object).where(frame[name].notna(), None)
        elif of == "BLOB":
            frame[name] = frame[name].map(bytes, na_action="ignore").where(frame[name].notna(), None)
    return frame


@contextmanager
def in_memory(frame: pd.DataFrame) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database in memory, with the frame as the table STAGED."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone='UTC'")
        dates = ", ".join(f"{identifier(name)}::DATE AS {identifier(name)}" for name in frame.attrs.get(DATES, ()))
        shown = f"* REPLACE ({dates})" if dates else "*"
        connection.execute(f"CREATE TABLE main.staged AS SELECT {shown} FROM frame")
        yield connection


def wants_reads(context: dg.InputContext) -> bool:
    """Whether the step annotates its input as `LoadedInput`."""
    return bool(context.dagster_type.typing_type is LoadedInput)
