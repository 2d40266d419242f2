"""Databento's historical API, by its specification, and the money it costs."""

from contextlib import nullcontext
from datetime import UTC, date, datetime

import pandas as pd
import pytest

from wheel_assets import errors
from wheel_assets.cache.store.store import Store, utc_now
from wheel_assets.cache.upkeep.ledger import Ledger
from wheel_assets.fetch.databento.market import DatabentoMarket, sessions
from wheel_assets.fetch.http.client import ApiCall
from wheel_assets.tables import OPTION_CHAINS

RANGE, COST, DOWNLOAD = "/v0/metadata.get_dataset_range", "/v0/metadata.get_cost", "/v0/timeseries.get_range"


@pytest.fixture
def databento(fake, vendors):
    return vendors.Databento(fake)


@pytest.fixture
def ask(fake, calls, waits, now, tmp_path):
    """The frame of a chain, checked against its table; within a budget, what it costs is in a ledger too."""

    def chain(symbol="XYZ", at=now, budget=None, spent=0.0):
        record, reserve = calls.append, free
        if budget is not None:
            record, reserve = held_to(Ledger(Store(tmp_path / f"{len(calls)}.duckdb")), budget, spent)
        options = {"reserve": reserve, "rate": 0.0, "sleep": waits.append}
        rows = DatabentoMarket(fake.url, "db-key", record, **options).option_chain(symbol, at)
        OPTION_CHAINS.conform(rows.frame)
        return rows

    def free(*_):
        return nullcontext()

    def held_to(ledger, budget, spent):
        ledger.record(ApiCall(utc_now(), "databento", "/x", 200, 1.0, 10, spent, None, None))

        def record(call):
            calls.append(call)
            ledger.record(call)

        return record, lambda *hold: ledger.reserve(*hold, budget)

    return chain


def asked(fake, schema):
    return [seen.form for seen in fake.seen if seen.path == DOWNLOAD and seen.form["schema"] == schema]


def test_definitions_quotes_and_open_interest_make_a_chain(ask, databento):
    frame = ask().frame.set_index("option_symbol")
    row = frame.loc["XYZ   270115P00095000"]
    assert len(frame) == 42
    assert (row.bid, row.ask, row["last"]) == (4.95, 5.05, 5.0)
    assert (row.bid_size, row.ask_size, row.open_interest, row.multiplier) == (12, 20, 4821, 100)
    assert (row.expiration, row.strike) == (pd.Timestamp("2027-01-15"), 95.0)
    assert row.timestamp == pd.Timestamp("2026-11-20 20:14")


def test_the_price_comes_from_put_call_parity(ask, databento):
    rows = ask()
    assert set(rows.frame["spot_price"]) == {99.0}
    assert "implied by put-call parity of the 2027-01-15 expiration" in rows.notes[0]


def test_the_key_is_the_user_of_basic_authentication(ask, databento, fake):
    ask()
    assert {seen.headers["Authorization"] for seen in fake.seen} == {"Basic ZGIta2V5Og=="}  # db-key:


def test_the_end_is_what_the_key_may_see(ask, databento, fake):
    databento.end = "2026-11-20T18:00:00.000000000Z"
    ask()
    (form,) = asked(fake, "cbbo-1m")
    assert (form["start"], form["end"]) == ("2026-11-20T17:30:00Z", "2026-11-20T18:00:00Z")
    (form,) = asked(fake, "definition")
    assert (form["start"], form["end"]) == ("2026-11-20T00:00:00Z", "2026-11-20T18:00:00Z")
    assert (form["symbols"], form["stype_in"], form["encoding"]) == ("XYZ.OPT", "parent", "csv")


def test_a_day_without_quotes_is_the_session_before(ask, databento, fake):
    databento.end, databento.days_with_quotes = "2026-11-27T20:15:00Z", {"2026-11-25"}  # 26 November: Thanksgiving
    ask(at=datetime(2026, 11, 27, 20, 30, tzinfo=UTC))
    assert [form["end"] for form in asked(fake, "cbbo-1m")] == [
        "2026-11-27T18:00:00Z",  # an early close
        "2026-11-25T21:00:00Z",
    ]


def test_no_quotes_in_four_sessions_is_an_error(ask, databento):
    databento.days_with_quotes = set()
    with pytest.raises(errors.NoContracts, match="no quotes of XYZ; in 4 sessions until 2026-11-20 20:15"):
        ask()


