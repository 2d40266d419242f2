"""An input that its asset can do without: used where it is there, never the reason of a pull."""

from __future__ import annotations

import pytest

from wheel_assets.cache.reading.one_line_errors import OneLineError

ALL_MADE = {"prices A": 1, "prices B": 1, "rates": 1, "values A": 1, "values B": 1, "report": 1}


@pytest.fixture
def toy(toy_with_history):
    return toy_with_history


def inputs_of(toy, symbol: str) -> set[str]:
    """The tables that the newest values of a symbol were made of."""
    index, _ = toy.store.index([(name, key) for name in toy.store.tables for key in (symbol, "all")])
    newest = next(snapshot for snapshot in index if snapshot.table == "values_")
    return {snapshot.table for snapshot in index if snapshot.snapshot_id in newest.inputs}


@pytest.mark.parametrize("target", ["report", "values_"])
def test_where_it_is_not_there_all_is_made_without(toy, target):
    toy.run(target)
    assert toy.made["values A"] == toy.made["values B"] == 1
    assert not {name for name in toy.made if name.startswith("history")}
    assert inputs_of(toy, "A") == {"prices", "rates"}
    frame = toy.seen["history"].frame
    assert (len(frame), "number" in frame) == (0, True)


@pytest.mark.parametrize("target", ["report", "values_"])
def test_where_it_is_there_it_is_used(toy, target):
    toy.run("history")
    toy.run(target)
    assert list(toy.seen["history"].frame["number"]) == [1000.0, 1000.0]
    assert inputs_of(toy, "A") == {"prices", "rates", "history"}


@pytest.mark.parametrize("target", ["report", "values_"])
def test_one_that_is_too_old_is_not_used(toy, target):
    toy.run("history")
    toy.clock.pass_minutes(1441)
    toy.run(target)
    assert list(toy.seen["history"].frame["number"]) == []


def test_one_symbol_without_it_keeps_its_place(toy):
    toy.broken = {"history B": "no history of B"}
    toy.run("history")
    toy.run("report")
    assert list(toy.seen["values_"].frame["number"]) == [1000.5, 0.5]
    assert inputs_of(toy, "A") == {"prices", "rates", "history"}
    assert inputs_of(toy, "B") == {"prices", "rates"}


def test_what_was_made_without_it_stays_fresh_when_it_comes(toy):
    toy.run("report")
    toy.run("history")
    toy.run("report")
    assert dict(toy.made) == {"report": 1}


def test_what_was_made_with_the_older_one_is_stale_when_a_newer_comes(toy):
    toy.run("history")
    toy.run("report")
    toy.run("history")
    toy.run("report")
    assert dict(toy.made) == {"values A": 1, "values B": 1, "report": 1}


def test_forced_with_all_else_it_is_made_and_used(toy):
    toy.run("prices", "rates", "history", "values_", "report")
    assert dict(toy.made) == ALL_MADE | {"history A": 1, "history B": 1}
    assert all(line.endswith("reason=forced") for line in toy.log())
    assert list(toy.seen["values_"].frame["number"]) == [1000.5, 1000.5]


def test_a_symbol_that_fails_when_forced_keeps_its_own_reason_to_the_end(toy):
    toy.broken = {"B": "no prices of B"}
    toy.run("prices", "rates", "history", "values_", "report")
    assert toy.seen["values_"].not_fetched == {"B": "no prices of B"}


def test_where_all_fails_the_words_are_those_of_what_is_needed(toy):
    toy.broken = {"rates": "the rate is secret"}
    with pytest.raises(OneLineError, match="the rate is secret"):
        toy.run("report")


def test_its_read_is_logged_only_where_it_is_there(toy):
    toy.run("values_")
    assert not [line for line in toy.log() if "table=history" in line]
    toy.run("history")
    toy.run("values_")
    assert sum("cache_hit table=history" in line for line in toy.log()) == 2


@pytest.fixture
def pulling(toy):
    """The same graph, in which the optional input is pulled where it is stale."""
    toy.pulled = True
    return toy


def test_one_that_is_pulled_is_made_with_what_uses_it_and_not_again_while_it_is_fresh(pulling):
    pulling.run("values_")
    assert pulling.made["history A"] == pulling.made["history B"] == 1
    assert list(pulling.seen["history"].frame["number"]) == [1000.0, 1000.0]
    pulling.run("values_")
    assert dict(pulling.made) == {"values A": 1, "values B": 1}


def test_one_that_is_pulled_and_fails_costs_nothing_but_itself(pulling):
    pulling.broken = {"history A": "the calendar is down", "history B": "the calendar is down"}
    pulling.run("values_")
    assert inputs_of(pulling, "A") == {"prices", "rates"}
    assert pulling.seen["history"].not_fetched == dict.fromkeys("AB", "history failed; the calendar is down")


def test_one_symbol_without_it_is_reported_by_that_input_alone(pulling):
    pulling.broken = {"history B": "no history of B"}
    pulling.run("values_")
    assert pulling.seen["history"].not_fetched == {"B": "no history of B"}
    pulling.run("report")
    assert pulling.seen["values_"].not_fetched == {}
