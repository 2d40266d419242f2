"""Advice without named symbols covers the watchlist and all holdings."""

from __future__ import annotations

from datetime import date, timedelta

import dagster as dg
import pytest

from wheel_assets.definitions import defs
from wheel_assets.defs import flow
from wheel_assets.defs.declare import settings
from wheel_assets.defs.resources import the_store

pytestmark = pytest.mark.slow

HEADER = "asset_type,symbol,option_type,expiration,strike,quantity,average_price"
INTC = f"option,INTC,put,{date.today() + timedelta(days=50)},20,-1,0.80"
SMCI = "stock,SMCI,,,,100,30.00"
ALL_ABOVE = ("option_chains", "positions", "risk_free_rate", "price_history", "greeks", "predictions")


@pytest.fixture
def account(tmp_path, monkeypatch):
    """Watchlist U; an open INTC put and shares of SMCI."""

    def write(*rows):
        (tmp_path / "account.csv").write_text("\n".join([HEADER, "cash,USD,,,,60000,", *rows]) + "\n")

    monkeypatch.setenv("WHEEL_BROKER__SOURCE", "file")
    monkeypatch.setenv("WHEEL_BROKER__FILE", str(tmp_path / "account.csv"))
    settings.cache_clear()
    write(INTC, SMCI)
    yield write
    settings.cache_clear()


def materialize(*assets, **config):
    """The answer of a run as `dagster asset materialize` makes it."""
    job = defs.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as home:
        run = job.execute_in_process(
            {"ops": {"recommendation": {"config": config}}},
            asset_selection=[dg.AssetKey(name) for name in (*assets, "recommendation")],
            instance=home,
        )
        return run.asset_materializations_for_node("recommendation")[0].metadata["answer"].value


@pytest.mark.parametrize("above", [(), ALL_ABOVE])
def test_what_is_held_is_looked_after_whether_its_inputs_are_pulled_or_made_by_the_run(account, above):
    answer = materialize(*above)
    assert not answer["not_evaluated"]
    assert set(answer["spot_prices"]) == {"U", "INTC", "SMCI"}
    assert not any("was not asked about" in row["reason"] for row in answer["advice"])


def test_named_symbols_are_all_that_is_answered_for(account):
    assert set(materialize(symbols=["U"])["spot_prices"]) == {"U"}


def test_the_stored_answer_is_that_of_what_is_held(account):
    materialize()
    stored = flow.stored_answer(the_store(), settings(), None, "default", None)
    assert set(stored["spot_prices"]) == {"U", "INTC", "SMCI"}


def test_a_position_that_is_new_joins_the_next_answer(account):
    account(SMCI)
    assert set(materialize()["spot_prices"]) == {"U", "SMCI"}
    account(SMCI, INTC)
    assert set(materialize(max_age_minutes={"positions": 0.0})["spot_prices"]) == {"U", "INTC", "SMCI"}


def test_a_holding_without_a_market_is_named_once(account):
    account("stock,PLTR,,,,100,30.00")
    answer = materialize()
    assert [row["symbol"] for row in answer["not_evaluated"]] == ["PLTR"]
    assert sum("PLTR" in line for line in answer["warnings"]) == 1
