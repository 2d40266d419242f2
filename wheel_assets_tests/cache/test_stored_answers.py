"""A stored answer is shown again while a run would say the same, and not a moment longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from wheel_assets.cache import stored_answers
from wheel_assets.cache.archive.backup import backup
from wheel_assets.cache.archive.restore import restore
from wheel_assets.cache.policy import WHOLE, Node
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.cache.stored_answers import Question, find, keep
from wheel_assets.market.calendar import event_between

ASKED = Question("recommendation", {"symbols": ["A"]})


def nodes(rules: str = "1|", vendor: str = "1|v") -> list[Node]:
    chain = Node("option_chains", ("A",), "symbol", (), timedelta(minutes=15), vendor)
    return [chain, Node("recommendation", (WHOLE,), None, ("option_chains",), timedelta(minutes=15), rules)]


@pytest.fixture
def store(tmp_path, clock) -> Store:
    return Store(tmp_path / "cache.duckdb", clock=clock)


@pytest.fixture
def fetch(store, make_frame):
    """Store the chain that the answer is made of."""
    table = store.tables["option_chains"]
    return lambda: store.put(table.name, [Entry("A", make_frame(table), "v", fingerprint="1|v")])[0]


@pytest.fixture
def answered(store, fetch) -> Store:
    made_of = fetch().snapshot_id
    read = {"snapshot_id": made_of, "created_at": store.clock().isoformat(), "age_minutes": 0.0, "reason": "absent"}
    keep(store, ASKED, nodes()[-1], {"source": "v", "advice": [1.5], "inputs": [read]}, inputs=[made_of], run_id="run")
    return store


def test_with_nothing_changed_it_is_shown_with_the_ages_of_now(answered, clock):
    clock.pass_minutes(3)
    document = find(answered, ASKED, nodes())
    assert (document["advice"], document["from_cache"], document["age_minutes"]) == ([1.5], True, 3.0)
    assert [(read["age_minutes"], read["outcome"]) for read in document["inputs"]] == [(3.0, "cache_hit")]


def test_another_version_of_the_package_answers_anew(answered, monkeypatch):
    monkeypatch.setattr(stored_answers, "version", lambda package: "0.0.1")
    assert find(answered, ASKED, nodes()) is None


def test_a_new_process_finds_it_without_a_frame(answered, clock):
    again = Store(answered.path, clock=clock)
    assert find(again, ASKED, nodes()) is not None


def test_it_is_shown_from_a_restored_cache_where_snapshots_have_other_ids(answered, clock, tmp_path):
    backup(answered, str(tmp_path / "archive"))
    restored = Store(tmp_path / "other" / "cache.duckdb", clock=clock)
    restore(restored, str(tmp_path / "archive"))
    document = find(restored, ASKED, nodes())
    assert document is not None
    assert document["inputs"][0]["age_minutes"] == 0.0


CHANGES = {
    "another question": (Question("recommendation", {"symbols": ["B"]}), nodes()),
    "other rules": (ASKED, nodes(rules="2|")),
    "another vendor": (ASKED, nodes(vendor="1|w")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_asked_or_set_otherwise_is_no_answer(answered, change):
    assert find(answered, *CHANGES[change]) is None


@pytest.mark.parametrize("minutes", [16, -5])
def test_an_old_answer_is_none(answered, clock, minutes):
    clock.pass_minutes(minutes)
    assert find(answered, ASKED, nodes()) is None


def test_a_superseded_input_makes_it_none(answered, fetch):
    fetch()
    assert find(answered, ASKED, nodes()) is None


@pytest.mark.parametrize("opens", [datetime(2026, 11, 23, 14, 29), datetime(2026, 11, 23, 20, 59)])
def test_an_answer_from_before_the_open_or_the_close_is_none_after_it(store, fetch, clock, opens):
    clock.now = opens
    keep(store, ASKED, nodes()[-1], {"source": "v", "inputs": []}, inputs=[fetch().snapshot_id], run_id="run")
    clock.pass_minutes(2)
    assert find(store, ASKED, nodes()) is None


@pytest.mark.parametrize(
    ("earlier", "later", "between"),
    [("15:00", "17:59", False), ("17:59", "18:00", True), ("21:00", "21:15", True), ("21:16", "23:59", False)],
)
def test_events_of_a_winter_day_in_utc(earlier, later, between):
    times = [datetime.fromisoformat(f"2026-11-23 {moment}").replace(tzinfo=UTC) for moment in (earlier, later)]
    assert event_between(*times) is between


def test_midnight_in_new_york_is_an_event():
    assert event_between(datetime(2026, 11, 24, 4, 59, tzinfo=UTC), datetime(2026, 11, 24, 5, 0, tzinfo=UTC))
