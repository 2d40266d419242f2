"""The risk-free rate by tenor: newest published day, percent to decimal, a week's patience."""

import math
from datetime import UTC, date, datetime

import pytest

from wheel_assets import errors
from wheel_assets.fetch.rates.constant import ConstantRate
from wheel_assets.fetch.rates.published import FirstOf, FredCsvRate, FredRate, TreasuryRate
from wheel_assets.fetch.source import Rate
from wheel_assets.tables import RISK_FREE_RATE

FRED, FRED_CSV = "/fred/series/observations", "/graph/fredgraph.csv"
TREASURY = "/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv/{}/all"
KEY = "0123456789abcdef0123456789abcdef"
HEADER = 'Date,"1 Mo","1.5 Month","2 Mo","3 Mo","4 Mo"\n'


@pytest.fixture
def fred(fake, calls, waits, vendors, now):
    """FRED with these observations of three months, and of `others` by series; of no other series."""

    def rate(*observations, at=now, others=None, **reply):
        def answer(seen):
            pairs = {"DGS3MO": observations, **(others or {})}.get(seen.query["series_id"], ())
            body = {"observations": [{"date": day, "value": value} for day, value in pairs]}
            return vendors.Reply(**({"body": body} | reply))

        fake.on(FRED, answer)
        return FredRate(fake.url, KEY, calls.append, sleep=waits.append).risk_free_rate(at)

    return rate


@pytest.fixture
def fred_csv(fake, calls, waits, vendors, now):
    def rate(*lines, at=now, content_type="text/csv"):
        fake.on(FRED_CSV, vendors.Reply("\n".join(lines) + "\n", content_type=content_type))
        return FredCsvRate(fake.url, calls.append, sleep=waits.append).risk_free_rate(at)

    return rate


@pytest.fixture
def treasury(fake, calls, waits, vendors, now):
    def rate(*lines, at=now, header=HEADER, **reply):
        fake.on(
            TREASURY.format(at.year), vendors.Reply(header + "\n".join(lines) + "\n", content_type="text/csv", **reply)
        )
        return TreasuryRate(fake.url, calls.append, sleep=waits.append).risk_free_rate(at)

    return rate


def continuous(percent, years=0.25):
    """Simple interest until `years`: one dollar becomes 1 + y t, which is exp(r t)."""
    return math.log(1 + percent / 100 * years) / years


def test_the_constant_is_what_the_user_set(now):
    rate = ConstantRate(0.04).risk_free_rate(now)
    assert (rate.value, rate.date, rate.source) == (0.04, date(2026, 11, 20), "constant")
    assert len(rate.rows().frame) == 1


def test_fred_gives_the_newest_published_value(fred, fake):
    rate = fred(("2026-11-20", "."), ("2026-11-19", "3.97"), ("2026-11-18", "3.90"))
    assert (rate.value, rate.date, rate.source) == (pytest.approx(continuous(3.97)), date(2026, 11, 19), "fred")
    query = fake.seen[0].query
    assert (query["series_id"], query["sort_order"], query["file_type"]) == ("DGS3MO", "desc", "json")


@pytest.mark.parametrize("order", [1, -1])
def test_observations_may_come_in_any_order(fred, order):
    rows = [("2026-11-18", "3.90"), ("2026-11-19", "3.97"), ("2026-11-20", "")]
    assert fred(*rows[::order]).value == pytest.approx(continuous(3.97))


def test_fred_is_asked_for_six_tenors_of_one_day(fred, fake):
    others = {"DGS1MO": [("2026-11-19", "4.10")], "DGS6MO": [("2026-11-19", "3.90"), ("2026-11-20", "9.99")]}
    rate = fred(("2026-11-19", "3.97"), others=others | {"DGS1": [("2026-11-18", "3.80")]})
    percents = {1 / 12: 4.1, 0.25: 3.97, 0.5: 3.9}
    assert rate.zero_rates == pytest.approx({years: continuous(y, years) for years, y in percents.items()})
    assert {seen.query["series_id"] for seen in fake.seen} == {"DGS1MO", "DGS3MO", "DGS6MO", "DGS1", "DGS2", "DGS3"}
    assert rate.notes == ("fred has no DGS1, DGS2, DGS3 of 2026-11-19: left out",)


def test_a_tenor_that_cannot_be_had_is_left_out(fake, calls, waits, vendors, now):
    def answer(seen):
        good = seen.query["series_id"] != "DGS2"
        return vendors.Reply({"observations": [{"date": "2026-11-19", "value": "4"}]}, 200 if good else 500)

    fake.on(FRED, answer)
    rate = FredRate(fake.url, KEY, calls.append, sleep=waits.append).risk_free_rate(now)
    assert list(rate.zero_rates) == [1 / 12, 0.25, 0.5, 1.0, 3.0]
    assert [note[:36] for note in rate.notes] == ["DGS2 is left out: fred is failing; H"]


def test_a_key_that_is_refused_is_shown_once(fred, calls):
    with pytest.raises(errors.SourceError):
        fred(body={"error_message": "not registered"}, status=400)
    assert len(calls) == 1


