"""Cboe's delayed quotes, by their specification."""

from collections import Counter

import pandas as pd
import pytest

from wheel_assets import errors
from wheel_assets.fetch.source import fetch_each
from wheel_assets.tables import OPTION_CHAINS

PATH = "/api/global/delayed_quotes/options/{}.json"


@pytest.fixture
def ask(cboe, fake, vendors, now):
    """The rows of a document, checked against their table."""

    def chain(document, symbol="XYZ"):
        fake.on(PATH.format(symbol), vendors.Reply(document))
        rows = cboe.option_chain(symbol, now)
        OPTION_CHAINS.conform(rows.frame)
        return rows

    return chain


def test_a_chain_in_one_request(ask, fake, calls, vendors):
    row = ask(vendors.cboe_document()).frame.iloc[0]
    assert (row.option_symbol, row.bid, row.ask, row["last"]) == ("XYZ   270115P00095000", 1.10, 1.20, 1.15)
    assert (row.bid_size, row.ask_size, row.volume, row.open_interest) == (12, 20, 314, 4821)
    assert (row.iv, row.spot_price, row.multiplier, row.source) == (0.2413, 99.90, 100, "cboe")
    assert fake.paths() == [PATH.format("XYZ")]
    assert [call.key for call in calls] == ["XYZ"]


def test_what_its_terms_and_its_delay_are_is_told_with_every_chain(ask, vendors):
    notes = ask(vendors.cboe_document()).notes
    assert notes == ("XYZ: quotes delayed by about 15 minutes; Cboe's terms: personal, non-commercial use",)


@pytest.mark.parametrize(
    ("last_trade_time", "utc"),
    [
        ("2026-11-20T15:00:12", "2026-11-20 20:00:12"),  # winter: five hours
        ("2026-07-10T15:00:12", "2026-07-10 19:00:12"),  # summer: four
        ("2026-11-20T15:00:12-05:00", "2026-11-20 20:00:12"),
        ("2026-11-20 15:00:12", "2026-11-20 20:00:12"),
    ],
)
def test_the_quotes_are_as_of_the_last_trade_in_new_york(ask, vendors, last_trade_time, utc):
    frame = ask(vendors.cboe_document(last_trade_time=last_trade_time)).frame
    assert frame["timestamp"].tolist() == [pd.Timestamp(utc)]


@pytest.mark.parametrize("bad", [None, "", "yesterday", 1795208399, "9999-12-31T23:59:59"])
def test_quotes_without_a_time_are_refused(ask, vendors, bad):
    with pytest.raises(errors.UnexpectedAnswer, match="last_trade_time is"):
        ask(vendors.cboe_document(last_trade_time=bad))


@pytest.mark.parametrize(
    ("changes", "spot"),
    [
        ({"current_price": 0}, 99.5),
        ({"current_price": None, "close": "101.25"}, 101.25),
        ({"current_price": None, "close": None}, pytest.approx(99.90)),
    ],
)
def test_the_price_falls_back_to_close_and_mid(ask, vendors, changes, spot):
    rows = ask(vendors.cboe_document(**changes))
    assert rows.frame["spot_price"].tolist() == [spot]
    assert "is used as its price" in rows.notes[1]


def test_no_price_at_all_is_an_error(ask, vendors):
    with pytest.raises(errors.NoSpotPrice):
        ask(vendors.cboe_document(current_price=None, close=None, bid=None))


@pytest.mark.parametrize("bad", [None, "NaN", -999.0, 0.0, 8.27, ""])
def test_a_volatility_that_is_none_is_null(ask, vendors, bad):
    assert ask(vendors.cboe_document(vendors.cboe_option(iv=bad))).frame["iv"].isna().all()


def test_expired_and_adjusted_rows_are_left_out_and_only_these_told(ask, vendors):
    codes = ["XYZ270115P00095000", "XYZ261113P00095000", "XYZ1270115P00095000"]
    rows = ask(vendors.cboe_document(*map(vendors.cboe_option, codes)))
    assert rows.frame["option_symbol"].tolist() == ["XYZ   270115P00095000"]
    assert [note for note in rows.notes if "left out" in note] == [
        "XYZ: 1 contracts left out: adjusted (other deliverable than 100 shares)"
    ]


@pytest.mark.parametrize(("symbol", "second"), [("SPX", "SPXW"), ("VIX", "VIXW"), ("NDX", "NDXP"), ("OEX", "XEO")])
def test_indices_have_an_underscore_and_may_have_two_roots(cboe, fake, vendors, now, symbol, second):
    options = [vendors.cboe_option(f"{root}270115P05000000") for root in (symbol, second)]
    fake.on(PATH.format(f"_{symbol}"), vendors.Reply(vendors.cboe_document(*options)))
    codes = cboe.option_chain(symbol, now).frame["option_symbol"]
    assert codes.str[:6].str.strip().tolist() == [symbol, second]


