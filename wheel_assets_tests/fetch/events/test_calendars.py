"""Nasdaq's calendars and Finnhub at a loopback fake, with the traps that their answers have."""

from __future__ import annotations

from datetime import date

import pytest

from wheel_assets.errors import RateLimited, SourceError, SourceRefused, UnexpectedAnswer
from wheel_assets.fetch.events.finnhub import FinnhubEarnings
from wheel_assets.fetch.events.nasdaq import NasdaqCalendar

EARNINGS, DIVIDENDS, FINNHUB = "/api/calendar/earnings", "/api/calendar/dividends", "/api/v1/calendar/earnings"
FRIDAY, MONDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 24)
NOTHING = {"data": None, "message": None, "status": {"rCode": 200}}


def earnings(*rows: tuple[str, str]):
    """An answer of the earnings calendar, with the display text that surrounds what counts."""
    told = [
        {"symbol": symbol, "time": hour, "epsForecast": "($0.12)", "marketCap": "$1,234", "lastYearRptDt": "N/A"}
        for symbol, hour in rows
    ]
    return {"data": {"asOf": "Mon, Nov 23, 2026", "rows": told or None}, "status": {"rCode": 200}}


def dividends(*rows: tuple[str, str, object]):
    told = [
        {"symbol": symbol, "dividend_Ex_Date": ex, "dividend_Rate": rate, "announcement_Date": "N/A"}
        for symbol, ex, rate in rows
    ]
    return {"data": {"calendar": {"rows": told or None}}, "status": {"rCode": 200}}


@pytest.fixture
def ask(fake, calls, waits, now, vendors):
    """Events until Tuesday; the calendars answer by the day that is asked for."""
    answers = {}

    def reply(seen):
        return answers.get((seen.path, seen.query["date"]), vendors.Reply(NOTHING))

    fake.on(EARNINGS, reply)
    fake.on(DIVIDENDS, reply)

    def ask(*symbols, remember=None, **days):
        answers.update({(path, f"{day}"): vendors.Reply(body) for (path, day), body in days.pop("days", {}).items()})
        source = NasdaqCalendar(fake.url, calls.append, *([remember] if remember else []), sleep=waits.append)
        return source.events(symbols, TUESDAY, now)

    return ask


def rows(fetched):
    frame = fetched.frame
    told = frame[["symbol", "kind", "date", "time_of_day", "estimated", "amount", "announced_until"]]
    plain = told.astype(object).where(told.notna(), None).values.tolist()
    return [[*row[:2], row[2] and row[2].date(), *row[3:6], row[6] and row[6].date()] for row in plain]


def test_a_day_tells_hour_and_amount_and_the_rest_is_not_announced_until(ask):
    days = {
        (EARNINGS, MONDAY): earnings(("U", "time-after-hours"), ("F", "time-pre-market"), ("XXX", "time-not-supplied")),
        (DIVIDENDS, TUESDAY): dividends(("BRK/B", "11/24/2026", 0.25), ("F", "11/24/2026", "$0.15")),
    }
    assert rows(ask("U", "F", "BRK.B", days=days)) == [
        ["BRK.B", "earnings", None, None, None, None, TUESDAY],
        ["BRK.B", "ex_dividend", TUESDAY, None, False, 0.25, TUESDAY],
        ["F", "earnings", MONDAY, "before_open", True, None, TUESDAY],
        ["F", "ex_dividend", TUESDAY, None, False, 0.15, TUESDAY],
        ["U", "earnings", MONDAY, "after_close", True, None, TUESDAY],
        ["U", "ex_dividend", None, None, None, None, TUESDAY],
    ]


def test_only_weekdays_are_asked_and_as_a_browser(ask, fake):
    ask("U")
    assert sorted({seen.query["date"] for seen in fake.seen}) == [f"{day}" for day in (FRIDAY, MONDAY, TUESDAY)]
    assert all("Mozilla" in seen.headers["User-Agent"] for seen in fake.seen)