@pytest.mark.parametrize(
    ("end", "newest"),
    [
        (datetime(2026, 11, 20, 20, 15, tzinfo=UTC), datetime(2026, 11, 20, 20, 15, tzinfo=UTC)),  # in session
        (datetime(2026, 11, 22, 12, 0, tzinfo=UTC), datetime(2026, 11, 20, 21, 0, tzinfo=UTC)),  # Sunday
        (datetime(2026, 11, 20, 14, 0, tzinfo=UTC), datetime(2026, 11, 19, 21, 0, tzinfo=UTC)),  # before the bell
        (datetime(2026, 7, 10, 23, 0, tzinfo=UTC), datetime(2026, 7, 10, 20, 0, tzinfo=UTC)),  # summer time
    ],
)
def test_the_newest_session(end, newest):
    found = list(sessions(end))
    assert found[0] == newest
    assert len({session.date() for session in found}) == 4


def test_an_end_that_is_refused_is_moved_to_the_one_allowed(ask, databento, fake, vendors):
    detail = {
        "case": "data_end_after_available_end",
        "message": "too late",
        "payload": {"available_end": "2026-11-20T15:30:00Z"},
    }
    fake.on(DOWNLOAD, vendors.Reply({"detail": detail}, 422), databento.download)
    ask()
    assert [form["end"] for form in asked(fake, "cbbo-1m")] == ["2026-11-20T20:15:00Z", "2026-11-20T15:29:00Z"]


def test_a_contract_without_a_quote_stays(ask, databento):
    del databento.quotes[0]
    frame = ask().frame.set_index("option_symbol")
    assert frame.loc["XYZ   270115C00090000", "quote_quality"] == "missing"
    assert any("1 contracts without a quote in 30 minutes" in note for note in ask().notes)


def test_the_last_quote_of_the_window_counts(ask, databento):
    older = ["2026-11-20T19:50:00.000000000Z", *databento.quotes[0][1:6], "0.010000000", "0.020000000", 1, 1]
    databento.quotes.append(older)
    assert ask().frame["bid"].min() > 1


@pytest.mark.parametrize("nothing", ["", "9223372036854775807", "9223372036.854775807"])
def test_a_price_of_nothing_is_null(ask, databento, nothing):
    databento.quotes[0][6] = nothing
    row = ask().frame.set_index("option_symbol").loc["XYZ   270115C00090000"]
    assert pd.isna(row.bid)
    assert row.quote_quality == "no_bid"


@pytest.mark.parametrize("nothing", ["4294967295", "2147483647", ""])
def test_a_size_and_an_interest_of_nothing_are_null(ask, databento, nothing):
    databento.quotes[0][8] = nothing
    databento.statistics = [[*row[:3], nothing, row[4]] for row in databento.statistics]
    frame = ask().frame.set_index("option_symbol")
    assert pd.isna(frame.loc["XYZ   270115C00090000", "bid_size"])
    assert frame["open_interest"].isna().all()


def test_a_price_in_billionths_is_read_as_one(ask, databento):
    for row in databento.quotes:
        row[4], row[6], row[7] = (str(round(float(price) * 1e9)) for price in (row[4], row[6], row[7]))
    row = ask().frame.set_index("option_symbol").loc["XYZ   270115P00095000"]
    assert (row.bid, row.ask, row["last"], row.bid_size) == (4.95, 5.05, 5.0, 12)


def test_the_open_interest_is_that_of_a_venue_that_tells_it(ask, databento):
    for row in databento.statistics[2::4]:
        row[3] = "9223372036854775807"
    assert set(ask().frame["open_interest"]) == {4821}


@pytest.fixture
def without_parity(databento):
    """Too few pairs of puts and calls to imply a price, and the stock itself in EQUS.MINI."""
    databento.quotes = databento.quotes[:8]
    stamps = [f"2026-11-20T20:{minute}:00.000000000Z" for minute in (2, 13)]
    bids, asks = ("98.000000000", "99.080000000"), ("98.100000000", "99.120000000")
    databento.shares = [
        [stamp, stamp, 7, "N", "99.500000000", 1, bid, ask, 3, 4]
        for stamp, bid, ask in zip(stamps, bids, asks, strict=True)
    ]
    return databento


