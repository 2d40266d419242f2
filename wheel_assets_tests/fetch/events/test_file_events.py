"""Events of one's own file: read in full or refused, and nothing is said of what it does not name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from wheel_assets.errors import BadEventsFile
from wheel_assets.fetch.events.file import FileEvents

UNTIL = date(2027, 1, 20)
CSV = """symbol,kind,date,time_of_day,estimated,amount
u,earnings,2026-12-03,after_close,yes,
U,ex-dividend,12/15/2026,,,0.25
U,earnings,2026-08-05,after_close,no,
F,earnings,2027-03-01,,,
"""


@pytest.fixture
def read(tmp_path: Path, now):
    def read(text: str, *symbols: str):
        (tmp_path / "events").write_text(text)
        frame = FileEvents(tmp_path / "events").events(symbols, UNTIL, now).frame
        told = frame[["symbol", "kind", "date", "time_of_day", "estimated", "amount", "announced_until"]]
        return told.astype(object).where(told.notna(), None).values.tolist()

    return read


def test_what_is_to_come_is_told_and_the_rest_is_not_known(read):
    earnings, dividend = date(2026, 12, 3), date(2026, 12, 15)
    rows = [[*row[:2], row[2] and row[2].date(), *row[3:]] for row in read(CSV, "U", "F")]
    assert rows == [
        ["F", "earnings", None, None, None, None, None],
        ["F", "ex_dividend", None, None, None, None, None],
        ["U", "earnings", earnings, "after_close", True, None, None],
        ["U", "ex_dividend", dividend, None, None, 0.25, None],
    ]


def test_json_says_the_same(read):
    (row, _) = read('[{"symbol": "U", "kind": "earnings", "date": "2026-12-03", "estimated": false}]', "U")
    assert row[:2] == ["U", "earnings"]
    assert row[4] is False


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("symbol,date\nU,2026-12-03\n", "no column kind"),
        ("symbol,kind,date\nU,split,2026-12-03\n", "row 1: kind 'split'"),
        ("symbol,kind,date\nU,earnings,soon\n", "row 1: 'soon' is not a date"),
        ("symbol,kind,date\n$$,earnings,2026-12-03\n", "row 1: '\\$\\$' is not a symbol"),
        ("symbol,kind,date,amount\nU,dividend,2026-12-03,-1\n", "amount -1 is negative"),
        ("symbol,kind,date,time_of_day\nU,earnings,2026-12-03,noon\n", "time_of_day 'noon'"),
        ('[{"symbol": "U"', "JSON is damaged"),
        ('{"symbol": "U"}', "a list of objects"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_with_the_row(read, text, why):
    with pytest.raises(BadEventsFile, match=why):
        read(text, "U")


def test_a_missing_file_is_named(tmp_path, now):
    with pytest.raises(BadEventsFile, match="nowhere.csv was refused; .* check WHEEL_EVENTS__FILE"):
        FileEvents(tmp_path / "nowhere.csv").events(["U"], UNTIL, now)
