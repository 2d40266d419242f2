"""Every contract is told with all the rules it breaks, and the settings behind them."""

from __future__ import annotations

import doctest

import pytest

from wheel_assets.recommend.explain import candidates
from wheel_assets.show.views import candidates_view
from wheel_assets.tables import CANDIDATES


@pytest.fixture
def told(desk):
    """A put that is advised, one that breaks two rules, one without a quote, and a call without shares."""
    desk.cash(50_000).put(28, 0.55, 0.60).put(28.5, 0.01, 0.02, delta=-0.03).put(29, 0.0, 0.05).call(40, 0.5, 0.55)
    return candidates(desk.advise()).set_index("strike")


def test_every_contract_is_a_row_of_the_table(told):
    rows = CANDIDATES.conform(told.reset_index())
    assert sorted(rows["strike"]) == [28, 28.5, 29, 40]


def test_the_advised_contract_comes_first_and_breaks_no_rule(told):
    assert told.index[0] == 28
    assert told.loc[28, "advised"]
    assert told.loc[28, "failures"] == 0


def test_all_broken_rules_are_named_not_only_the_first(told):
    failed = told.loc[28.5, "failed"].split(", ")
    assert {"delta_low", "bid"} <= set(failed)
    assert told.loc[28.5, "failures"] == len(failed)


def test_the_settings_that_hold_a_contract_back_are_named(told):
    assert {"min_delta", "min_bid"} <= set(told.loc[28.5, "settings"].split(", "))


def test_a_contract_without_a_bid_has_no_premium_instead_of_none(told):
    assert told.loc[[29], "premium"].isna().all()
    assert "quote" in told.loc[29, "failed"]


def test_the_document_counts_by_rule_and_keeps_the_nearest(told):
    document = candidates_view.explain_document(told.reset_index(), nearest=1)
    puts = next(side for side in document["sides"] if side["option_type"] == "put")
    assert (puts["contracts"], puts["passed"], len(puts["candidates"])) == (3, 1, 1)
    assert puts["failed"]["quote"] == 1


def test_the_examples_hold():
    assert doctest.testmod(candidates_view).failed == 0
