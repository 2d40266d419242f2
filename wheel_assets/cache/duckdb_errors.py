"""Errors of DuckDB and of the disk by their texts: damaged file, full disk, file in use by another program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from wheel_assets.errors import StoreBusy, StoreError, StoreTooNew, StoreUnwritable, UsageError, WheelError

_DAMAGE = ("not a valid DuckDB database file", "Could not read enough bytes", "Corrupt", "WAL file", "WAL does not")
# Reasons why a file cannot be written; the last ones are DuckDB's own, where it does not quote the system's.
_UNWRITABLE = (
    "No space left on device", "Disk quota exceeded", "Permission denied", "Read-only file system", "File too large",
    "Operation not permitted", "Input/output error", "Could not write", "Cannot open",
)  # fmt: skip


def is_damage(error: duckdb.Error) -> bool:
    """Whether the error says that the file itself is damaged, and not that the disk is full or the query wrong."""
    return any(sign in str(error) for sign in _DAMAGE) and why_unwritable(error) is None


def why_unwritable(error: Exception) -> str | None:
    """The system's short reason why a file cannot be written; None for any other error.

    >>> why_unwritable(duckdb.IOException('Could not write file "x": No space left on device'))
    'No space left on device'
    """
    return next((sign for sign in _UNWRITABLE if sign in str(error)), None)


@contextmanager
def as_store_errors(path: Path) -> Iterator[None]:
    """Raise errors of DuckDB and of the disk about the cache at `path` as StoreError."""
    try:
        yield
    except duckdb.Error as error:
        raise _store_error(path, error) from error
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: Exception) -> StoreUnwritable:
    """Error for a cache that cannot be written."""
    why = why_unwritable(error) or " ".join(str(error).split())[:200]
    return StoreUnwritable(f"the cache {path} cannot be written", why, "free some space or set WHEEL_CACHE__DIR")


def _store_error(path: Path, error: duckdb.Error) -> WheelError:
    """The error of ours for an error of DuckDB."""
    text = " ".join(str(error).split())
    if "options were not recognized" in text:
        return UsageError("connection_config is refused", text[:200], "name settings that DuckDB has")
    if "Could not set lock" in text:
        return StoreBusy(f"the cache {path} is open in another program", text[:200], "close that program")
    if "we can only read versions" in text:
        return StoreTooNew(f"the cache {path} was written by a newer DuckDB", text[:200], "update wheel_assets")
    if why_unwritable(error):
        return unwritable(path, error)
    return StoreError(f"DuckDB failed on the cache {path}", text[:300], "run again; if it persists, report it")
