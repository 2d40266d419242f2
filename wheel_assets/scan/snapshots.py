"""Parquet files by symbol in a folder or bucket: what a scan has fetched and made, shared by all its workers.

    chains/SMCI.parquet    the chain as fetched, columns of `tables.OPTION_CHAINS`
    results/SMCI.parquet   what was made of it, columns of `tables.SCAN`
    ranking.parquet        the best put of each symbol

A file is replaced as a whole or not at all. When it was fetched, and what its data depend on, stands in the file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from wheel_assets.cache.archive.locations import remote
from wheel_assets.columns import literal
from wheel_assets.errors import StoreDamaged, StoreUnwritable
from wheel_assets.settings import checked_symbol

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

    from wheel_assets.columns import Table

CHAINS, RESULTS, RANKING = "chains", "results", "ranking.parquet"
MEMORY_MB = 1024


@dataclass(frozen=True)
class About:
    """When the chain behind a file was fetched (naive UTC), and what the file's data depend on besides."""

    fetched_at: datetime
    fingerprint: str

    def in_force(self, now: datetime, max_age: timedelta, fingerprint: str) -> bool:
        """Whether it is of the same making and not older than `max_age` at `now` (naive UTC)."""
        return self.fingerprint == fingerprint and timedelta(0) <= now - self.fetched_at <= max_age


class ScanFolder:
    """The files of a scan in `place`: a folder, or a URL gs://bucket/folder or s3://bucket/folder."""

    def __init__(self, place: str) -> None:
        self._fs: Any = None
        self.place = place.rstrip("/")
        if "://" in place:
            self._fs, path = remote(place)
            self.place = f"{place.partition('://')[0]}://{path.rstrip('/')}"
        else:
            self.place = str(Path(place).expanduser().absolute())

    def path(self, kind: str, symbol: str) -> str:
        """Where a symbol's file lies or will lie; raises BadSymbol: a partition may have any name, a file may not."""
        return f"{self.place}/{kind}/{checked_symbol(symbol)}.parquet"

    def about(self, kind: str, symbols: Collection[str] | None = None) -> dict[str, About]:
        """What the files of these symbols say of themselves, by symbol; those of all where None are named.

        A file that cannot be read counts as absent.
        """
        there = [path for path in self._paths(kind) if symbols is None or Path(path).stem in symbols]
        with self._engine() as engine:
            return {Path(path).stem: about for path in there if (about := _about(engine, path))}

    def read(self, kind: str, table: Table, symbols: Sequence[str]) -> pd.DataFrame:
        """The rows of these symbols, in that order; raises StoreDamaged for a file that is none of `table`."""
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        paths = ", ".join(literal(self.path(kind, symbol)) for symbol in symbols)
        try:
            with self._engine() as engine:
                return table.conform(engine.execute(f"SELECT {columns} FROM read_parquet([{paths}])").df())
        except duckdb.Error as error:
            raise _damaged(self.place, error) from error

    def write(self, kind: str, symbol: str, frame: pd.DataFrame, about: About) -> None:
        """Replace a symbol's file; raises StoreUnwritable."""
        metadata = f"fetched_at: {literal(about.fetched_at.isoformat())}, fingerprint: {literal(about.fingerprint)}"
        with self._replaced(self.path(kind, symbol)) as scratch, self._engine() as engine:
            engine.register("rows_of_symbol", frame)
            options = f"FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{metadata}}}"
            engine.execute(f"COPY (FROM rows_of_symbol) TO {literal(scratch)} ({options})")

    def ask(self, query: str, parameters: Mapping[str, Any]) -> pd.DataFrame:
        """The answer to a query; `$results` in it stands for the files of all results. Raises StoreDamaged."""
        everything = literal(f"{self.place}/{RESULTS}/*.parquet")
        try:
            with self._engine() as engine:
                return engine.execute(query.replace("$results", everything), dict(parameters)).df()
        except duckdb.Error as error:
            raise _damaged(self.place, error) from error

    def write_ranking(self, frame: pd.DataFrame) -> str:
        """Replace the ranking, and say where it lies."""
        path = f"{self.place}/{RANKING}"
        with self._replaced(path) as scratch, self._engine() as engine:
            engine.register("ranking", frame)
            engine.execute(f"COPY (FROM ranking) TO {literal(scratch)} (FORMAT parquet)")
        return path

    def _paths(self, kind: str) -> list[str]:
        if self._fs is None:
            return [str(path) for path in sorted(Path(self.place, kind).glob("*.parquet"))]
        protocol = self.place.partition("://")[0]
        self._fs.invalidate_cache()
        with self._reached():
            found = sorted(self._fs.glob(f"{self.place}/{kind}/*.parquet"))
        return [f"{protocol}://{path}" for path in found]

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Raises StoreUnwritable for any error of the bucket's library: of logins, of HTTP, of the vendor."""
        try:
            yield
        except Exception as error:
            why, remedy = f"{error}"[:200], "check WHEEL_SCAN__DIR, the keys of the bucket and the network"
            raise StoreUnwritable(f"{self.place} cannot be reached", why, remedy) from error

    @contextmanager
    def _replaced(self, path: str) -> Iterator[str]:
        """A local file to write, which takes the place of `path` once the block has ended well."""
        try:
            if self._fs is not None:
                with tempfile.TemporaryDirectory() as folder:
                    scratch = f"{folder}/scratch.parquet"
                    yield scratch
                    with self._reached():
                        self._fs.put_file(scratch, path)  # an object appears whole or not at all
                return
            Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            scratch = f"{path}.{os.getpid()}.partial"
            try:
                yield scratch
                os.replace(scratch, path)
            finally:
                Path(scratch).unlink(missing_ok=True)
        except (OSError, duckdb.IOException) as error:
            raise StoreUnwritable(f"{path} could not be written", f"{error}", "check WHEEL_SCAN__DIR") from error

    @contextmanager
    def _engine(self) -> Iterator[DuckDBPyConnection]:
        """A connection of our own to the process's in-memory DuckDB, which can read the place."""
        with _database(self._fs).cursor() as connection:
            connection.execute("SET TimeZone='UTC'")
            connection.execute("SET enable_progress_bar = false")  # it would go to standard output
            yield connection


@cache
def _database(fs: Any) -> DuckDBPyConnection:
    """One in-memory DuckDB a process and file system: making one takes five times as long as writing a file."""
    config: dict[str, str | int | float | list[str]] = {
        "threads": 2,
        "memory_limit": f"{MEMORY_MB}MB",
        "autoinstall_known_extensions": False,
        "allow_community_extensions": False,
    }
    database = duckdb.connect(":memory:", config=config)
    if fs is not None:
        database.register_filesystem(fs)
    return database


def _about(engine: DuckDBPyConnection, path: str) -> About | None:
    """What a file says of itself; None where it cannot be read, or says nothing."""
    try:
        rows = engine.execute("SELECT key, value FROM parquet_kv_metadata(?)", [path]).fetchall()
        stamp = {bytes(key).decode(): bytes(value).decode() for key, value in rows}
        return About(datetime.fromisoformat(stamp["fetched_at"]), stamp["fingerprint"])
    except (duckdb.Error, KeyError, ValueError):
        return None


def _damaged(place: str, error: duckdb.Error) -> StoreDamaged:
    return StoreDamaged(f"a scan's file in {place} cannot be read", f"{error}"[:200], "remove it and scan again")
