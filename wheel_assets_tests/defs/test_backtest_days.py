"""The days of a backtest are those of the cache, with the Greeks and predictions that were made of their chains."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner

from wheel_assets.backtest.walk import walk
from wheel_assets.cli import main
from wheel_assets.commands.run import recommend
from wheel_assets.defs.backtest_days import BacktestDays
from wheel_assets.defs.declare import settings
from wheel_assets.defs.resources import the_store
from wheel_assets.errors import UsageError

pytestmark = pytest.mark.slow


@pytest.fixture
def answer():
    return recommend({})


def test_the_last_chain_of_a_day_is_walked_with_what_was_made_of_it(answer):
    recommend({}, fresh=True)
    (day,) = BacktestDays(the_store(), settings(), ["U"])
    newest, _ = the_store().index([(table, "U") for table in ("option_chains", "greeks", "predictions")])
    for table, frame in (
        ("option_chains", day.option_chains),
        ("greeks", day.greeks),
        ("predictions", day.predictions),
    ):
        assert set(frame["snapshot_id"]) == {max(s.snapshot_id for s in newest if s.cache_key == (table, "U"))}


def test_greeks_that_are_gone_are_made_again(answer):
    (kept,) = BacktestDays(the_store(), settings(), ["U"])
    with the_store().file.attached() as connection:
        connection.execute("DELETE FROM snapshots WHERE table_name IN ('greeks', 'predictions')")
    (made,) = BacktestDays(the_store(), settings(), ["U"])
    assert (made.greeks["delta"] - kept.greeks["delta"]).abs().max() < 1e-9
    assert list(made.predictions.columns) == list(kept.predictions.columns)
    assert made.predictions["prob_itm"].count() == kept.predictions["prob_itm"].count() > 0


def test_days_outside_the_dates_are_left_out(answer):
    assert list(BacktestDays(the_store(), settings(), ["U"], end=date(2000, 1, 3))) == []


def test_the_command_prints_one_document_whose_ledger_adds_up(answer):
    told = json.loads(CliRunner().invoke(main, ["backtest", "--cash", "50000", "--json"]).output)
    for name, ledger in told["ledger"].items():
        assert round(sum(entry["amount"] for entry in ledger), 2) == ledger[-1]["cash"], name
    assert told["days"] == 1


def test_an_empty_cache_is_one_clear_error():
    with pytest.raises(UsageError, match="nothing to walk over; no option chain"):
        walk(BacktestDays(the_store(), settings(), ["U"]), {}, cash=1, commission=0)
