"""The account's history: asked for from where it ended, kept where the broker has forgotten it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from wheel_assets.cache.upkeep.maintenance import Limits
from wheel_assets.definitions import defs
from wheel_assets.defs import resources
from wheel_assets.fetch.source import TransactionSource
from wheel_assets.fetch.transactions.frame import Transaction, transaction_frame
from wheel_assets.rows import Rows

START = datetime(2026, 6, 1, 15, tzinfo=UTC)


class Broker(TransactionSource):
    """A broker with a trade a day, that remembers the last `memory` days."""

    name = "broker"

    def __init__(self, memory: int = 60) -> None:
        self.days, self.memory, self.asked = 0, memory, []

    def transactions(self, account_id, since, now):
        self.asked.append(since)
        days = [START + timedelta(days=n) for n in range(max(0, self.days - self.memory), self.days)]
        trades = [Transaction(day, "trade", "U", quantity=1, amount=-1.0) for day in days if not since or day >= since]
        return Rows(transaction_frame(self.name, trades, account_id, now))


@pytest.fixture
def broker(monkeypatch):
    source = Broker()
    monkeypatch.setattr(resources, "transaction_source", lambda *_: source)
    return source


def materialize() -> list[tuple[str, datetime]]:
    """Kind and time of all that is in force afterwards."""
    defs.resolve_implicit_global_asset_job_def().execute_in_process(asset_selection=[dg.AssetKey("transactions")])
    store = resources.the_store()
    newest = store.index([("transactions", "default")])[0][0]
    return list(store.get("transactions", [newest.snapshot_id])[["kind", "executed_at"]].itertuples(index=False))


def test_only_what_is_new_and_the_last_days_are_asked_for(broker):
    broker.days = 30
    materialize()
    broker.days = 31
    assert len(materialize()) == 31
    assert broker.asked == [None, START + timedelta(days=29) - timedelta(days=10)]


def test_what_the_broker_forgot_is_kept(broker):
    broker.days, broker.memory = 20, 20
    materialize()
    broker.days, broker.memory = 25, 7
    assert [when for _, when in materialize()] == [
        (START + timedelta(days=n)).replace(tzinfo=None) for n in [*range(9), *range(18, 25)]
    ]


def test_nothing_is_an_answer_and_goes_when_something_happens(broker):
    assert [kind for kind, _ in materialize()] == ["none"]
    broker.days = 1
    assert [kind for kind, _ in materialize()] == ["trade"]


@pytest.mark.slow
def test_the_history_outlives_the_retention_time(broker):
    broker.days = 3
    materialize()
    materialize()
    store = resources.the_store()
    store.maintenance.limits = Limits(10**9, timedelta(0), timedelta(days=1))
    assert store.maintenance.cleanup().snapshots["transactions"] == 1
    assert len(materialize()) == 3
