"""The answer to a question, kept as a document beside what it was made of, and found again without Dagster.

A stored answer is shown again while it is what a run would say: it answers the same question with the same rules,
it was made of the snapshots that are in force, all of them and itself are younger than their limits, and the
market has not opened, closed or begun another day since.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from wheel_assets.cache.policy import Node, assess
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.errors import StoreError
from wheel_assets.market.calendar import event_between
from wheel_assets.tables import DOCUMENTS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Question:
    """What an answer answers: `asset` for `asked`, fields and their values."""

    asset: str
    asked: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The key it is kept under; what was asked is not told by it, for it may hold an account's number."""
        text = json.dumps(self.asked, sort_keys=True, default=str)
        return f"{self.asset}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def node(self, made_by: Node) -> Node:
        """The document as `cache.policy` judges it, by the asset that makes it."""
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
    """Keep an answer that was made of the snapshots `inputs`; the log tells where that cannot be done."""
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

    `nodes` are the tables as a run would ask for them, inputs first, with that of the question's asset;
    a run would do without those `never_pulled` that are stale.
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
    """The text is read without a frame: pandas takes longer to import than all the rest."""
    query = f"SELECT document FROM {DOCUMENTS.name} WHERE snapshot_id = ?"
    with store.file.attached() as connection:
        row = connection.execute(query, [snapshot_id]).fetchone()
    return None if row is None else dict(json.loads(row[0]))


def _as_of_now(document: dict[str, Any], age: timedelta, now: datetime) -> dict[str, Any]:
    """The document with the ages of this moment; by its own times, for a restore gives snapshots other ids."""
    for read in document["inputs"]:
        since = now - datetime.fromisoformat(read["created_at"]).replace(tzinfo=None)
        read |= {"age_minutes": _minutes(since), "outcome": "cache_hit", "reason": "fresh"}
    return document | {"from_cache": True, "age_minutes": _minutes(age)}


def _minutes(time: timedelta) -> float:
    return round(time.total_seconds() / 60, 2)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
