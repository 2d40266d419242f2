"""The bill: what was asked and paid, what the cache saved, and what the plan says of it."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import pandas as pd
import pytest
from rich.console import Console

from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.cache.upkeep.costs import costs, plan
from wheel_assets.cache.upkeep.ledger import Ledger
from wheel_assets.show.terminal.cache import show_costs
from wheel_assets.tables import PRICE_HISTORY

NOON = datetime(2026, 11, 20, 12)


class Bench:
    """A cache at a time that can be set, and short ways to fill it."""

    def __init__(self, path):
        self.now = NOON
        self.store = Store(path, clock=lambda: self.now)

    def call(self, source="databento", cost=0.0, ago=1, error=None, key="SMCI"):
        row = (self.now - timedelta(minutes=ago), source, "/x", 500 if error else 200, 1.0, 1000, cost, key, error)
        self.store.record_calls([row])

    def put(self, *symbols, source="databento", hits=0):
        """Store prices of the symbols together, and use the first of them."""
        row = {"timestamp": NOON, "date": NOON.date(), "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1}
        frames = [pd.DataFrame([{**row, "symbol": symbol, "source": source}]) for symbol in symbols]
        entries = [Entry(symbol, frame, source) for symbol, frame in zip(symbols, frames, strict=True)]
        used = self.store.put(PRICE_HISTORY.name, entries)[0]
        for _ in range(hits):
            self.store.touch([used])
        self.store.write_touches()

    def bill(self, source="databento", month="2026-11"):
        rows = [row for row in costs(self.store, 50.0)["months"] if (row["source"], row["month"]) == (source, month)]
        return rows[0] if rows else None

    def saved(self, source="databento"):
        row = self.bill(source)
        return row["hits"], row["calls_saved"], row["saved_usd"]


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "wheel_cache.duckdb")


def test_an_empty_ledger_has_a_plan_and_a_budget(bench):
    document = costs(bench.store, 50.0)
    assert [row["component"] for row in document["plan"]] == [part.component for part in plan()]
    assert (document["months"], document["spent_usd"], document["left_usd"]) == ([], 0.0, 50.0)


def test_calls_are_billed_by_month_and_source(bench):
    bench.call(cost=0.25)
    bench.call(error="it broke")
    bench.call("cboe")
    bench.call(cost=0.5, ago=60 * 24 * 40)
    months = [
        (row["month"], row["source"], row["calls"], row["cost_usd"]) for row in costs(bench.store, 50.0)["months"]
    ]
    assert months == [("2026-11", "cboe", 1, 0.0), ("2026-11", "databento", 2, 0.25), ("2026-10", "databento", 1, 0.5)]
    assert (bench.bill()["failed"], bench.bill()["bytes"]) == (1, 2000)


def test_a_hit_saves_what_its_snapshot_had_taken(bench):
    for cost in (0.0, 0.01, 0.02):
        bench.call(cost=cost)
    bench.put("SMCI", hits=4)
    assert bench.saved() == (4, 12.0, 0.12)


def test_snapshots_put_together_share_their_calls(bench):
    for symbol in ("SMCI", "PLTR"):
        bench.call(cost=0.03, key=symbol)
    bench.put("SMCI", "PLTR", hits=1)
    assert bench.saved() == (1, 1.0, 0.03)


def test_each_put_took_the_calls_since_the_one_before(bench):
    bench.call(cost=0.01)
    bench.put("SMCI", hits=1)
    bench.now += timedelta(minutes=20)
    bench.call(cost=0.05)
    bench.put("SMCI", hits=2)
    assert bench.saved() == (3, 3.0, 0.11)


@pytest.mark.parametrize("call", [{"error": "it broke"}, {"source": "cboe"}, {"ago": 90}, {"ago": -1}])
def test_what_a_snapshot_did_not_take_its_hits_do_not_save(bench, call):
    bench.call(**call)
    bench.put("SMCI", hits=4)
    assert bench.bill() is None or bench.saved() == (0, 0.0, 0.0)


def test_the_plan_stands_beside_what_was_spent(bench):
    bench.call(cost=2.0)
    bench.call("treasury")
    bench.call("elsewhere", cost=1.0)
    bench.call(cost=7.0, ago=60 * 24 * 40)  # another month's
    rows = {
        row["component"]: (row["calls"], row["planned_usd"], row["cost_usd"])
        for row in costs(bench.store, 50.0)["plan"]
    }
    assert rows["Databento OPRA (yesterday's chains)"] == (1, 13, 2.0)
    assert rows["Treasury rates"] == (1, 0, 0.0)
    assert rows["elsewhere"] == (1, 0, 1.0)


def test_what_is_reserved_is_spent_but_no_call(bench):
    with Ledger(bench.store).reserve("databento", "SMCI", 0.5, 50.0):
        document = costs(bench.store, 50.0)
    assert (document["spent_usd"], document["reserved_usd"], document["left_usd"]) == (0.5, 0.5, 49.5)
    assert (document["months"][0]["calls"], document["months"][0]["failed"]) == (0, 0)


def test_a_smaller_budget_is_not_owed(bench):
    bench.call(cost=2.0)
    assert costs(bench.store, 1.0)["left_usd"] == 0.0


def shown(bench, width=110):
    console = Console(file=io.StringIO(), width=width)
    show_costs(costs(bench.store, 50.0), console)
    return console.file.getvalue()


def test_a_person_reads_plan_actual_and_budget(bench):
    bench.call(cost=0.03)
    bench.put("SMCI", hits=2)
    text = shown(bench)
    assert [line.split()[-5:] for line in text.splitlines() if "OPRA" in line] == [["1", "2", "13.00", "0.03", "0.06"]]
    assert "budget: 50 dollars a calendar month (UTC), 0.03 spent, 49.97 left" in text
    assert max(map(len, text.splitlines())) <= 110
    assert "no API calls so far" not in text


def test_nobody_asked_anything_yet(bench):
    assert "no API calls so far" in shown(bench)
