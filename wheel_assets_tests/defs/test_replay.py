"""Replay gives what was advised from the snapshots in force then, and says where they are gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from wheel_assets.commands.run import recommend
from wheel_assets.defs.declare import settings
from wheel_assets.defs.replay import replayed
from wheel_assets.defs.resources import the_store
from wheel_assets.errors import UsageError
from wheel_assets.show.views import diff_view
from wheel_assets.show.views.diff_view import diff_document

pytestmark = pytest.mark.slow

ASKED = {"symbols": ["U"], "account_id": "default", "portfolio_value": None}


@pytest.fixture
def answer():
    return recommend({})


def replay(when):
    return replayed(the_store(), settings(), when, **ASKED)


def test_what_was_advised_is_given_again_byte_for_byte(answer):
    when = datetime.fromisoformat(answer["as_of"])
    advised = json.dumps({name: answer[name] for name in answer if name != "inputs"})
    again = replay(when)
    assert json.dumps({name: again[name] for name in again if name != "inputs"}) == advised
    assert [read["snapshot_id"] for read in again["inputs"]] == [read["snapshot_id"] for read in answer["inputs"]]


def test_later_snapshots_do_not_change_what_was_advised_before(answer):
    when = datetime.fromisoformat(answer["as_of"])
    before = json.dumps(replay(when)["advice"])
    recommend({}, fresh=True)
    assert json.dumps(replay(when)["advice"]) == before


def test_a_moment_before_the_cache_is_an_error_and_no_advice(answer):
    with pytest.raises(UsageError, match="no snapshot of .*option_chains.* is kept from before it"):
        replay(datetime.fromisoformat(answer["as_of"]) - timedelta(days=2))


def test_an_answer_does_not_differ_from_itself(answer):
    told = diff_document(answer, answer)
    assert (told["added"], told["removed"], told["changed"], told["moved"]) == ([], [], [], [])
    assert told["same"] == len(answer["advice"])


def test_orders_that_came_went_or_changed_are_told_apart(answer):
    row = answer["advice"][0]
    other = {**answer, "advice": [{**row, "quantity": 7}, *answer["advice"][2:]], "spot_prices": {"U": 1.0}}
    told = diff_document(answer, other)
    assert [changed["was"]["quantity"] for changed in told["changed"]] == [row["quantity"]]
    assert [gone["contract"] for gone in told["removed"]] == [answer["advice"][1]["contract"]]
    assert told["moved"][0].startswith("U ")


def test_the_examples_hold():
    import doctest

    assert doctest.testmod(diff_view).failed == 0


def test_a_time_without_a_zone_is_of_new_york():
    from wheel_assets.commands.context import moment

    assert moment("2026-11-20T15:30").astimezone(UTC).hour == 20
