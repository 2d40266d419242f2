"""The ten rules of reading through, on a small graph with a clock that stands still."""

from __future__ import annotations

import dagster as dg
import pytest

from wheel_assets.cache.reading.one_line_errors import OneLineError

ALL_MADE = {"prices A": 1, "prices B": 1, "rates": 1, "values A": 1, "values B": 1, "report": 1}


def test_an_empty_cache_is_filled_by_one_child_run(toy):
    result = toy.run("report")
    assert dict(toy.made) == ALL_MADE
    children = toy.instance.get_runs(dg.RunsFilter(tags={"wheel/pulled_by": result.run_id}))
    assert [child.status for child in children] == [dg.DagsterRunStatus.SUCCESS]
    assert toy.instance.get_run_by_id(result.run_id).tags["wheel/pulled"] == children[0].run_id


def test_what_a_child_run_made_links_to_who_asked_for_it(toy):
    result = toy.run("report")
    made = toy.instance.get_latest_materialization_event(dg.AssetKey("prices")).asset_materialization
    assert made.metadata["pulled_by"] == dg.MetadataValue.dagster_run(result.run_id)
    assert "pulled_by" not in result.asset_materializations_for_node("report")[0].metadata


def test_what_is_fresh_is_not_made_again(toy):
    toy.run("report")
    toy.clock.pass_minutes(14)
    toy.run("report")
    assert dict(toy.made) == {"report": 1}
    assert toy.log() == [
        "cache_hit table=prices key=A age_minutes=14.0 max_age_minutes=15.0 reason=fresh",
        "cache_hit table=prices key=B age_minutes=14.0 max_age_minutes=15.0 reason=fresh",
        "cache_hit table=values_ key=A age_minutes=14.0 max_age_minutes=60.0 reason=fresh",
        "cache_hit table=values_ key=B age_minutes=14.0 max_age_minutes=60.0 reason=fresh",
    ]


def test_what_is_too_old_is_made_again_with_what_was_made_of_it(toy):
    toy.run("report")
    toy.clock.pass_minutes(16)
    toy.run("report")
    assert dict(toy.made) == {k: v for k, v in ALL_MADE.items() if k != "rates"}
    reasons = [line.split()[1] + " " + line.split()[-1] for line in toy.log()]
    assert reasons.count("table=prices reason=too_old") == 2
    assert reasons.count("table=values_ reason=input_superseded") == 2


def test_a_materialization_is_never_served_from_the_cache(toy):
    toy.run("prices")
    toy.run("prices")
    assert dict(toy.made) == {"prices A": 1, "prices B": 1}


def test_what_is_derived_from_a_superseded_snapshot_is_made_again_however_young(toy):
    toy.run("report")
    toy.run("prices")
    toy.run("report")
    assert dict(toy.made) == {"values A": 1, "values B": 1, "report": 1}


def test_selecting_everything_makes_everything(toy):
    toy.run("report")
    toy.run("prices", "rates", "values_", "report")
    assert dict(toy.made) == ALL_MADE
    assert all("cache_miss" in line and line.endswith("reason=forced") for line in toy.log())


def test_a_fresh_derived_snapshot_asks_nothing_of_its_ancestors(toy):
    toy.run("report")
    toy.clock.pass_minutes(40)  # prices and rates are too old, values_ are not
    toy.run("report", config={"max_age_minutes": {"prices": 50}})
    assert dict(toy.made) == {"report": 1}


def test_a_new_symbol_is_fetched_and_the_others_are_not(toy):
    toy.run("report")
    toy.watchlist.append("C")
    toy.run("report")
    assert dict(toy.made) == {"prices C": 1, "values C": 1, "report": 1}
    assert list(toy.seen["values_"].frame["symbol"]) == ["A", "B", "C"]


def test_a_run_may_name_its_own_symbols(toy):
    toy.run("report", config={"symbols": ["B"]})
    assert dict(toy.made) == {"prices B": 1, "rates": 1, "values B": 1, "report": 1}


@pytest.mark.parametrize(("limit", "fetched"), [(0, True), (4, True), (5, False), (100, False)])
def test_run_config_tightens_or_loosens_a_limit(toy, limit, fetched):
    toy.run("report")
    toy.clock.pass_minutes(5)
    toy.run("report", config={"max_age_minutes": {"prices": limit}})
    assert ("prices A" in toy.made) is fetched


