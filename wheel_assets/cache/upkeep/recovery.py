"""Recovery: a broken file is set aside first, then its verifiable snapshots are copied to a new one.

In that order, so that a file which crashes DuckDB does so once: the next run does not find it. Repairs
are made on a copy and never trusted: what is served afterwards was read from it, verified against the
index, snapshot by snapshot, and written to a new file.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from wheel_assets.cache.store import schema
from wheel_assets.cache.upkeep.copying import (
    copy_lists,
    copy_snapshots,
    file_size,
    remove,
    replacement,
    slices,
    sync,
    verified_snapshots,
    warn_lost,
    with_log,
)
from wheel_assets.cache.upkeep.progress import progress_bar
from wheel_assets.cache.upkeep.snapshot_index import IndexRow, index_rows, next_id
from wheel_assets.errors import StoreError
from wheel_assets.tables import Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MAX_REPAIRS = 8  # of one file
KEPT_ASIDE = 2  # newest broken files that stay
HEADER_BYTES = 4_096
FIRST_BLOCK = 3 * HEADER_BYTES  # before that come the headers: the main one and two alternating ones
_CHECKSUM = re.compile(
    r"computed checksum (?P<computed>\d+) does not match stored checksum (?P<stored>\d+) "
    r"in block at location (?P<at>\d+)"
)
_POSITION_IN_LOG = re.compile(r"entry at byte position (\d+)")

log = logging.getLogger(__name__)


def set_aside(path: Path, now: datetime, why: str = "corrupt") -> Path:
    """Rename a file and its log to a dated name and return it; only the newest KEPT_ASIDE broken files are kept."""
    aside = path.with_name(f"{path.name}.{why}-{now:%Y%m%dT%H%M%S%f}")
    for old, new in zip(with_log(path), with_log(aside), strict=True):
        if old.exists():
            os.replace(old, new)
    sync(path.parent)
    for older in broken_files(path)[:-KEPT_ASIDE]:
        remove(older)
    return aside


def broken_files(path: Path) -> list[Path]:
    """The broken files that were set aside for the cache at `path`, oldest first."""
    return sorted(path.parent.glob(f"{path.name}.corrupt-*[0-9]"))


def remove_broken(path: Path, most_bytes: float) -> None:
    """Remove broken files that were set aside, oldest first, until those left take `most_bytes` at most."""
    sizes = {file: file_size(file) for file in broken_files(path)}
    for file, size in list(sizes.items()):
        if sum(sizes.values()) <= most_bytes:
            return
        remove(file)
        log.warning("%s, %.1f MB that were set aside, is removed to stay within the size limit", file, size / 1e6)
        del sizes[file]


def recover(connection: DuckDBPyConnection, aside: Path, path: Path, tables: Sequence[Table]) -> int | None:
    """Recover the verifiable snapshots of a broken file to `path`; return their number, None if none was readable."""
    scratch = path.with_name(f"{path.name}.recover")
    remove(scratch)
    try:
        for original, copy in zip(with_log(aside), with_log(scratch), strict=True):
            if original.exists():
                shutil.copy(original, copy)
        if not _attached(connection, scratch):
            return None
        try:
            connection.execute("USE cache")
            return len(_salvage(connection, path, tables))
        finally:
            connection.execute("USE memory")
            connection.execute("DETACH cache")
    except (duckdb.Error, StoreError, OSError) as error:
        log.warning("%s could not be recovered (%s)", aside, error)
        return None
    finally:
        remove(scratch)


def _salvage(connection: DuckDBPyConnection, path: Path, tables: Sequence[Table]) -> list[int]:
    """Copy what can be read and verified of the broken database `cache` to a new file at `path`; the ids kept."""
    lines = _salvaged(connection)
    with (
        replacement(connection, path, tables, next_id(connection, [line.snapshot_id for line in lines])),
        progress_bar("mending the cache", sum(line.rows for line in lines)) as advance,
    ):
        schema.adopt(connection, "cache", "new")
        kept: list[int] = []
        for table in schema.data_tables(connection):
            for piece in slices([line for line in lines if line.table == table]):
                copy_snapshots(connection, table, piece, tolerant=True)
                kept += verified_snapshots(connection, table, piece, tolerant=True)
                advance(sum(line.rows for line in piece))
        copy_lists(connection, sorted(kept), tolerant=True)
    warn_lost(len(lines) - len(kept), len(lines))
    return kept


def _salvaged(connection: DuckDBPyConnection) -> list[IndexRow]:
    try:
        return index_rows(connection)
    except duckdb.Error as error:
        log.warning("the index of the cache is lost (%s)", error)
        return []


def _attached(connection: DuckDBPyConnection, scratch: Path) -> bool:
    """Attach a broken copy as `cache`, repairing it where DuckDB's error names the broken part."""
    for _ in range(MAX_REPAIRS):
        try:
            connection.execute("ATTACH ? AS cache", [str(scratch)])
            return True
        except duckdb.Error as error:
            if not (_mend_head(connection, scratch, str(error)) or _mend(scratch, str(error))):
                return False
    return False