@pytest.mark.parametrize("day", ["observation_date", "DATE"])
def test_fred_without_a_key_is_one_csv(fred_csv, fake, day):
    rate = fred_csv(f"{day},DGS3MO,DGS1MO,DGS1", "2026-11-18,3.9,4.0,3.7", "2026-11-19,3.97,4.1,3.71", "2026-11-20,.,,")
    assert (rate.value, rate.date, rate.source) == (pytest.approx(continuous(3.97)), date(2026, 11, 19), "fred")
    assert list(rate.zero_rates) == [1 / 12, 0.25, 1.0]
    query = fake.seen[0].query
    assert query["id"].split(",")[0] == "DGS3MO"
    assert (query["cosd"], query["coed"]) == ("2026-10-21", "2026-11-20")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["<html>Access Denied</html>"], "instead of CSV"),
        (["observation_date,DGS10", "2026-11-19,4"], "fred's CSV has no observation_date and DGS3MO"),
        (["observation_date,DGS3MO"], "fred has no value of DGS3MO"),
        (["observation_date,DGS3MO", "2026-11-19,."], "fred has no value of DGS3MO"),
        (["observation_date,DGS3MO", '2026-11-19,"4'], "damaged CSV"),
        ([""], "fred has no value"),
    ],
)
def test_another_csv_is_refused(fred_csv, lines, words):
    with pytest.raises(errors.UnexpectedAnswer, match=words):
        fred_csv(*lines)


def test_the_treasury_gives_the_newest_published_day(treasury):
    lines = ["11/18/2026,4.00,4.01,4.02,3.90,3.8", "11/19/2026,4.00,,4.02,3.97,3.8", "11/20/2026,4.00,4.01,4.02,,3.8"]
    rate = treasury(*lines)
    assert (rate.value, rate.date, rate.source) == (pytest.approx(continuous(3.97)), date(2026, 11, 19), "treasury")
    percents = {1 / 12: 4.0, 2 / 12: 4.02, 3 / 12: 3.97, 4 / 12: 3.8}
    assert rate.zero_rates == pytest.approx({years: continuous(y, years) for years, y in percents.items()})
    assert rate.notes == ("treasury has no 1.5 Month of 2026-11-19: left out",)


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


@pytest.mark.parametrize(("newest", "told"), [("2026-11-16", False), ("2026-11-15", True)])
def test_a_long_carry_is_told(fred, newest, told):
    notes = fred((newest, "3.97")).notes
    assert ("the newest rate of fred is of 2026-11-15, 5 days ago" in notes) is told


@pytest.mark.parametrize("value", ["25.01", "-1.01", "397"])
def test_an_absurd_value_is_refused(fred, value):
    with pytest.raises(errors.UnexpectedAnswer, match="is absurd"):
        fred(("2026-11-19", value))


@pytest.mark.parametrize("value", ["25.01", "-1.01", "397", "."])
def test_an_absurd_value_of_another_tenor_is_left_out(fred, value):
    rate = fred(("2026-11-19", "3.97"), others={"DGS1": [("2026-11-19", value)]})
    assert list(rate.zero_rates) == [0.25]


@pytest.mark.parametrize("observations", [[], [("2026-11-19", ".")], [("soon", "3.97")], [("2026-12-24", "3.97")]])
def test_no_value_is_an_error(fred, observations):
    with pytest.raises(errors.UnexpectedAnswer, match="fred has no value of DGS3MO"):
        fred(*observations)


@pytest.mark.parametrize("body", [{"observations": None}, {"observations": {}}, {"error": 1}, []])
def test_fred_in_another_shape_is_refused(fred, body):
    with pytest.raises(errors.UnexpectedAnswer):
        fred(body=body)


@pytest.mark.parametrize(
    ("header", "words"),
    [("<html>\n", "instead of CSV"), ("A,B\n", "CSV has no Date and 3 Mo; it has"), ('"Date', "damaged CSV")],
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
    assert rate.notes[0].endswith("used the constant")


@pytest.mark.parametrize(("asked", "waited"), [("20", [20.0]), ("40", [])])
def test_a_source_is_not_waited_for_while_another_publishes_the_same(fake, calls, vendors, now, waits, asked, waited):
    fake.on(FRED_CSV, vendors.Reply(status=429, headers={"Retry-After": asked}))
    with pytest.raises(errors.RateLimited):
        FredCsvRate(fake.url, calls.append, sleep=waits.append).risk_free_rate(now)
    assert waits[:1] == waited


def test_where_all_fail_each_is_heard(fake, calls, vendors, now):
    fake.on(FRED, vendors.Reply({}, 404))
    source = FirstOf([FredRate(fake.url, KEY, calls.append), TreasuryRate(fake.url, calls.append)])
    words = "fred did not .* then treasury did not .*WHEEL_RATE__SOURCE"
    with pytest.raises(errors.UnexpectedAnswer, match=words) as raised:
        source.risk_free_rate(now)
    assert (raised.value.source, raised.value.status) == ("fred", 404)


def test_a_rate_is_a_row_a_tenor_as_of_its_day():
    rows = Rate({1.0: 0.037, 0.25: 0.0398}, date(2026, 11, 19), "fred", ("the first one failed",)).rows()
    frame = rows.frame
    row, longer = RISK_FREE_RATE.conform(frame).itertuples()
    assert (row.value, row.tenor_years, row.source) == (0.0398, 0.25, "fred")
    assert row.timestamp == row.observation_date == datetime(2026, 11, 19)
    assert (longer.tenor_years, longer.value) == (1.0, 0.037)
    assert rows.notes == ("the first one failed",)


@pytest.mark.parametrize(("hour", "day"), [(4, 19), (5, 20)])
def test_the_constant_is_never_of_a_day_that_has_not_begun(hour, day):
    now = datetime(2026, 11, 20, hour, tzinfo=UTC)  # midnight in New York is 05:00 UTC
    assert ConstantRate(0.04).risk_free_rate(now).date == date(2026, 11, day)
