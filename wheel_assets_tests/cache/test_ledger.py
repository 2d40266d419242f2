"""The ledger: what costs money is on disk at once, the rest when a source is done."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from wheel_assets.cache.ledger import Ledger, ledger_of
from wheel_assets.cache.store import Store
from wheel_assets.errors import StoreUnwritable


@dataclass(frozen=True)
class Request:
    """A row of the ledger, as a source reports it."""

    at: datetime
    source: str = "vendor"
    endpoint: str = "/x"
    status: int | None = 200
    duration_ms: float = 1.0
    bytes: int | None = 10
    cost_usd: float = 0.0
    key: str | None = "SMCI"
    error: str | None = None


@pytest.fixture
def ledger(toy_store):
    return Ledger(toy_store)


def written(store):
    """What another process would read."""
    with Store(store.path, tuple(store.tables.values()), store.clock).file.attached() as connection:
        return [cost for (cost,) in connection.execute('SELECT cost_usd FROM api_calls ORDER BY "at"').fetchall()]


def test_a_free_call_waits_for_the_end(ledger, toy_store, clock):
    with ledger.kept():
        ledger.record(Request(clock()))
        assert written(toy_store) == []
    assert written(toy_store) == [0.0]


def test_a_paid_call_is_on_disk_before_its_answer_is_used(ledger, toy_store, clock):
    ledger.record(Request(clock()))
    ledger.record(Request(clock() + timedelta(seconds=1), cost_usd=0.25))
    assert written(toy_store) == [0.0, 0.25]


def test_every_call_is_written_once(ledger, toy_store, clock):
    with ledger.kept(), ledger.kept():
        ledger.record(Request(clock(), cost_usd=0.25))
        ledger.record(Request(clock() + timedelta(seconds=1)))
    assert written(toy_store) == [0.25, 0.0]


def test_a_source_that_fails_leaves_its_calls(ledger, toy_store, clock):
    with suppress(RuntimeError), ledger.kept():
        ledger.record(Request(clock()))
        raise RuntimeError
    assert written(toy_store) == [0.0]


def test_a_month_begins_on_its_first_day_in_utc(ledger, clock):
    clock.now = datetime(2026, 12, 2, 0, 30)
    for at in (datetime(2026, 11, 30, 23, 59, 59), datetime(2026, 12, 1), datetime(2026, 12, 2)):
        ledger.record(Request(at, cost_usd=1.0))
    assert ledger.spent_this_month() == 2.0


def test_what_other_processes_spent_counts(ledger, toy_store, clock):
    Ledger(Store(toy_store.path, tuple(toy_store.tables.values()), clock)).record(Request(clock(), cost_usd=3.0))
    assert ledger.spent_this_month() == 3.0


def test_money_whose_trace_cannot_be_kept_stops_the_run_and_still_counts(ledger, toy_store, clock, monkeypatch):
    def full(_):
        raise StoreUnwritable("the cache cannot be written", "the disk is full", "free some space")

    with monkeypatch.context() as disk:
        disk.setattr(toy_store, "record_calls", full)
        with pytest.raises(StoreUnwritable):
            ledger.record(Request(clock(), cost_usd=0.5))
    assert ledger.spent_this_month() == 0.5


def test_a_process_has_one_ledger_for_a_store(toy_store):
    assert ledger_of(toy_store) is ledger_of(toy_store)
