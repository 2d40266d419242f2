"""What the cache tells of itself, in the words of a person."""

from __future__ import annotations

import doctest

import pytest

from wheel_assets.cache.policy import Reason
from wheel_assets.cache.store.store import Entry
from wheel_assets.cache.upkeep.stats import stats
from wheel_assets.show import stats_view


def test_the_examples_hold():
    assert doctest.testmod(stats_view).failed == 0


@pytest.mark.parametrize("reason", [Reason.FRESH, Reason.TOO_OLD, Reason.INPUT_SUPERSEDED])
def test_every_state_has_words(reason):
    assert stats_view.STATES[str(reason)].replace(" ", "").isalpha()


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "0 s"), (0.999, "60 s"), (1, "1 min"), (9.96, "10 min"), (89, "89 min"), (90, "1.5 h"), (2879, "48 h")]
    + [(2880, "2 days"), (14400, "10 days")],
)
def test_ages(minutes, words):
    assert stats_view.age(minutes) == words


@pytest.mark.parametrize(
    ("count", "words"), [(999, "999 B"), (1000, "1 kB"), (999_400, "999 kB"), (1e6, "1 MB"), (12.3e9, "12 GB")]
)
def test_sizes(count, words):
    assert stats_view.size(count) == words


def of(*states: str) -> dict[str, object]:
    """A document with one key in each state."""
    keys = [{"table": "greeks", "key": f"K{number}", "state": state} for number, state in enumerate(states)]
    numbers = {"limit_mb": 5000, "db_size_mb": 2.5, "used_mb": 2.0, "hits": 3, "misses": 1, "hit_rate": 0.75}
    return {"keys": keys, **numbers, "cost_usd": 1.239, "api_calls": 1234}


def test_the_summary_names_what_is_not_fresh():
    assert stats_view.summary(of("fresh", "too_old", "input_superseded"), 50)[:3] == [
        "1 of 3 keys are fresh",
        "too old: greeks K1",
        "inputs replaced: greeks K2",
    ]


def test_many_stale_keys_are_counted():
    lines = stats_view.summary(of(*["too_old"] * 9), 50)
    assert lines[:6] == ["0 of 9 keys are fresh", *(f"too old: greeks K{n}" for n in range(4)), "and 5 more"]


def test_size_use_and_cost():
    assert stats_view.summary(of("fresh"), 50)[1:] == [
        "2.5 MB of 5 GB on disk, 2 MB in use",
        "3 hits, 1 misses: 75% served from here",
        "$1.24 of $50 this month, 1,234 API calls",
    ]


def test_a_row_has_a_cell_for_every_column(toy_store, make_rows):
    toy_store.put("prices", [Entry("A", make_rows({"A": 2.5}), "sample")])
    document = stats(toy_store)
    (key,) = stats_view.key_cells(document)
    (table, *_) = stats_view.table_cells(document)
    assert (len(key), len(table)) == (len(stats_view.KEY_COLUMNS), len(stats_view.TABLE_COLUMNS))
    assert key[:5] == ("prices", "A", "fresh", "0 s", "")
