"""The read-through cache as a member of dagster-duckdb: its settings, its type handlers, its resource for SQL.

Of the stock IO manager the settings and the type handlers are used. Its client is not: it deletes before it inserts,
inserts by position and leaves connections open. See `docs/adr` for what is overridden and why.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_duckdb import DuckDBIOManager, DuckDBResource

from wheel_assets.cache.reading.io_manager import ReadThroughIOManager
from wheel_assets.cache.reading.one_line import one_sentence
from wheel_assets.cache.store.store import Store, store_at
from wheel_assets.errors import UsageError

if TYPE_CHECKING:
    from dagster._core.storage.db_io_manager import DbTypeHandler
    from duckdb import DuckDBPyConnection

    from wheel_assets.tables import SnapshotTable

SCHEMA = "main"


class ReadThroughDuckDBIOManager(DuckDBIOManager):
    """Reads through the cache in a DuckDB file: what is fresh is loaded, what is stale is pulled first.

    `database` is the path of the file. Subclass it to say what it keeps, as the stock one is subclassed for its type
    handlers: `tables` and `everything`, and where tables have keys, `wanted_keys` (see `ReadThroughIOManager`). Pandas
    frames are stored as they are; those of polars go through its type handler where that is installed.
    """

    @staticmethod
    @abstractmethod
    def tables() -> Sequence[SnapshotTable]:
        """The declared tables, each named as its asset."""

    @staticmethod
    @abstractmethod
    def everything() -> dg.JobDefinition:
        """The job that can make any asset: `defs.resolve_implicit_global_asset_job_def()`."""

    @staticmethod
    def wanted_keys() -> Mapping[str, Callable[[Any], Sequence[str]]]:
        """For each key column, a function from what a config asks for to the keys wanted."""
        return {}

    @staticmethod
    def fingerprint(table: str) -> str:
        """What the data of a table depends on besides its inputs and the version of its asset's code."""
        return ""

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler[Any]]:
        """Handlers of frames that are not pandas'; those of what is not installed are left out."""
        try:
            from dagster_duckdb_polars import DuckDBPolarsTypeHandler
        except ImportError:
            return []
        return [DuckDBPolarsTypeHandler()]

    def create_io_manager(self, context: dg.InitResourceContext) -> ReadThroughIOManager:  # type: ignore[override]
        """The IO manager over the file; raises UsageError for another schema than `main`."""
        with one_sentence():
            if self.schema_ not in (None, SCHEMA):
                raise UsageError(
                    f"schema {self.schema_} is refused", "the cache has one", f"leave it out or say {SCHEMA}"
                )
            store = _store(Path(self.database), tuple(self.tables()))
        return ReadThroughIOManager(store, self.everything, self.wanted_keys(), self.fingerprint, self.type_handlers())


class CacheResource(DuckDBResource):
    """SQL over the cache, under the lock of all its users; used as any `DuckDBResource`.

    Keep the block short: while it lasts, no other process reads or writes the cache.
    """

    @contextmanager
    def get_connection(self) -> Iterator[DuckDBPyConnection]:
        """The file, attached as the default database until the block ends; a failed block changes nothing."""
        with _store(Path(self.database), None).file.transaction() as connection:
            yield connection


_STORES: dict[Path, Store] = {}


def _store(path: Path, tables: tuple[SnapshotTable, ...] | None) -> Store:
    """The one store of this process for a file: two instances must not attach it at the same time."""
    if tables is None:
        return _STORES.get(path) or store_at(path)
    if path not in _STORES or tuple(_STORES[path].tables.values()) != tables:
        _STORES[path] = Store(path, tables)
    return _STORES[path]
