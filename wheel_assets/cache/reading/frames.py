"""Frames of any library, by dagster-duckdb's type handlers: through a table in memory, of which they know the SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
from dagster._core.storage.db_io_manager import DbTypeHandler, TableSlice

from wheel_assets.cache.reading.loaded import LoadedInput
from wheel_assets.errors import BadFrame

if TYPE_CHECKING:
    import pandas as pd

_SLICE = TableSlice("staged", "main", "memory")


@dataclass(frozen=True)
class _Selecting:
    """A connection for handlers that select: results of DuckDB 2 have no `arrow` any more, its relations do."""

    connection: duckdb.DuckDBPyConnection

    def execute(self, query: str) -> duckdb.DuckDBPyRelation:
        """The relation of a query."""
        return self.connection.sql(query)


class Frames:
    """Turns what an asset returns into a pandas frame, and a pandas frame into what a step asks for."""

    def __init__(self, handlers: Sequence[DbTypeHandler[Any]]) -> None:
        self._handlers = {kind: handler for handler in handlers for kind in handler.supported_types}

    def pandas(self, context: dg.OutputContext, frame: Any) -> pd.DataFrame:
        """A returned frame; raises BadFrame, naming the asset, for anything else."""
        import pandas as pd

        if isinstance(frame, pd.DataFrame):
            return frame
        handler = next((h for kind, h in self._handlers.items() if isinstance(frame, kind)), None)
        if handler is None:
            what = f"{context.asset_key.to_user_string()} returned {type(frame).__name__}"
            raise BadFrame(what, "a table is stored from a frame", "return a DataFrame or Rows")
        with duckdb.connect(":memory:") as connection:
            handler.handle_output(context, _SLICE, frame, connection)
            staged: pd.DataFrame = connection.execute("SELECT * FROM main.staged").df()
        return staged

    def asked(self, context: dg.InputContext, frame: pd.DataFrame) -> Any:
        """The frame as the step annotates its input, with the columns that its `AssetIn` names."""
        columns = (context.definition_metadata or {}).get("columns")
        frame = frame[list(columns)] if columns else frame
        kind = context.dagster_type.typing_type
        if kind not in self._handlers:
            return frame
        with duckdb.connect(":memory:") as connection:
            connection.execute("CREATE TABLE main.staged AS SELECT * FROM frame")
            return self._handlers[kind].load_input(context, _SLICE, _Selecting(connection))


def wants_reads(context: dg.InputContext) -> bool:
    """Whether the step annotates its input as `LoadedInput`."""
    return bool(context.dagster_type.typing_type is LoadedInput)
