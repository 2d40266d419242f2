"""A cache that lives in archives: put back before a run, archived after it, by however many at once.

Each archive names those that it was made from. Two runs at once leave two that do not name each other; the next run
puts both back, and names both. So no archive is ever written over, and no lock is needed, which buckets do not have.
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

NEWEST = 100  # archives looked at; an older one was put back by the run after it


def heads(place: str) -> list[str]:
    """The names of the archives there that no other was made from, oldest first."""
    found = manifests(place, NEWEST)
    made_from = {parent for manifest in found.values() for parent in _parents(manifest)}
    return [name for name in found if name not in made_from]


@contextmanager
def kept_in(place: str, store: Store) -> Iterator[None]:
    """Put back what lies in `place` before the block, and archive everything after it, also where it failed.

    What a failed run fetched was paid for. A damaged archive is told of and left alone.
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
        return []  # a damaged one is found out when it is put back
