"""The ledger: what costs money is on disk at once, the rest when a source is done."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.ledger import Ledger, ledger_of
from wheel_assets.errors import BudgetExceeded, StoreUnwritable


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


@pytest.fixture
def another(toy_store, clock):
    """The ledger of another process over the same file."""
    return Ledger(Store(toy_store.path, tuple(toy_store.tables.values()), clock))


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


def spent(ledger):
    """What the budget counts as spent, as its refusal tells."""
    with pytest.raises(BudgetExceeded) as raised, ledger.reserve("databento", "SMCI", 1e6, 1.0):
        pass
    return float(re.search(r"\$([\d.]+) of this month's \$1.00 are spent", str(raised.value))[1])


def test_a_month_begins_on_its_first_day_in_utc(ledger, clock):
    clock.now = datetime(2026, 12, 2, 0, 30)
    for at in (datetime(2026, 11, 30, 23, 59, 59), datetime(2026, 12, 1), datetime(2026, 12, 2)):
        ledger.record(Request(at, cost_usd=1.0))
    assert spent(ledger) == 2.0


def test_what_other_processes_spent_counts(ledger, another, clock):
    another.record(Request(clock(), cost_usd=3.0))
    assert spent(ledger) == 3.0


@pytest.mark.parametrize(("limit", "refused"), [(0.75, False), (0.7499, True)])
def test_what_others_hold_counts(ledger, another, limit, refused):
    with another.reserve("databento", "A", 0.5, limit):
        if refused:
            with pytest.raises(BudgetExceeded), ledger.reserve("databento", "B", 0.25, limit):
                pass
        else:
            with ledger.reserve("databento", "B", 0.25, limit):
                assert spent(ledger) == 0.75


def test_what_is_refused_leaves_nothing(ledger, toy_store):
    words = r"SMCI from Databento would cost \$2.0000; \$0.00 of this month's \$1.00"
    with pytest.raises(BudgetExceeded, match=words), ledger.reserve("databento", "SMCI", 2.0, 1.0):
        pass
    assert written(toy_store) == []


def test_calls_are_paid_out_of_the_reservation(ledger, toy_store, clock):
    with ledger.reserve("databento", "SMCI", 0.5, 1.0):
        ledger.record(Request(clock(), cost_usd=0.2))
        ledger.record(Request(clock(), cost_usd=0.1, key="PLTR"))
        assert sorted(written(toy_store)) == pytest.approx([0.1, 0.2, 0.3])
        assert spent(ledger) == 0.6
    assert sorted(written(toy_store)) == [0.1, 0.2]


def test_a_nested_reservation_pays_first(ledger, toy_store, clock):
    with ledger.reserve("databento", "SMCI", 0.5, 1.0):
        with ledger.reserve("databento", "SMCI", 0.2, 1.0):
            ledger.record(Request(clock(), cost_usd=0.2))
        assert sorted(written(toy_store)) == [0.2, 0.5]
    assert written(toy_store) == [0.2]


def test_a_reservation_that_is_not_settled_is_spent(ledger, toy_store, clock):
    held = ledger.reserve("databento", "SMCI", 0.5, 1.0)
    held.__enter__()  # and the process is gone
    with toy_store.file.attached() as connection:
        row = connection.execute("SELECT source, endpoint, status, key, left(error, 15) FROM api_calls").fetchall()
    assert row == [("databento", "(reservation)", None, "SMCI", "not settled yet")]
    assert spent(Ledger(toy_store)) == 0.5


def test_money_whose_trace_cannot_be_kept_stops_the_run_and_still_counts(ledger, toy_store, clock, monkeypatch):
    def full(*_):
        raise StoreUnwritable("the cache cannot be written", "the disk is full", "free some space")

    with monkeypatch.context() as disk:
        disk.setattr(toy_store, "record_calls", full)
        with pytest.raises(StoreUnwritable):
            ledger.record(Request(clock(), cost_usd=0.5))
        with pytest.raises(StoreUnwritable), ledger.reserve("databento", "SMCI", 0.1, 1.0):
            pass
    assert spent(ledger) == 0.5


@pytest.mark.slow
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from(["reserve", "pay", "end"]), st.integers(1, 9)), max_size=25
    )
)
def test_whatever_two_processes_do_the_budget_holds(tmp_path_factory, clock, toy_store, steps):
    """Against a till in the head: what is paid and what is held never pass the limit, and nothing is forgotten."""
    store = Store(tmp_path_factory.mktemp("till") / "toy.duckdb", tuple(toy_store.tables.values()), clock)
    ledgers, stacks, paid = (Ledger(store), Ledger(store)), ([], []), 0
    for who, what, dollars in steps:
        ledger, stack = ledgers[who], stacks[who]
        if what == "reserve":
            block = ledger.reserve("databento", f"{who}", dollars, 20.0)
            held = paid + sum(amount for each in stacks for _, amount in each)
            if held + dollars > 20:
                with pytest.raises(BudgetExceeded):
                    block.__enter__()
                continue
            block.__enter__()
            stack.append([block, dollars])
        elif stack and what == "pay":
            cost = min(dollars, stack[-1][1])
            ledger.record(Request(clock(), cost_usd=float(cost), key=f"{who}"))
            stack[-1][1] -= cost
            paid += cost
        elif stack:
            stack.pop()[0].__exit__(None, None, None)
        held = paid + sum(amount for each in stacks for _, amount in each)
        assert store.spent(datetime(2026, 11, 1)) == pytest.approx(held)
        assert held <= 20


def test_a_process_has_one_ledger_for_a_store(toy_store):
    assert ledger_of(toy_store) is ledger_of(toy_store)
