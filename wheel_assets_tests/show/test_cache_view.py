"""What the cache tells of itself, in the words of a person."""

from __future__ import annotations

import doctest
from datetime import datetime

import pandas as pd
import pytest

from wheel_assets.cache.policy import Reason
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.cache.upkeep.stats import stats
from wheel_assets.show import answer_view, cache_view, markdown, payoff, svg, units
from wheel_assets.show.terminal import console
from wheel_assets.tables import RISK_FREE_RATE


@pytest.mark.parametrize("module", [answer_view, markdown, payoff, svg, units, console])
def test_the_examples_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("reason", [Reason.FRESH, Reason.TOO_OLD, Reason.INPUT_SUPERSEDED])
def test_every_state_has_words(reason):
    assert cache_view.STATES[str(reason)].replace(" ", "").isalpha()


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "0 s"), (0.999, "60 s"), (1, "1 min"), (9.96, "10 min"), (89, "89 min"), (90, "1.5 h"), (2879, "48 h")]
    + [(2880, "2 days"), (14400, "10 days")],
)
def test_ages(minutes, words):
    assert units.age(minutes) == words


@pytest.mark.parametrize(
    ("count", "words"), [(999, "999 B"), (1000, "1 kB"), (999_400, "999 kB"), (1e6, "1 MB"), (12.3e9, "12 GB")]
)
def test_sizes(count, words):
    assert units.size(count) == words


def of(*states: str) -> dict[str, object]:
    """A document with one key in each state."""
    keys = [{"table": "greeks", "key": f"K{number}", "state": state} for number, state in enumerate(states)]
    numbers = {"limit_mb": 5000, "db_size_mb": 2.5, "used_mb": 2.0, "hits": 3, "misses": 1, "hit_rate": 0.75}
    return {"keys": keys, **numbers, "cost_usd": 1.239, "api_calls": 1234}


def test_the_summary_names_what_is_not_fresh():
    assert cache_view.summary(of("fresh", "too_old", "input_superseded"), 50)[:3] == [
        "1 of 3 keys are fresh",
        "too old: greeks K1",
        "inputs replaced: greeks K2",
    ]


def test_many_stale_keys_are_counted():
    lines = cache_view.summary(of(*["too_old"] * 9), 50)
    assert lines[:6] == ["0 of 9 keys are fresh", *(f"too old: greeks K{n}" for n in range(4)), "and 5 more"]


def test_size_use_and_cost():
    assert cache_view.summary(of("fresh"), 50)[1:] == [
        "2.5 MB of 5 GB on disk, 2 MB in use",
        "3 hits, 1 misses: 75% served from here",
        "$1.24 of $50 this month, 1,234 API calls",
    ]


def test_a_row_has_a_cell_for_every_column(tmp_path):
    now = datetime(2026, 11, 23)
    store = Store(tmp_path / "cache" / "cache.duckdb", [RISK_FREE_RATE], lambda: now)
    rate = {"timestamp": [now], "observation_date": [now], "tenor_years": [1.0], "value": [0.04], "source": ["fred"]}
    store.put("risk_free_rate", [Entry("all", pd.DataFrame(rate), "fred")])
    document = stats(store)
    (key,) = cache_view.key_cells(document)
    (table, *_) = cache_view.table_cells(document)
    assert (len(key), len(table)) == (len(cache_view.KEY_COLUMNS), len(cache_view.TABLE_COLUMNS))
    assert key[:4] == ("risk_free_rate", "all", "fresh", "0 s")
