"""Stored answers: JSON documents kept beside their input snapshots and found again without Dagster.

A stored answer is reused while a run would give the same one: same question and rules, made from the snapshots in
force, everything within its maximum age, and no open, close or midnight in New York since.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Any

from wheel_assets.cache.policy import Node, assess
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.errors import StoreError
from wheel_assets.market.calendar import event_between
from wheel_assets.tables import DOCUMENTS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Question:
    """The question of an answer: the asset, and the fields `asked` with their values."""

    asset: str
    asked: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Key of the stored document: a hash, because the question may contain an account number.

        The package's version is part of it: another one may say the same otherwise.
        """
        text = json.dumps([version("wheel_assets"), self.asked], sort_keys=True, default=str)
        return f"{self.asset}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def node(self, made_by: Node) -> Node:
        """Node of the document for `cache.policy`, derived from that of the asset that makes it."""
        return Node(
            DOCUMENTS.name, (self.key,), "key", made_by.upstream, made_by.max_age, made_by.fingerprint, made_by.optional
        )


def keep(
    store: Store,
    question: Question,
    made_by: Node,
    document: Mapping[str, Any],
    *,
    inputs: Collection[int],
    run_id: str,
) -> None:
    """Store an answer made from the snapshots `inputs`; a failure is only logged."""
    import pandas as pd

    now = store.clock()
    row = {"timestamp": now, "key": question.key, "document": json.dumps(document)}
    source = str(document["source"])
    entry = Entry(question.key, pd.DataFrame([row]), source, run_id, frozenset(inputs), made_by.fingerprint or "")
    try:
        store.put(DOCUMENTS.name, [entry])
    except StoreError as error:
        log.warning("the answer was not kept: %s", error)


def find(
    store: Store, question: Question, nodes: Sequence[Node], never_pulled: Collection[str] = ()
) -> dict[str, Any] | None:
    """The stored answer that a run would give now, with `from_cache` and `age_minutes`; None where there is none.

    `nodes` are the tables as a run would request them, inputs first, including that of the question's asset; stale
    tables of `never_pulled` do not matter.
    """
    made_by = next(node for node in nodes if node.table == question.asset)
    upstream = [node for node in nodes if node.table != question.asset]
    asked = [*upstream, question.node(made_by)]
    index, _ = store.index([(node.table, key) for node in asked for key in node.keys])
    now = store.clock()
    results = assess(asked, [*made_by.upstream, DOCUMENTS.name], index, now=now)
    found = results[DOCUMENTS.name, question.key]
    if (
        found.snapshot is None
        or found.age is None
        or not all(result.served or result.table in never_pulled for result in results.values())
    ):
        return None
    if event_between(_aware(found.snapshot.created_at), _aware(now)):
        return None
    document = _document(store, found.snapshot.snapshot_id)
    store.touch([result.snapshot for result in results.values() if result.served and result.snapshot])
    return None if document is None else _as_of_now(document, found.age, now)


def _document(store: Store, snapshot_id: int) -> dict[str, Any] | None:
    """The stored document; read without a frame, because importing pandas takes longer than everything else."""
    query = f"SELECT document FROM {DOCUMENTS.name} WHERE snapshot_id = ?"
    with store.file.attached() as connection:
        row = connection.execute(query, [snapshot_id]).fetchone()
    return None if row is None else dict(json.loads(row[0]))


def _as_of_now(document: dict[str, Any], age: timedelta, now: datetime) -> dict[str, Any]:
    """The document with current ages, from the times in it: a restore gives snapshots other ids."""
    for read in document["inputs"]:
        since = now - datetime.fromisoformat(read["created_at"]).replace(tzinfo=None)
        read |= {"age_minutes": _minutes(since), "outcome": "cache_hit", "reason": "fresh"}
    return document | {"from_cache": True, "age_minutes": _minutes(age)}


def _minutes(time: timedelta) -> float:
    return round(time.total_seconds() / 60, 2)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
