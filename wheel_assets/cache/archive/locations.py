"""Locations of archives: local folders, or buckets behind a URL.

An archive appears whole or not at all. In a folder it is written under a temporary name and renamed. A bucket has no
rename: there the manifest is uploaded last, and without a manifest it is no archive.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from wheel_assets.cache.upkeep.copying import sync
from wheel_assets.errors import StoreUnwritable, UsageError, WheelError

MANIFEST = "manifest.json"
PROTOCOLS = ("gs", "s3")  # beside local folders
NAME = "wheel-%Y%m%dT%H%M%SZ"
_ARCHIVES = f"wheel-[0-9]*T[0-9]*Z*/{MANIFEST}"  # after the time a mark, for two of the same second
_DATED = re.compile(r"(wheel-\d{8}T\d{6}Z)(-[0-9a-f]+)?", re.ASCII)
_PARTIAL = (".wheel-", ".partial")
_ABANDONED_SECONDS = 86_400  # age, seconds, from which the next backup removes what a killed one left behind


@contextmanager
def writing(destination: str, now: datetime, mark: str = "") -> Iterator[tuple[Path, str]]:
    """A new local folder and the place that it is moved to when the block succeeds: in `destination`, dated and marked.

    Raises StoreUnwritable, and UsageError for a URL of an unsupported protocol.
    """
    name = now.strftime(NAME) + (f"-{mark}" if mark else "")
    if "://" in destination:
        fs, path = remote(destination)
        with tempfile.TemporaryDirectory() as local, _as_unwritable(destination):
            yield Path(local), f"{destination.rstrip('/')}/{name}"
            _send(fs, Path(local), f"{path.rstrip('/')}/{name}")
        return
    final = Path(destination).expanduser() / name
    with _as_unwritable(destination):
        final.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(final.parent)
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL[0], suffix=_PARTIAL[1], dir=final.parent))
        try:
            yield partial, str(final)
            # On the disk before the rename: after a power cut a name must not stand for empty files.
            _sync_all(partial)
            os.rename(partial, final)
            sync(final.parent)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def reading(source: str) -> Iterator[Path]:
    """A local folder with the archive at `source`, or with the newest archive in it.

    Raises UsageError where there is none.
    """
    if "://" not in source:
        yield _newest_here(Path(source).expanduser())
        return
    fs, path = remote(source)
    with tempfile.TemporaryDirectory() as local:
        try:
            fs.get(f"{_newest_there(fs, path, source)}/", f"{local}/archive/", recursive=True)
        except OSError as error:
            remedy = "check the address, the network and your rights there"
            raise UsageError(f"the archive at {source} cannot be read", f"{error}", remedy) from error
        yield Path(local) / "archive"


def manifests(source: str, most: int) -> dict[str, bytes]:
    """Manifests of the `most` newest archives in a place, by name of the archive."""
    if "://" in source:
        fs, path = remote(source)
        found = sorted(fs.glob(f"{path.rstrip('/')}/{_ARCHIVES}"))[-most:]
        return {Path(each).parent.name: fs.cat_file(each) for each in found}
    here = sorted(Path(source).expanduser().glob(_ARCHIVES))[-most:]
    return {each.parent.name: each.read_bytes() for each in here}


def newest_time(source: str) -> datetime | None:
    """Time (naive UTC) of the newest archive in a place, from its name; None where there is none.

    Raises StoreUnwritable where the place cannot be listed.
    """
    with _as_unwritable(source):
        if "://" in source:
            fs, path = remote(source)
            found = [Path(each).parent for each in fs.glob(f"{path.rstrip('/')}/{_ARCHIVES}")]
        else:
            found = [path.parent for path in Path(source).expanduser().glob(_ARCHIVES)]
    dated = [match[1] for path in found if (match := _DATED.fullmatch(path.name))]
    return max((datetime.strptime(name, NAME) for name in dated), default=None)


def _newest_here(folder: Path) -> Path:
    if (folder / MANIFEST).is_file():
        return folder
    found = sorted(path.parent for path in folder.glob(_ARCHIVES))
    if not found:
        raise _no_archive(str(folder))
    return found[-1]


def _newest_there(fs: Any, path: str, source: str) -> str:
    path = path.rstrip("/")
    if fs.exists(f"{path}/{MANIFEST}"):
        return path
    found = sorted(fs.glob(f"{path}/{_ARCHIVES}"))
    if not found:
        raise _no_archive(source)
    return str(found[-1]).removesuffix(f"/{MANIFEST}")


def _no_archive(source: str) -> UsageError:
    return UsageError(f"there is no archive in {source}", f"it has no {MANIFEST}", "`wheel backup DIR` writes one")


def remote(url: str) -> tuple[Any, str]:
    """The file system of a URL and the path in it; raises UsageError for all but PROTOCOLS.

    fsspec supports forty more, FTP and plain HTTP among them, and chains them by `::`.
    """
    if url.partition("://")[0] not in PROTOCOLS or "::" in url:
        raise UsageError(f"{url[:200]} is refused", "only folders, gs:// and s3:// are supported", "name one of these")
    try:
        from fsspec.core import url_to_fs

        fs, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise UsageError(f"{url} cannot be reached", f"{error}", "pip install 'wheel_assets[cloud]'") from error
    return fs, str(path)


def _send(fs: Any, local: Path, path: str) -> None:
    files = [file for file in sorted(local.rglob("*")) if file.is_file()]
    # The manifest last: until it is there the upload is no archive.
    for file in sorted(files, key=lambda file: file.name == MANIFEST):
        target = f"{path}/{file.relative_to(local).as_posix()}"
        fs.makedirs(target.rpartition("/")[0], exist_ok=True)
        fs.put_file(str(file), target)


def _sync_all(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        sync(path)


def _remove_abandoned(folder: Path) -> None:
    for path in folder.glob("*".join(_PARTIAL)):
        if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _as_unwritable(destination: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable_archive(destination, error.strerror or str(error)) from error
    except WheelError:
        raise
    except Exception as error:
        if "://" not in destination:
            raise
        # Each object store's library raises errors of its own: of authentication, of HTTP, of the vendor.
        raise unwritable_archive(destination, str(error)[:200]) from error


def unwritable_archive(destination: str, why: str) -> StoreUnwritable:
    """Error for an archive that cannot be written; it names the archive's disk, not the cache's."""
    remedy = "check the folder of the archive and the room left there"
    return StoreUnwritable(f"no archive could be written to {destination}", why, remedy)