@pytest.mark.parametrize("limits", [{"price": 5.0}, {"prices": -1.0}])
def test_a_limit_that_makes_no_sense_is_refused_before_anything_is_made(toy, limits):
    result = toy.run("report", config={"max_age_minutes": limits}, raise_on_error=False)
    assert not result.success
    assert not toy.made


def test_another_code_version_is_other_data(toy):
    toy.run("report")
    toy.version = "2"
    toy.run("report")
    assert toy.made["prices A"] == 1
    assert toy.log()[0].endswith("reason=absent")


def test_the_step_gets_one_consistent_set(toy):
    toy.run("report")
    toy.clock.pass_minutes(20)
    toy.run("report")
    prices, values = toy.seen["prices"].frame, toy.seen["values_"].frame
    assert list(values["number"]) == list(prices["number"] * 0.5)
    index, _ = toy.store.index([("values_", "A")])
    assert set(prices["snapshot_id"]) & set(index[0].inputs)


def test_in_a_forced_run_later_steps_get_what_that_run_made(toy):
    """Somebody else's newer prices must not be mixed with values made of this run's prices."""
    toy.run("prices", "rates", "values_")
    newest, _ = toy.store.index([("prices", "A"), ("values_", "A")])
    prices, values = (next(s for s in newest if s.table == name) for name in ("prices", "values_"))
    assert prices.snapshot_id in values.inputs


def test_one_symbol_that_fails_does_not_stop_the_others(toy):
    toy.broken["B"] = "no chain for B; unknown symbol; check it"
    toy.run("report")
    assert list(toy.seen["prices"].frame["symbol"]) == list(toy.seen["values_"].frame["symbol"]) == ["A"]
    assert toy.seen["prices"].not_fetched == {"B": "no chain for B; unknown symbol; check it"}


def test_a_symbol_that_fails_alone_leaves_the_fresh_ones_usable(toy):
    toy.run("report")
    toy.watchlist.append("C")
    toy.broken["C"] = "no chain for C"
    toy.run("report")
    assert list(toy.seen["prices"].frame["symbol"]) == ["A", "B"]
    assert toy.seen["values_"].not_fetched == {"C": "prices failed; no chain for C"}


def test_in_a_forced_run_a_symbol_that_fails_is_reported_not_served_old(toy):
    toy.run("report")
    toy.broken["B"] = "no chain for B"
    toy.run("prices", "rates", "values_", "report")
    assert list(toy.seen["values_"].frame["symbol"]) == ["A"]
    assert toy.seen["prices"].not_fetched == {"B": "no chain for B"}


def test_a_failed_refresh_fails_the_run_in_one_sentence_and_loses_nothing(toy):
    toy.run("report")
    before = toy.store.index([("prices", "A"), ("prices", "B")])
    toy.clock.pass_minutes(16)
    toy.broken |= {"A": "A is down; try later", "B": "A is down; try later"}
    with pytest.raises(OneLineError, match=r"^prices failed; A is down; try later$"):
        toy.run("report")
    assert toy.store.index([("prices", "A"), ("prices", "B")]) == before


def test_an_upstream_failure_is_the_error_of_the_read_below(toy):
    toy.broken["rates"] = "the rate is not to be had"
    with pytest.raises(OneLineError, match="the rate is not to be had"):
        toy.run("report")


@pytest.mark.parametrize(("allowed", "served"), [(20, True), (10, False)])
def test_allow_stale_lets_older_data_through_and_says_how_old(toy, allowed, served):
    toy.run("report")
    toy.clock.pass_minutes(16)
    toy.broken |= {"A": "down", "B": "down"}
    result = toy.run("report", config={"allow_stale": allowed}, raise_on_error=False)
    assert result.success is served
    assert toy.made["prices A"] == 1  # tried once, whatever is allowed
    if served:
        read = toy.seen["prices"].reads[0]
        assert (read["age_minutes"], read["reason"], read["key"]) == (16.0, "too_old", "A")
        assert (read["outcome"], read["max_age_minutes"]) == ("cache_stale", 15.0)


