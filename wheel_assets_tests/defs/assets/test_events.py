"""The asset `events`: a day of a calendar is asked once a day, whatever symbols come later."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from wheel_assets.definitions import defs
from wheel_assets.defs import resources
from wheel_assets.fetch.events.nasdaq import NasdaqCalendar
from wheel_assets_tests.forked import wheel


@pytest.fixture
def asked(monkeypatch):
    """The days that a calendar with one event was asked for."""
    days = []

    def listed(self, kind, when):
        days.append((kind, when))
        return [[f"{when}"], ["F", "before_open", None]] if days[0] == (kind, when) else [[f"{when}"]]

    monkeypatch.setattr(NasdaqCalendar, "_rows", listed)
    monkeypatch.setattr(
        resources,
        "event_source",
        lambda settings, record, remember: NasdaqCalendar("http://127.0.0.1:9", record, remember),
    )
    return days


def materialize(*symbols: str) -> list[tuple]:
    defs.resolve_implicit_global_asset_job_def().execute_in_process(
        asset_selection=[dg.AssetKey("events")],
        run_config={"ops": {"events": {"config": {"symbols": list(symbols)}}}},
    )
    query = "SELECT symbol, kind, time_of_day, date IS NULL FROM events WHERE symbol = ? ORDER BY snapshot_id, kind"
    with resources.the_store().file.attached() as connection:
        return connection.execute(query, [symbols[-1]]).fetchall()


@pytest.mark.slow
def test_a_symbol_that_comes_later_asks_nobody(asked):
    materialize("U")
    count = len(asked)
    assert count > 40
    assert materialize("U", "F") == [("F", "earnings", "before_open", False), ("F", "ex_dividend", None, True)]
    assert len(asked) == count


def advice(**settings: str) -> tuple[int, str]:
    """Exit code and words of `wheel recommend` in a process of its own, for inputs are declared by the settings."""
    done = wheel("recommend", "--json", **settings)
    return done.returncode, done.stdout or done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["WHEEL_EVENTS__FILE", "WHEEL_BROKER__TRANSACTIONS_FILE"])
def test_what_the_advice_can_do_without_never_costs_it(missing):
    code, told = advice(**{missing: "nowhere.csv", "WHEEL_EVENTS__SOURCE": "file", "WHEEL_EVENTS__FILE": "nowhere.csv"})
    answer = json.loads(told)
    assert (code, bool(answer["advice"])) == (0, True)
    assert any("nowhere.csv was refused" in said for said in answer["warnings"])


@pytest.mark.slow
def test_earnings_that_a_file_names_reach_the_rules(tmp_path):
    day = datetime.now(UTC).date() + timedelta(days=9)
    (tmp_path / "events.csv").write_text(f"symbol,kind,date\nU,earnings,{day}\n")
    _, before = advice()
    _, after = advice(WHEEL_EVENTS__SOURCE="file", WHEEL_EVENTS__FILE="events.csv")
    sold = [{row["action"] for row in json.loads(told)["advice"]} for told in (before, after)]
    assert ("open_csp" in sold[0], "open_csp" in sold[1]) == (True, False)
