"""The asset `events`: a day of a calendar is asked once a day, whatever symbols come later."""

from __future__ import annotations

import dagster as dg
import pytest

from wheel_assets.definitions import defs
from wheel_assets.defs import resources
from wheel_assets.fetch.events.nasdaq import NasdaqCalendar


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


def test_a_symbol_that_comes_later_asks_nobody(asked):
    materialize("U")
    count = len(asked)
    assert count > 40
    assert materialize("U", "F") == [("F", "earnings", "before_open", False), ("F", "ex_dividend", None, True)]
    assert len(asked) == count