@pytest.mark.parametrize("down", ["AB", "B"])
def test_what_is_wanted_anew_may_be_old_too_where_that_is_allowed(toy, down):
    toy.run("report")
    toy.clock.pass_minutes(5)
    toy.broken |= dict.fromkeys(down, "down")
    toy.run("report", config={"allow_stale": 20, "max_age_minutes": {"prices": 0.0}})
    ages = [read["age_minutes"] for read in toy.seen["prices"].reads]
    assert ages == [5.0 if symbol in down else 0.0 for symbol in "AB"]


def test_what_is_derived_from_allowed_older_data_is_made_of_it(toy):
    toy.run("report")
    toy.run("prices")
    toy.clock.pass_minutes(16)
    toy.broken |= {"A": "down", "B": "down"}
    toy.run("report", config={"allow_stale": 20})
    assert (toy.made["values A"], toy.made["report"]) == (1, 1)


def test_in_a_forced_run_allow_stale_lets_the_older_symbol_through(toy):
    toy.run("report")
    toy.clock.pass_minutes(16)
    toy.broken["B"] = "down"
    toy.run("prices", "rates", "values_", "report", config={"allow_stale": 20})
    assert list(toy.seen["prices"].frame["symbol"]) == ["A", "B"]


def test_allow_stale_does_not_keep_good_data_from_being_renewed(toy):
    toy.run("report")
    toy.clock.pass_minutes(16)
    toy.run("report", config={"allow_stale": 600})
    assert toy.made["prices A"] == 1


def test_a_clock_set_back_makes_data_stale_not_eternal(toy):
    toy.run("report")
    toy.clock.pass_minutes(-600)
    toy.run("report")
    assert toy.made["prices A"] == 1


def test_reads_carry_source_age_and_outcome(toy):
    toy.run("report")
    toy.clock.pass_minutes(3)
    toy.run("report")
    read = toy.seen["values_"].reads[1]
    assert read == read | {
        "table": "values_",
        "key": "B",
        "age_minutes": 3.0,
        "outcome": "cache_hit",
        "reason": "fresh",
    }


def test_a_hit_counts_as_a_use(toy):
    toy.run("report")
    toy.run("report")
    with toy.store.file.attached() as connection:
        hits = dict(connection.execute("SELECT table_name, sum(hits) FROM snapshots GROUP BY 1").fetchall())
    assert hits["prices"] == hits["values_"] == 2


def test_an_empty_frame_replaces_nothing(toy, make_rows):
    toy.run("prices")
    before = toy.store.index([("prices", "A")])
    empty = dg.asset(name="rates")(lambda: make_rows({}))
    with pytest.raises(OneLineError, match="never replaces anything"):
        dg.materialize([empty], resources=dict(toy.definitions().resources))
    assert toy.store.index([("prices", "A")]) == before


def test_a_materialization_event_has_rows_columns_and_snapshots(toy):
    event = toy.run("prices").asset_materializations_for_node("prices")[0]
    assert event.metadata["dagster/row_count"].value == 2
    assert event.metadata["snapshots"].data.keys() == {"A", "B"}
    names = [column.name for column in event.metadata["dagster/column_schema"].schema.columns]
    assert names == ["snapshot_id", "timestamp", "symbol", "number", "created_at"]


def test_what_is_loaded_has_the_declared_types_whatever_the_data(toy):
    toy.run("report")
    assert dict(toy.seen["prices"].frame.dtypes.astype(str)) == {
        "snapshot_id": "Int64",
        "timestamp": "datetime64[us]",
        "symbol": "object",
        "number": "float64",
        "created_at": "datetime64[us]",
    }


def test_notes_are_kept_with_the_snapshots_they_are_about(toy):
    toy.notes = ["A: its quotes are delayed", "the login ends tomorrow"]
    toy.run("report")
    kept = {s.key: s.notes for s in toy.store.index([("prices", "A"), ("prices", "B")])[0]}
    assert kept == {"A": tuple(toy.notes), "B": ("the login ends tomorrow",)}
    toy.run("report")
    assert [read["notes"] for read in toy.seen["prices"].reads] == [list(kept["A"]), list(kept["B"])]
