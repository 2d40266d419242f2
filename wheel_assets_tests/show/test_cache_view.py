"""What the cache tells of itself, in the words of a person."""

from __future__ import annotations

import doctest
from datetime import datetime

import pandas as pd
import pytest

from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.cache.upkeep.stats import stats
from wheel_assets.show import answer_view, cache_view, humanize, markdown, payoff, svg
from wheel_assets.show.terminal import console
from wheel_assets.tables import RISK_FREE_RATE


@pytest.mark.parametrize("module", [answer_view, markdown, payoff, svg, humanize, console])
def test_the_examples_hold(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "0 s"), (0.999, "60 s"), (1, "1 min"), (9.96, "10 min"), (89, "89 min"), (90, "1.5 h"), (2879, "48 h")]
    + [(2880, "2 days"), (14400, "10 days")],
)
def test_ages(minutes, words):
    assert humanize.age(minutes) == words


@pytest.mark.parametrize(
    ("count", "words"), [(999, "999 B"), (1000, "1 kB"), (999_400, "999 kB"), (1e6, "1 MB"), (12.3e9, "12 GB")]
)
def test_sizes(count, words):
    assert humanize.size(count) == words


NOW = datetime(2026, 11, 23, 16, 0)


def of(*states: str) -> dict[str, object]:
    """A document with one key in each state."""
    made = {"table": "greeks", "created_at": NOW.isoformat(), "max_age_minutes": 15.0}
    keys = [made | {"key": f"K{number}", "state": state} for number, state in enumerate(states)]
    numbers = {"limit_mb": 5000, "db_size_mb": 2.5, "used_mb": 2.0, "hits": 3, "misses": 1, "hit_rate": 0.75}
    return {"keys": keys, **numbers, "cost_usd": 1.239, "api_calls": 1234}


def test_the_summary_names_what_is_not_fresh():
    lines = cache_view.summary(of("fresh", "too_old", "input_superseded"), 50, NOW)
    assert lines[0] == "1 of 3 keys are fresh; stale: greeks K1, greeks K2"


def test_many_stale_keys_are_counted():
    lines = cache_view.summary(of(*["too_old"] * 9), 50, NOW)
    assert lines[0] == "0 of 9 keys are fresh; stale: greeks K0, greeks K1, greeks K2, greeks K3 and 5 more"


def test_size_use_and_cost():
    assert cache_view.summary(of("fresh"), 50, NOW)[1:] == [
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
    (key,) = cache_view.key_cells(document, now)
    (table, *_) = cache_view.table_cells(document)
    assert (len(key), len(table)) == (len(cache_view.KEY_COLUMNS), len(cache_view.TABLE_COLUMNS))
    assert key[:4] == ("risk_free_rate", "all", "🟢 fresh", "1")