def _mend_head(connection: DuckDBPyConnection, scratch: Path, text: str) -> bool:
    """Replace a damaged header by an intact one; False where the headers are not damaged.

    The main header is the same in all files of one DuckDB version. Of the two that follow, each describes a checkpoint:
    where one is damaged, the other points to the same blocks or to those of the previous checkpoint.
    """
    found = _CHECKSUM.search(text)
    at = int(found["at"]) if found else 0 if "not a valid DuckDB database file" in text else FIRST_BLOCK
    if at >= FIRST_BLOCK:
        return False
    with scratch.open("r+b") as handle:
        if at == 0:
            sound = _main_header(connection, scratch.with_name(f"{scratch.name}.head"))
        else:
            handle.seek(3 * HEADER_BYTES - at)  # the other one
            sound = handle.read(HEADER_BYTES)
        handle.seek(at)
        if len(sound) < HEADER_BYTES or handle.read(HEADER_BYTES) == sound:
            return False
        handle.seek(at)
        handle.write(sound)
    return True


def _main_header(connection: DuckDBPyConnection, fresh: Path) -> bytes:
    """The first header of a new file."""
    remove(fresh)
    try:
        connection.execute("ATTACH ? AS fresh", [str(fresh)])
        connection.execute("CREATE TABLE fresh.t (i INTEGER)")
        connection.execute("CHECKPOINT fresh")
        connection.execute("DETACH fresh")
        return fresh.read_bytes()[:HEADER_BYTES]
    finally:
        remove(fresh)


def _mend(scratch: Path, text: str) -> bool:
    """Repair one damaged part; False where it cannot be repaired.

    A log that does not fit is cut before its first bad entry, or dropped. A block whose checksum is
    wrong gets a recomputed one: a kill within a checkpoint tears a block of metadata whose live parts are
    the same before and after, so that only its checksum is wrong.
    """
    file, write_ahead_log = with_log(scratch)
    if "WAL" in text:
        return _cut(write_ahead_log, _POSITION_IN_LOG.search(text))
    found = _CHECKSUM.search(text)
    if not found or int(found["at"]) < FIRST_BLOCK:
        return False
    with file.open("r+b") as handle:
        handle.seek(int(found["at"]))
        if handle.read(8) != int(found["stored"]).to_bytes(8, "little"):
            return False
        handle.seek(int(found["at"]))
        handle.write(int(found["computed"]).to_bytes(8, "little"))
    return True


def _cut(write_ahead_log: Path, position: re.Match[str] | None) -> bool:
    """Cut a log at a bad entry, or drop it where that is not known or helped nothing before."""
    if not write_ahead_log.exists():
        return False
    if position and 0 < int(position[1]) < write_ahead_log.stat().st_size:
        os.truncate(write_ahead_log, int(position[1]))
    else:
        write_ahead_log.unlink()
    return True
