"""The risk-free rate: newest published value, percent to decimal, a week's patience."""

import math
from datetime import UTC, date, datetime

import pytest

from wheel_assets import errors
from wheel_assets.fetch.constant import ConstantRate
from wheel_assets.fetch.rates import FirstOf, FredRate, TreasuryRate, continuous
from wheel_assets.fetch.source import Rate
from wheel_assets.tables import RISK_FREE_RATE

FRED = "/fred/series/observations"
TREASURY = "/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv/{}/all"
KEY = "0123456789abcdef0123456789abcdef"
HEADER = 'Date,"1 Mo","1.5 Month","2 Mo","3 Mo","4 Mo"\n'


@pytest.fixture
def fred(fake, calls, waits, vendors, now):
    def rate(*observations, at=now, **reply):
        rows = [{"date": day, "value": value} for day, value in observations]
        fake.on(FRED, vendors.Reply(**({"body": {"observations": rows}} | reply)))
        return FredRate(fake.url, KEY, calls.append, sleep=waits.append).risk_free_rate(at)

    return rate


@pytest.fixture
def treasury(fake, calls, waits, vendors, now):
    def rate(*lines, at=now, header=HEADER, **reply):
        fake.on(
            TREASURY.format(at.year), vendors.Reply(header + "\n".join(lines) + "\n", content_type="text/csv", **reply)
        )
        return TreasuryRate(fake.url, calls.append, sleep=waits.append).risk_free_rate(at)

    return rate


def test_a_yield_is_compounded_continuously():
    # 3.97 percent simple for three months: one dollar becomes 1 + 0.0397 / 4 in a quarter.
    assert math.exp(continuous(3.97) / 4) == pytest.approx(1 + 0.0397 / 4)
    assert continuous(0.0) == 0.0


def test_the_constant_is_what_the_user_set(now):
    rate = ConstantRate(0.04).risk_free_rate(now)
    assert (rate.value, rate.date, rate.source) == (0.04, date(2026, 11, 20), "constant")


def test_fred_gives_the_newest_published_value(fred, fake):
    rate = fred(("2026-11-20", "."), ("2026-11-19", "3.97"), ("2026-11-18", "3.90"))
    assert (rate.value, rate.date, rate.source) == (continuous(3.97), date(2026, 11, 19), "FRED DGS3MO")
    query = fake.seen[0].query
    assert (query["series_id"], query["sort_order"], query["file_type"]) == ("DGS3MO", "desc", "json")


@pytest.mark.parametrize("order", [1, -1])
def test_observations_may_come_in_any_order(fred, order):
    rows = [("2026-11-18", "3.90"), ("2026-11-19", "3.97"), ("2026-11-20", "")]
    assert fred(*rows[::order]).value == continuous(3.97)


def test_the_treasury_gives_the_newest_published_value(treasury):
    lines = ["11/18/2026,4.00,4.01,4.02,3.90,3.8", "11/19/2026,4.00,,4.02,3.97,3.8", "11/20/2026,4.00,4.01,4.02,,3.8"]
    rate = treasury(*lines)
    assert (rate.value, rate.date, rate.source) == (continuous(3.97), date(2026, 11, 19), "US Treasury 3 Mo")


def test_a_year_that_has_no_value_yet_is_the_year_before(treasury, fake, vendors):
    body = HEADER + "12/31/2026,4.00,4.01,4.02,3.91,3.8\n"
    fake.on(TREASURY.format(2026), vendors.Reply(body, content_type="text/csv"))
    assert treasury(at=datetime(2027, 1, 2, 15, tzinfo=UTC)).date == date(2026, 12, 31)


@pytest.mark.parametrize(("newest", "carried"), [("2026-11-13", True), ("2026-11-12", False)])
def test_a_value_is_carried_for_seven_days(fred, newest, carried):
    if carried:
        assert fred((newest, "3.97")).date == date.fromisoformat(newest)
    else:
        with pytest.raises(errors.UnexpectedAnswer, match="too old; its newest value is of 2026-11-12"):
            fred((newest, "3.97"))


@pytest.mark.parametrize("value", ["25.01", "-1.01", "397"])
def test_an_absurd_value_is_refused(fred, value):
    with pytest.raises(errors.UnexpectedAnswer, match="is absurd"):
        fred(("2026-11-19", value))


@pytest.mark.parametrize("observations", [[], [("2026-11-19", ".")], [("soon", "3.97")], [("2026-12-24", "3.97")]])
def test_no_value_is_an_error(fred, observations):
    with pytest.raises(errors.UnexpectedAnswer, match="FRED DGS3MO has no value"):
        fred(*observations)


@pytest.mark.parametrize("body", [{"observations": None}, {"observations": {}}, {"error": 1}, []])
def test_fred_in_another_shape_is_refused(fred, body):
    with pytest.raises(errors.UnexpectedAnswer):
        fred(body=body)


@pytest.mark.parametrize(
    ("header", "words"),
    [("<html>\n", "instead of CSV"), ("A,B\n", "has no Date and 3 Mo; it has"), ('"Date', "damaged CSV")],
)
def test_the_treasury_in_another_shape_is_refused(treasury, header, words):
    with pytest.raises(errors.UnexpectedAnswer, match=words):
        treasury("11/19/2026,4.00", header=header)


def test_a_row_cut_short_has_no_value(treasury):
    assert treasury("11/18/2026,4.00,4.01,4.02,3.90,3.8", "11/19/2026,4.0").date == date(2026, 11, 18)


def test_a_bad_key_is_not_repeated(fred, calls):
    body = {
        "error_code": 400,
        "error_message": f"Bad Request.  The value {KEY} for variable api_key is not registered.",
    }
    with pytest.raises(errors.SourceError, match="The value .* for variable api_key is not registered") as raised:
        fred(body=body, status=400)
    assert KEY not in f"{raised.value!r} {vars(raised.value)} {calls}"


def test_the_next_source_is_asked_and_says_why(fake, calls, vendors, now):
    fake.on(FRED, vendors.Reply({"error_code": 400, "error_message": "not registered"}, 400))
    fred, constant = FredRate(fake.url, KEY, calls.append), ConstantRate(0.03)
    rate = FirstOf([fred, constant]).risk_free_rate(now)
    assert rate.value == 0.03
    assert len(rate.notes) == 1
    assert "not registered" in rate.notes[0]
    assert rate.notes[0].endswith("used constant")


def test_where_all_fail_the_first_one_speaks(fake, calls, vendors, now):
    fake.on(FRED, vendors.Reply({}, 404))
    source = FirstOf([FredRate(fake.url, KEY, calls.append), TreasuryRate(fake.url, calls.append)])
    with pytest.raises(errors.SourceError, match="fred did not accept"):
        source.risk_free_rate(now)


def test_a_rate_is_one_row_as_of_its_day():
    frame = Rate(0.0398, date(2026, 11, 19), "FRED DGS3MO", ("the first one failed",)).frame()
    (row,) = RISK_FREE_RATE.conform(frame).itertuples()
    assert (row.value, row.source, row.timestamp) == (0.0398, "FRED DGS3MO", datetime(2026, 11, 19))
    assert row.observation_date == row.timestamp
    assert frame.attrs["notes"] == ["the first one failed"]


@pytest.mark.parametrize(("hour", "day"), [(4, 19), (5, 20)])
def test_the_constant_is_never_of_a_day_that_has_not_begun(hour, day):
    now = datetime(2026, 11, 20, hour, tzinfo=UTC)  # midnight in New York is 05:00 UTC
    assert ConstantRate(0.04).risk_free_rate(now).date == date(2026, 11, day)
