"""Manifest of an archive: one JSON file with the rows, size and checksum of each file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wheel_assets.cache.archive.locations import MANIFEST
from wheel_assets.errors import ArchiveDamaged, StoreTooNew

FORMAT = 1
_FILE = re.compile(r"(?P<table>\w+)/\d+\.parquet", re.ASCII)


@dataclass(frozen=True)
class ArchivedFile:
    """One Parquet file of an archive."""

    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The files of an archive by their path in it, and when it was written (ISO, UTC).

    `parents` are the names of archives restored before it was written: it contains all of theirs, except what retention
    removed.
    """

    created_at: str
    files: dict[str, ArchivedFile]
    format: int = FORMAT
    parents: tuple[str, ...] = ()

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table."""
        tables = [path.partition("/")[0] for path in self.files]
        return {name: sum(self.files[path].rows for path in self.paths_of(name)) for name in dict.fromkeys(tables)}

    def paths_of(self, table: str) -> list[str]:
        """The files of one table, oldest snapshots first."""
        return sorted(path for path in self.files if path.startswith(f"{table}/"))

    def write(self, folder: Path) -> None:
        """Write the manifest into the folder of the archive."""
        document = {**asdict(self), "rows": self.rows}
        (folder / MANIFEST).write_text(json.dumps(document, indent=2) + "\n")


def archived_file(path: Path, rows: int) -> ArchivedFile:
    """Entry of a file: its rows, size in bytes and checksum."""
    with path.open("rb") as file:
        return ArchivedFile(rows, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def verified(folder: Path, tables: Collection[str]) -> Manifest:
    """The manifest of an archive, after every file has been checked against it.

    Raises StoreTooNew for a newer format, ArchiveDamaged for anything else that differs.
    """
    try:
        document = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError) as error:
        raise damaged(folder, f"its manifest cannot be read: {error}") from error
    manifest = _parsed(folder, document)
    for path, expected in manifest.files.items():
        match = _FILE.fullmatch(path)
        if not match or match["table"] not in tables:
            raise damaged(folder, f"{path} is no file of an archive")
        try:
            found = archived_file(folder / path, expected.rows)
        except OSError as error:
            raise damaged(folder, f"{path} cannot be read: {error}") from error
        if found != expected:
            raise damaged(folder, f"{path} is not the file that was written: its size or checksum differs")
    return manifest


def damaged(folder: Path, why: str) -> ArchiveDamaged:
    """The error for an archive that cannot be trusted."""
    return ArchiveDamaged(f"the archive {folder} is damaged", why, "nothing was restored; take another archive")


def _parsed(folder: Path, document: Any) -> Manifest:
    version = document.get("format") if isinstance(document, dict) else None
    if isinstance(version, int) and version > FORMAT:
        raise StoreTooNew(
            f"the archive {folder} is of format {version}",
            f"this program knows format {FORMAT}",
            "nothing was restored; update wheel_assets",
        )
    try:
        files = {path: ArchivedFile(**entry) for path, entry in document["files"].items()}
        manifest = Manifest(document["created_at"], files, version or 0)
        rows = document["rows"]
    except (KeyError, TypeError, AttributeError) as error:
        raise damaged(folder, f"its manifest lacks {error}") from error
    if version != FORMAT or manifest.rows != rows:
        raise damaged(folder, "its manifest contradicts itself")
    return manifest
