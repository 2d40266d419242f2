"""An input that its asset can do without: pulled like any other, missed by nobody."""

from __future__ import annotations

import dagster as dg
import pytest

from wheel_assets.cache.sentence import OneSentence

ALL_MADE = {"prices A": 1, "prices B": 1, "rates": 1, "values A": 1, "values B": 1, "report": 1}
HISTORIES = {"history A": 1, "history B": 1}


@pytest.fixture()
def toy(toy_with_history):
    return toy_with_history


def inputs_of(toy, symbol: str) -> set[str]:
    """The tables that the newest values of a symbol were made of."""
    index, _ = toy.store.index([(name, key) for name in toy.store.tables for key in (symbol, "all")])
    newest = next(snapshot for snapshot in index if snapshot.table == "values_")
    return {snapshot.table for snapshot in index if snapshot.snapshot_id in newest.inputs}


def test_it_is_pulled_with_the_others_and_used(toy):
    toy.run("report")
    assert dict(toy.made) == ALL_MADE | HISTORIES
    assert list(toy.seen["values_"]["number"]) == [1000.5, 1000.5]
    assert inputs_of(toy, "A") == {"prices", "rates", "history"}


def test_while_it_is_fresh_it_is_not_pulled_again(toy):
    toy.run("report")
    toy.clock.pass_minutes(61)
    toy.run("report")
    assert dict(toy.made) == ALL_MADE


@pytest.mark.parametrize("target", ["report", "values_"])
def test_where_none_can_be_had_all_else_is_made_without(toy, target):
    toy.broken = {"history A": "no history of A", "history B": "no history of B"}
    assert toy.run(target).success
    assert {name: count for name, count in toy.made.items() if name.startswith("values")} == {
        "values A": 1,
        "values B": 1,
    }
    assert inputs_of(toy, "A") == {"prices", "rates"}
    assert list(toy.seen["history"]["symbol"]) == []
    assert "number" in toy.seen["history"]


def test_what_was_made_without_is_fresh_and_nobody_asks_again(toy):
    toy.broken = {"history A": "none", "history B": "none"}
    toy.run("report")
    toy.run("report")
    assert dict(toy.made) == {"report": 1}


def test_one_symbol_without_it_keeps_its_place(toy):
    toy.broken = {"history B": "no history of B"}
    toy.run("report")
    assert toy.made["values B"] == 1
    assert list(toy.seen["values_"]["number"]) == [1000.5, 0.5]
    assert inputs_of(toy, "A") == {"prices", "rates", "history"}
    assert inputs_of(toy, "B") == {"prices", "rates"}


def test_a_newer_one_makes_what_used_the_older_stale(toy):
    toy.run("report")
    toy.run("history")
    toy.run("report")
    assert dict(toy.made) == {"values A": 1, "values B": 1, "report": 1}


def test_in_a_forced_run_a_symbol_without_it_does_not_get_the_older_one(toy):
    toy.run("report")
    toy.broken = {"history B": "no history of B"}
    toy.run("prices", "rates", "history", "values_", "report")
    assert list(toy.seen["history"]["symbol"]) == ["A"]
    assert list(toy.seen["values_"]["symbol"]) == ["A", "B"]


def test_a_failure_of_what_is_needed_is_still_told_in_its_own_words(toy):
    toy.broken = {"history A": "no history", "history B": "no history", "rates": "the rate is secret"}
    with pytest.raises(OneSentence, match="the rate is secret"):
        toy.run("report")


def test_allow_stale_takes_the_older_one(toy):
    toy.run("report")
    toy.clock.pass_minutes(1500)
    toy.broken = {"history A": "none", "history B": "none"}
    toy.run("report", config={"allow_stale": 2000})
    assert list(toy.seen["values_"]["number"]) == [1000.5, 1000.5]


def test_the_run_that_could_do_without_is_seen_to_have_failed_only_there(toy):
    toy.broken = {"history A": "none", "history B": "none"}
    result = toy.run("report")
    children = toy.instance.get_runs(dg.RunsFilter(tags={"wheel/pulled_by": result.run_id}))
    assert sorted(child.status.value for child in children) == ["FAILURE", "SUCCESS"]