def test_a_day_is_asked_once_for_all_symbols_and_none_of_it_is_forgotten(ask, fake):
    kept = {}

    def remember(name, fetch):
        return kept.setdefault(name, None) or kept.__setitem__(name, fetch()) or kept[name]

    ask("U", remember=remember)
    assert rows(ask("F", remember=remember))[0][:2] == ["F", "earnings"]
    assert len(fake.seen) == 6


def test_a_day_that_fails_ends_what_is_known_and_says_so(ask):
    fetched = ask("U", days={(EARNINGS, TUESDAY): {"data": None, "status": {"rCode": 400}}})
    assert {row[6] for row in rows(fetched)} == {MONDAY}
    assert fetched.notes[0].startswith("events are known up to 2026-11-23 only: Nasdaq sent no calendar")


@pytest.mark.parametrize(
    "body",
    [
        {"data": None, "status": {"rCode": 400}},
        {"data": {"rows": "none"}},
        {"status": {}},
        "<html>",
        [],
    ],
)
def test_another_shape_is_an_error(ask, body):
    with pytest.raises(UnexpectedAnswer):
        ask("U", days={(EARNINGS, FRIDAY): body})


def test_another_day_than_was_asked_for_is_an_error(ask):
    with pytest.raises(UnexpectedAnswer, match="2026-11-19 instead of 2026-11-20"):
        ask("U", days={(DIVIDENDS, FRIDAY): dividends(("U", "11/19/2026", 0.1))})


@pytest.fixture
def finnhub(fake, calls, waits):
    return FinnhubEarnings(fake.url, "planted-finnhub-key", calls.append, sleep=waits.append)


def test_finnhub_knows_earnings_and_nothing_of_dividends(fake, finnhub, vendors, now):
    listed = [{"symbol": "U", "date": "2026-11-23", "hour": "bmo"}, {"symbol": "U", "date": "", "hour": ""}]
    fake.on(FINNHUB, vendors.Reply({"earningsCalendar": listed}))
    assert rows(finnhub.events(["U"], TUESDAY, now)) == [
        ["U", "earnings", MONDAY, "before_open", None, None, TUESDAY],
        ["U", "ex_dividend", None, None, None, None, None],
    ]
    assert fake.seen[0].query == {"from": "2026-11-20", "to": "2026-11-24", "symbol": "U"}
    assert fake.seen[0].headers["X-Finnhub-Token"] == "planted-finnhub-key"


def test_one_symbol_that_fails_costs_itself(fake, finnhub, vendors, now):
    fake.on(FINNHUB, vendors.Reply({"earningsCalendar": []}), vendors.Reply({"error": "no"}, 404))
    fetched = finnhub.events(["U", "F"], TUESDAY, now)
    assert (set(fetched.frame["symbol"]), list(fetched.not_fetched)) == ({"U"}, ["F"])


@pytest.mark.parametrize(("status", "kind"), [(401, SourceRefused), (403, SourceRefused), (429, RateLimited)])
def test_a_refusal_ends_the_asking_and_shows_no_key(fake, finnhub, vendors, now, status, kind):
    fake.on(FINNHUB, vendors.Reply({"error": "planted-finnhub-key is not valid"}, status))
    with pytest.raises(kind) as refused:
        finnhub.events(["U", "F", "SMCI"], TUESDAY, now)
    assert "planted" not in str(refused.value)
    assert len(fake.seen) <= 3


@pytest.mark.parametrize("bad", ["reset", "cut", "html", "list"])
def test_a_damaged_answer_is_one_line(fake, finnhub, vendors, now, bad):
    replies = {
        "reset": vendors.Reply({}, reset=True),
        "cut": vendors.Reply({"earningsCalendar": []}, cut=True),
        "html": vendors.Reply("<html>", content_type="text/html"),
        "list": vendors.Reply({"earningsCalendar": {"U": 1}}),
    }
    fake.on(FINNHUB, replies[bad])
    with pytest.raises(SourceError) as failed:
        finnhub.events(["U"], TUESDAY, now)
    assert "\n" not in str(failed.value)
