"""Dagster-duckdb integration of the read-through cache: IO manager, type handlers and a resource for SQL.

Of the stock IO manager the settings and the type handlers are used. Its client is not: it deletes before it inserts,
inserts by position and leaves connections open. See `docs/adr` for what is overridden and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBIOManager, DuckDBResource
from pydantic import Field

from wheel_assets.cache.reading.io_manager import ReadThroughIOManager
from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.reading.request import MoreKeys
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.maintenance import Limits
from wheel_assets.errors import StoreError, UsageError

if TYPE_CHECKING:
    from dagster._core.storage.db_io_manager import DbTypeHandler
    from duckdb import DuckDBPyConnection

    from wheel_assets.tables import SnapshotTable


ANY_AGE = timedelta(days=36_500)  # of a snapshot: only the size of the file is limited


class ReadThroughDuckDBIOManager(DuckDBIOManager):
    """IO manager that reads through the cache in a DuckDB file: fresh inputs are loaded, stale ones pulled first.

    `database` is the path of the file, `schema` that of the views on the newest rows of tables without a declaration.
    Subclass it to declare tables, as the stock one is subclassed for its type handlers: `tables`, and where tables
    have keys, `wanted_keys` (see `ReadThroughIOManager`). Pandas frames are stored as they are; those of polars go
    through its type handler where that is installed.
    """

    max_size_gb: float | None = Field(
        default=None,
        gt=0,
        description="size of the file, GB: what was used least recently goes first; no limit if unset",
    )

    @staticmethod
    def tables() -> Sequence[SnapshotTable]:
        """The declared tables, each named as its asset; those of other assets are inferred."""
        return ()

    @staticmethod
    def everything() -> dg.JobDefinition | None:
        """The job that can make any asset; None derives one from the running job's definitions when needed."""
        return None

    @staticmethod
    def wanted_keys() -> Mapping[str, Callable[[Any], Sequence[str]]]:
        """For each key column, a function from the value of the config field to the requested keys."""
        return {}

    @staticmethod
    def more_keys() -> Mapping[str, MoreKeys]:
        """For some key columns, further keys found in the rows of a table (see `ReadThroughIOManager`)."""
        return {}

    @staticmethod
    def fingerprint(table: str) -> str:
        """Fingerprint of a table's data: what it depends on besides its inputs and its asset's code version."""
        return ""

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler[Any]]:
        """Type handlers of frames other than pandas', as far as they are installed."""
        try:
            from dagster_duckdb_polars import DuckDBPolarsTypeHandler
        except ImportError:
            return []
        return [DuckDBPolarsTypeHandler()]

    def store(self) -> Store:
        """The cache that the settings name."""
        store = _store(self.database, tuple(self.tables()), self.connection_config)
        if self.max_size_gb is not None:
            store.maintenance.limits = Limits(int(self.max_size_gb * 1e9), ANY_AGE, timedelta(days=1))
        return store

    def create_io_manager(self, context: dg.InitResourceContext) -> ReadThroughIOManager:  # type: ignore[override]
        """The IO manager over the file."""
        with one_line_errors():
            store = self.store()
        handlers, schema = self.type_handlers(), self.schema_
        keys, more = self.wanted_keys(), self.more_keys()
        return ReadThroughIOManager(store, self.everything, keys, self.fingerprint, handlers, schema, more_keys=more)


class CacheResource(DuckDBResource):
    """SQL over the cache, under the lock of the file; used like any `DuckDBResource`.

    Keep the block short: while it lasts, no other process reads or writes the cache.
    """

    @contextmanager
    def get_connection(self) -> Iterator[DuckDBPyConnection]:
        """The file, attached as the default database until the block ends; a failed block changes nothing.

        DuckDB's errors in the block are raised as they are.
        """
        try:
            with _store(self.database, None, self.connection_config).file.transaction() as connection:
                yield connection
        except StoreError as error:
            if type(error) is StoreError and isinstance(error.__cause__, duckdb.Error):
                raise error.__cause__ from None
            raise


_STORES: dict[Path, Store] = {}


def _store(database: str, tables: tuple[SnapshotTable, ...] | None, config: Mapping[str, Any]) -> Store:
    """The one store of this process for a file: two instances must not attach it at the same time.

    Raises UsageError for a database that is no file.
    """
    if database.startswith((":memory:", "md:", "motherduck:")):
        raise UsageError(f"the database {database} is refused", "the cache is a file that processes share", "name one")
    path = Path(database).expanduser().absolute()
    if path not in _STORES or tables not in (None, tuple(_STORES[path].tables.values())):
        _STORES[path] = Store(path, tables or ())
    _STORES[path].file.config |= config  # DuckDB's own settings apply from the next connection on
    _STORES[path].file.refuses_others = True  # it may be somebody's warehouse
    return _STORES[path]
