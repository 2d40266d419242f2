"""A cache kept in archives: restored before a run and backed up after it, also by concurrent runs.

Each archive names its parents, the archives that were restored before it was written. Two concurrent runs leave two
archives that do not name each other; the next run restores both and names both. So no archive is ever overwritten and
no lock is needed, which object stores do not have.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wheel_assets.cache.archive.backup import backup
from wheel_assets.cache.archive.locations import manifests
from wheel_assets.cache.archive.restore import restore
from wheel_assets.errors import ArchiveDamaged

if TYPE_CHECKING:
    from wheel_assets.cache.store.store import Store

log = logging.getLogger(__name__)

NEWEST = 100  # archives looked at; an older one was restored by the run after it


def heads(place: str) -> list[str]:
    """Names of the archives that are no other archive's parent, oldest first."""
    found = manifests(place, NEWEST)
    # An archive that was restored into a later one adds nothing to it.
    made_from = {parent for manifest in found.values() for parent in _parents(manifest)}
    return [name for name in found if name not in made_from]


@contextmanager
def kept_in(place: str, store: Store) -> Iterator[None]:
    """Restore the archives in `place` before the block, and write a new one after it, also where the block failed.

    A failed run is archived too, because what it fetched may have been paid for. A damaged archive is logged and left
    alone.
    """
    parents = []
    for name in heads(place):
        try:
            restore(store, f"{place.rstrip('/')}/{name}")
            parents.append(name)
        except ArchiveDamaged as error:
            log.warning("%s", error)
    try:
        yield
    finally:
        backup(store, place, parents=parents, mark=uuid.uuid4().hex[:8])


def _parents(manifest: bytes) -> list[str]:
    try:
        return list(json.loads(manifest).get("parents", ()))
    except (ValueError, AttributeError, TypeError):
        return []  # damage is found when it is restored