def test_a_share_class_is_tried_without_its_dot(cboe, fake, vendors, now):
    fake.on(PATH.format("BRKB"), vendors.Reply(vendors.cboe_document(vendors.cboe_option("BRKB270115P00095000"))))
    assert cboe.option_chain("BRK.B", now).frame["symbol"].tolist() == ["BRK.B"]
    assert fake.paths() == [PATH.format("BRK.B"), PATH.format("BRKB")]


@pytest.mark.parametrize("status", [403, 404])
def test_an_unknown_symbol_is_told_from_a_blocked_client(cboe, fake, vendors, now, status):
    fake.on(PATH.format("NOPE"), vendors.Reply("<Error/>", status, "application/xml"))
    fake.on(PATH.format("SPY"), vendors.Reply(vendors.cboe_document()), vendors.Reply("", 403))
    for _ in range(2):
        with pytest.raises(errors.UnknownSymbol, match="Cboe has no chain for NOPE"):
            cboe.option_chain("NOPE", now)
    assert fake.paths().count(PATH.format("SPY")) == 1


def test_a_client_that_is_shut_out_in_the_middle_of_a_run_does_not_blame_the_ticker(cboe, fake, vendors, now):
    fake.on(PATH.format("XYZ"), vendors.Reply(vendors.cboe_document()))
    assert len(cboe.option_chain("XYZ", now).frame) == 1
    for symbol in ("PLTR", "SPY"):
        fake.on(PATH.format(symbol), vendors.Reply("", 403))
    with pytest.raises(errors.SourceRefused, match="Cboe is refusing this client"):
        cboe.option_chain("PLTR", now)


def test_whether_it_is_blocked_is_found_out_once_for_all_that_ask_at_the_same_time(cboe, fake, vendors, now):
    fake.on(PATH.format("SPY"), vendors.Reply(vendors.cboe_document()))
    with pytest.raises(errors.UnknownSymbol):
        fetch_each(["A", "B", "C", "D"], lambda symbol: cboe.option_chain(symbol, now), 4)
    assert Counter(fake.paths())[PATH.format("SPY")] == 1


@pytest.mark.parametrize("symbol", ["NOPE", "SPY"])
def test_a_client_that_is_blocked_for_all_is_told_so(cboe, fake, vendors, now, symbol):
    fake.on(PATH.format(symbol), vendors.Reply("", 403))
    fake.on(PATH.format("SPY"), vendors.Reply("", 403))
    with pytest.raises(errors.SourceRefused, match="Cboe is refusing this client") as raised:
        cboe.option_chain(symbol, now)
    assert raised.value.status == 403


def test_a_rate_limit_stops_at_once(cboe, fake, vendors, now, waits):
    fake.on(PATH.format("XYZ"), vendors.Reply("", 429))
    with pytest.raises(errors.RateLimited):
        cboe.option_chain("XYZ", now)
    with pytest.raises(errors.RateLimited, match="cboe limits the rate"):
        cboe.option_chain("ABC", now)
    assert (len(fake.seen), waits) == (1, [])


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"error": 1}, "no data among its keys"),
        ({"data": []}, "no list of data.options"),
        ({"data": {"options": {}}}, "no list of data.options"),
        ({"data": {"options": [{"option": "XYZ270115P00095000"}]}}, "its options have no bid, ask"),
    ],
)
def test_another_layout_is_refused(ask, document, words):
    with pytest.raises(errors.UnexpectedAnswer, match=words):
        ask(document)


def test_what_is_no_object_among_the_options_is_counted(ask, vendors):
    document = vendors.cboe_document(vendors.cboe_option(), None, "x", [])
    assert "XYZ: 3 contracts left out: with an unreadable code" in ask(document).notes


def test_an_empty_chain_is_an_error(ask, vendors):
    with pytest.raises(errors.NoContracts, match="no contracts for XYZ from cboe"):
        ask(vendors.cboe_document(options=[]))


@pytest.mark.slow
def test_thirty_thousand_contracts_are_all_read(ask, vendors):
    codes = [f"XYZ270115{right}{strike:08d}" for right in "CP" for strike in range(1000, 15_001_000, 1000)]
    frame = ask(vendors.cboe_document(*map(vendors.cboe_option, codes))).frame
    assert len(frame) == len(codes) == 30_000
    assert frame["strike"].sum() == 2 * sum(range(1, 15_001))