def test_without_parity_the_price_is_that_of_the_shares(ask, without_parity, fake):
    rows = ask()
    assert set(rows.frame["spot_price"]) == {99.1}
    assert "XYZ: share price of EQUS.MINI: too few puts and calls" in rows.notes[0]
    (form,) = asked(fake, "bbo-1m")
    assert (form["dataset"], form["symbols"], form["stype_in"]) == ("EQUS.MINI", "XYZ", "raw_symbol")
    assert (form["start"], form["end"]) == ("2026-11-20T19:45:00Z", "2026-11-20T20:15:00Z")


def test_the_price_of_the_shares_is_paid_for_as_well(ask, without_parity, fake, calls):
    ask()
    assert fake.paths()[-2:] == [COST, DOWNLOAD]
    assert sum(call.cost_usd for call in calls) == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("bid", "ask_price", "price"), [("", "99.120000000", 99.5), ("99.200000000", "99.100000000", 99.5)]
)
def test_without_two_sides_the_last_trade_of_the_shares_counts(ask, without_parity, bid, ask_price, price):
    without_parity.shares[-1][6:8] = bid, ask_price
    assert set(ask().frame["spot_price"]) == {price}


def test_shares_that_were_not_quoted_give_no_price(ask, without_parity):
    without_parity.shares = []
    with pytest.raises(errors.NoSpotPrice, match=r"too few puts and calls .*, and EQUS.MINI has no quote of it"):
        ask()


def test_shares_that_may_not_be_seen_give_no_price(ask, without_parity, fake, vendors):
    refusal = vendors.Reply({"detail": {"case": "license_not_found_unauthorized", "message": "no licence"}}, 403)
    fake.on(COST, *[vendors.Reply(0.01)] * 3, refusal)
    with pytest.raises(errors.NoSpotPrice, match="EQUS.MINI does not give it: .*no licence; use another market source"):
        ask()


def test_shares_beyond_the_budget_are_not_bought(ask, without_parity, fake):
    with pytest.raises(errors.NoSpotPrice, match=r"EQUS.MINI does not give it: .* would cost \$0.0100"):
        ask(budget=0.035)
    assert asked(fake, "bbo-1m") == []


def test_an_index_has_no_shares_to_look_up(ask, without_parity, fake):
    without_parity.definitions = [
        [*row[:2], row[2].replace("XYZ ", "SPXW"), *row[3:]] for row in without_parity.definitions
    ]
    with pytest.raises(errors.NoSpotPrice, match="an index is not traded in EQUS.MINI"):
        ask("SPX")
    assert asked(fake, "bbo-1m") == []


def test_quotes_that_contradict_each_other_imply_no_price(ask, databento):
    for number, row in enumerate(databento.quotes):
        row[6], row[7] = (f"{float(price) + number % 5:.9f}" for price in (row[6], row[7]))
    with pytest.raises(errors.NoSpotPrice):
        ask()


def test_what_the_vendor_warns_of_is_passed_on(ask, databento, fake):
    def partly(seen):
        reply = databento.download(seen)
        reply.status, reply.headers = 206, {"X-Warning": '["DeprecatedWarning: soon", 5]'}
        return reply

    fake.on(DOWNLOAD, partly)
    notes = ask().notes
    assert "XYZ: Databento knew only a part of the symbols that were asked for" in notes
    assert notes.count("XYZ: Databento warns: DeprecatedWarning: soon") == 1


def test_a_download_is_what_was_priced(ask, databento, fake):
    ask()
    priced = [seen.query for seen in fake.seen if seen.path == COST]
    bought = [seen.form for seen in fake.seen if seen.path == DOWNLOAD]
    assert sorted(priced, key=str) == sorted(({name: form[name] for name in priced[0]} for form in bought), key=str)


@pytest.mark.parametrize("schema", ["QUOTE", "DEFINITION", "STATISTIC"])
def test_a_missing_column_is_named(ask, databento, schema):
    setattr(databento, schema, getattr(databento, schema).replace("instrument_id", "other"))
    with pytest.raises(errors.UnexpectedAnswer, match="Databento's CSV has no instrument_id"):
        ask()


def test_every_download_is_priced_before_it_is_made(ask, databento, fake, calls):
    ask()
    assert fake.paths() == [RANGE, COST, COST, COST, DOWNLOAD, DOWNLOAD, DOWNLOAD]
    assert [call.cost_usd for call in calls] == [0, 0, 0, 0, 0.01, 0.01, 0.01]


