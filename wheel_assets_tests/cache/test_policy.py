"""How old is too old and what is in force, on snapshots written by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.cache.policy import Node, Reason, Snapshot, assess, input_keys

NOW = datetime(2026, 11, 23, 15, 0)
CHAIN = Node("chain", ("A",), "symbol", max_age=timedelta(minutes=15))
GREEKS = Node("greeks", ("A",), "symbol", ("chain",), timedelta(minutes=15))
PREDICTIONS = Node("predictions", ("A",), "symbol", ("chain", "greeks"), timedelta(minutes=60))
GRAPH = (CHAIN, GREEKS, PREDICTIONS)


def made(number: int, table: str, minutes_ago: float, *inputs: int, **other: object) -> Snapshot:
    """A snapshot of symbol A."""
    at = NOW - timedelta(minutes=minutes_ago)
    values = {"source": "x", "run_id": "earlier", "fingerprint": ""} | other
    return Snapshot(number, table, "A", at, at, 1, inputs=frozenset(inputs), **values)


def reasons(index: list[Snapshot], asked: tuple[str, ...] = ("predictions",), **options: object) -> dict[str, str]:
    """The reason of each table that is asked for or has to be made."""
    results = assess(GRAPH, asked, index, now=NOW, **options)
    return {table: str(result.reason) for (table, _), result in results.items()}


FRESH = [made(1, "chain", 5), made(2, "greeks", 5, 1), made(3, "predictions", 5, 1, 2)]


def test_an_empty_cache_misses_everything_above_what_is_asked():
    assert reasons([]) == {"chain": "absent", "greeks": "absent", "predictions": "absent"}


def test_what_is_fresh_asks_nothing_of_its_ancestors():
    assert reasons(FRESH) == {"predictions": "fresh"}


@pytest.mark.parametrize(
    ("age", "reason"), [(0, "fresh"), (15, "fresh"), (15.01, "too_old"), (-0.5, "fresh"), (-5, "too_old")]
)
def test_the_limit_is_inclusive_and_the_future_is_not_young(age, reason):
    assert reasons([made(1, "chain", age)], ("chain",)) == {"chain": reason}


def test_a_newer_input_supersedes_what_was_made_of_the_older():
    assert reasons([*FRESH, made(4, "chain", 1)], ("greeks",)) == {"chain": "fresh", "greeks": "input_superseded"}


def test_a_late_result_of_an_older_input_does_not_hide_the_right_one():
    """Two runs at once: greeks 6, made of chain 1, were stored after greeks 5, made of chain 4."""
    index = [*FRESH, made(4, "chain", 2), made(5, "greeks", 2, 4), made(6, "greeks", 1, 1)]
    results = assess(GRAPH, ("chain", "greeks"), index, now=NOW)
    assert results["greeks", "A"].snapshot.snapshot_id == 5


def test_what_is_stale_asks_its_inputs_to_be_young():
    index = [made(1, "chain", 50), made(2, "greeks", 50, 1), made(3, "predictions", 70, 1, 2)]
    assert reasons(index) == {"chain": "too_old", "greeks": "input_superseded", "predictions": "input_superseded"}


def test_a_young_result_of_an_old_input_is_served_until_the_input_is_refreshed():
    index = [made(1, "chain", 50), made(2, "greeks", 50, 1), made(3, "predictions", 50, 1, 2)]
    assert reasons(index) == {"predictions": "fresh"}


def test_what_was_made_since_the_question_answers_it_even_with_a_limit_of_zero():
    nodes = (Node("chain", ("A",), "symbol", max_age=timedelta(0)),)
    index = [made(7, "chain", 0.1)]
    assert assess(nodes, ("chain",), index, now=NOW)["chain", "A"].reason is Reason.TOO_OLD
    assert assess(nodes, ("chain",), index, now=NOW, fresh_after=6)["chain", "A"].reason is Reason.FRESH


def test_a_run_reads_what_it_made_and_what_that_was_made_of():
    index = [made(1, "chain", 20), made(2, "greeks", 20, 1, run_id="me"), made(3, "chain", 1)]
    results = assess(GRAPH, ("chain", "greeks"), index, now=NOW, run_id="me")
    assert results["greeks", "A"].reason is Reason.FORCED
    assert results["chain", "A"].snapshot.snapshot_id == 1


def test_data_of_another_recipe_is_absent():
    assert reasons([made(1, "chain", 1, fingerprint="another vendor")], ("chain",)) == {"chain": "absent"}


def test_no_limit_means_any_age():
    nodes = (Node("chain", ("A",), "symbol"),)
    assert assess(nodes, ("chain",), [made(1, "chain", 1e6)], now=NOW)["chain", "A"].served


def test_inputs_share_the_key_or_are_taken_whole():
    chain, account = Node("chain", ("A", "B"), "symbol"), Node("positions", ("me",), "account_id")
    both = Node("advice", ("all",), None, ("chain", "positions"))
    greeks = Node("greeks", ("A", "B"), "symbol", ("chain", "positions"))
    nodes = {n.table: n for n in (chain, account, both, greeks)}
    assert input_keys(greeks, "B", nodes) == [("chain", "B"), ("positions", "me")]
    assert input_keys(both, "all", nodes) == [("chain", "A"), ("chain", "B"), ("positions", "me")]


HISTORY = Node("history", ("A",), "symbol", max_age=timedelta(days=1))
WITH_HISTORY = replace(PREDICTIONS, upstream=("chain", "history"), optional=frozenset({"history"}))


@pytest.mark.parametrize(
    ("index", "reason"),
    [
        ([made(1, "chain", 5), made(2, "predictions", 5, 1)], "fresh"),  # there was none
        ([made(1, "chain", 5), made(2, "history", 5), made(3, "predictions", 5, 1, 2)], "fresh"),
        ([made(1, "chain", 5), made(2, "predictions", 5, 1), made(3, "history", 1)], "fresh"),  # it came later
        ([made(1, "chain", 5), made(2, "history", 2000), made(3, "predictions", 5, 1, 2)], "fresh"),
        ([made(1, "chain", 5), made(2, "history", 5), made(3, "predictions", 5, 1, 2), made(4, "history", 1)],
         "input_superseded"),
        ([made(2, "history", 5), made(3, "predictions", 5, 2)], "input_superseded"),  # the chain is not optional
        ([made(1, "chain", 5), made(2, "predictions", 61, 1)], "too_old"),
    ],
)  # fmt: skip
def test_an_optional_input_may_be_lacking_but_not_superseded(index, reason):
    results = assess((CHAIN, HISTORY, WITH_HISTORY), ("predictions",), index, now=NOW)
    assert results["predictions", "A"].reason == reason


def test_nothing_is_made_for_the_sake_of_an_optional_input():
    index = [made(1, "chain", 5), made(2, "history", 2000), made(3, "predictions", 61, 1, 2)]
    results = assess((CHAIN, HISTORY, WITH_HISTORY), ("predictions",), index, now=NOW)
    assert ("history", "A") not in results


ages = st.floats(-120, 120, allow_nan=False)


@given(st.lists(st.tuples(st.sampled_from(["chain", "greeks", "predictions"]), ages, st.sets(st.integers(1, 8)))))
def test_whatever_is_served_fits_together(drawn):
    """The sets of inputs agree for every served snapshot, whatever lies in the index."""
    index = [made(i, table, age, *inputs) for i, (table, age, inputs) in enumerate(drawn, 1)]
    results = assess(GRAPH, ("chain", "greeks", "predictions"), index, now=NOW)
    served = {table: r.snapshot for (table, _), r in results.items() if r.served}
    for node in GRAPH:
        if node.table in served and node.upstream:
            assert served[node.table].inputs == {served[above].snapshot_id for above in node.upstream}


@given(st.lists(st.tuples(st.sampled_from(["chain", "greeks"]), ages, st.sets(st.integers(1, 8)))), ages)
def test_a_looser_limit_never_makes_a_served_read_stale(drawn, more):
    index = [made(i, table, age, *inputs) for i, (table, age, inputs) in enumerate(drawn, 1)]
    looser = tuple(replace(node, max_age=node.max_age + timedelta(minutes=abs(more))) for node in GRAPH)
    tight = assess(GRAPH, ("chain", "greeks"), index, now=NOW)
    loose = assess(looser, ("chain", "greeks"), index, now=NOW)
    assert all(loose[place].served for place, result in tight.items() if result.served)
