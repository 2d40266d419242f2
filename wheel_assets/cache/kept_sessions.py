"""Sessions of the exchange kept in a folder: to compute them takes 0.15 s of every command."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wheel_assets.market.calendar import SessionList, list_sessions_by, listed_sessions

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DIGEST = hashlib.sha256().digest_size


def keep_sessions_in(folder: Path) -> None:
    """Take sessions from files in `folder`, written where they are missing."""
    list_sessions_by(kept(folder, listed_sessions))


def kept(folder: Path, listed: SessionList) -> SessionList:
    """`listed`, with its results in files of `folder`, by the version of `exchange_calendars` and the years.

    A file that is damaged is not used; where none can be written, nothing is kept.
    """

    def sessions(first_year: int, last_year: int) -> NDArray[np.int64]:
        path = folder / f"sessions-{version('exchange_calendars')}-{first_year}-{last_year}.bin"
        with suppress(OSError):
            digest, content = (whole := path.read_bytes())[:_DIGEST], whole[_DIGEST:]
            if hashlib.sha256(content).digest() == digest:
                return np.frombuffer(content, dtype=np.int64).reshape(-1, 3)
        found = listed(first_year, last_year)
        content = found.astype(np.int64).tobytes()
        with suppress(OSError):  # a half-written file is a damaged one
            path.write_bytes(hashlib.sha256(content).digest() + content)
        return found

    return sessions