@pytest.mark.parametrize(("spent", "refused"), [(49.96, False), (49.98, True), (60.0, True)])
def test_what_would_pass_the_budget_is_not_downloaded(ask, databento, fake, spent, refused):
    if not refused:
        assert len(ask(budget=50.0, spent=spent).frame) == 42
        return
    with pytest.raises(errors.BudgetExceeded) as raised:
        ask(budget=50.0, spent=spent)
    assert str(raised.value) == (
        f"XYZ from Databento would cost $0.0300; ${spent:.2f} of this month's $50.00 are spent; "
        "raise WHEEL_BUDGET__MONTHLY_USD or use another market source"
    )
    assert DOWNLOAD not in fake.paths()


def test_a_broken_download_is_paid_again_within_the_budget(ask, databento, fake, vendors, calls):
    fake.on(DOWNLOAD, vendors.Reply("ts_recv\n" * 50, cut=True), databento.download)
    assert len(ask(budget=50.0).frame) == 42
    assert sum(call.cost_usd for call in calls) == pytest.approx(0.04)


def test_a_broken_download_is_not_paid_again_beyond_the_budget(ask, databento, fake, vendors):
    broken = vendors.Reply("ts_recv\n" * 50, cut=True)
    fake.on(DOWNLOAD, broken, broken, databento.download)
    with pytest.raises(errors.BudgetExceeded, match=r"\$0.03 of this month's \$0.03 are spent"):
        ask(budget=0.03)
    assert fake.paths().count(DOWNLOAD) == 1  # the rest of the chain could not be paid for any more


def test_a_refused_download_is_not_counted_as_spent(ask, databento, fake, vendors, calls):
    fake.on(DOWNLOAD, vendors.Reply({"detail": {"case": "account_insufficient_funds", "message": "no funds"}}, 402))
    with pytest.raises(errors.SourceRefused, match="no funds") as raised:
        ask()
    assert raised.value.code == "account_insufficient_funds"
    assert sum(call.cost_usd for call in calls) == 0


@pytest.mark.parametrize("price", ["free", None, -1, "NaN"])
def test_an_unreadable_price_stops_before_the_download(ask, databento, fake, vendors, price):
    fake.on(COST, vendors.Reply(price, content_type="application/json") if price else vendors.Reply([]))
    with pytest.raises(errors.UnexpectedAnswer):
        ask()
    assert DOWNLOAD not in fake.paths()


def test_an_unknown_symbol(ask, databento, fake, vendors):
    detail = {"case": "symbology_invalid_request", "message": "None of the symbols could be resolved"}
    fake.on(COST, vendors.Reply({"detail": detail}, 422))
    with pytest.raises(errors.UnknownSymbol, match="Databento lists no options on NOPE"):
        ask("NOPE")


def test_a_bad_key_says_so_and_is_not_repeated(ask, databento, fake, vendors):
    fake.on(RANGE, vendors.Reply({"detail": "Authentication failed: db-key"}, 401))
    with pytest.raises(errors.SourceRefused, match=r"HTTP 401 Authentication failed: \*\*\*; check key"):
        ask()


@pytest.mark.parametrize("document", [{"end": None}, {"end": "soon"}, {"end": 5, "schema": []}, {}, []])
def test_an_unreadable_range_is_refused(ask, databento, fake, vendors, document):
    fake.on(RANGE, vendors.Reply(document))
    with pytest.raises(errors.UnexpectedAnswer):
        ask()


def test_a_key_must_be_set(calls):
    with pytest.raises(errors.SettingError, match="WHEEL_DATABENTO__API_KEY is not set"):
        DatabentoMarket("https://hist.databento.com", None, calls.append, reserve=nullcontext)


def test_an_index_has_two_parents(ask, databento, fake):
    databento.definitions = [[*row[:2], row[2].replace("XYZ ", "SPXW"), *row[3:]] for row in databento.definitions]
    ask("SPX")
    assert asked(fake, "definition")[0]["symbols"] == "SPX.OPT,SPXW.OPT"


def test_the_expiration_does_not_slip_to_the_day_before(ask, databento):
    assert set(ask().frame["expiration"].dt.date) == {date(2027, 1, 15)}
