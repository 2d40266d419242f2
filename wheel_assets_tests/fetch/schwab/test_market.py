"""Chains from Schwab, by their specification."""

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets import errors
from wheel_assets.fetch.schwab.market import SchwabMarket, Window
from wheel_assets.fetch.source import fetch_each
from wheel_assets.tables import OPTION_CHAINS

CHAINS, QUOTES = "/marketdata/v1/chains", "/marketdata/v1/quotes"
TOO_BIG = {"fault": {"faultstring": "Body buffer overflow", "detail": {"errorcode": "protocol.http.TooBigBody"}}}
TODAY = date(2026, 11, 20)


@pytest.fixture
def ask(schwab, fake, vendors, now):
    """The frame of a document, checked against its table."""

    def chain(document=None, symbol="XYZ"):
        if document is not None:
            fake.on(CHAINS, vendors.Reply(document))
        rows = SchwabMarket(schwab).option_chain(symbol, now)
        OPTION_CHAINS.conform(rows.frame)
        return rows

    return chain


@pytest.fixture
def market_of(fake, vendors):
    """Serve these expirations; more days than `limit` in one answer are too many."""

    def serve(expirations, limit, refusal):
        def chain(seen):
            first, last = (date.fromisoformat(seen.query[name]) for name in ("fromDate", "toDate"))
            inside = [day for day in expirations if first <= day <= last]
            if len(inside) > limit:
                return refusal
            contracts = [vendors.schwab_contract(f"XYZ   {day:%y%m%d}P00095000") for day in inside]
            return vendors.Reply(vendors.schwab_chain(putExpDateMap={"x": {"95.0": contracts}}))

        fake.on(CHAINS, chain)

    return serve


def test_a_chain_in_one_request(ask, fake, vendors):
    row = ask(vendors.schwab_chain()).frame.iloc[0]
    assert (row.option_symbol, row.bid, row.ask, row["last"]) == ("XYZ   270115P00095000", 1.10, 1.20, 1.15)
    assert (row.bid_size, row.ask_size, row.volume, row.open_interest) == (12, 20, 314, 4821)
    assert (row.iv, row.spot_price, row.multiplier) == (pytest.approx(0.241), 99.9, 100)
    assert row.timestamp == pd.Timestamp(1795204799000, unit="ms")
    (seen,) = fake.seen
    assert seen.query["symbol"] == "XYZ"
    assert seen.query["includeUnderlyingQuote"] == "true"
    assert seen.query["fromDate"] == "2026-11-20"


def test_puts_and_calls_and_two_contracts_at_one_strike_are_all_read(ask, vendors):
    both = [vendors.schwab_contract(f"{root}270115P05000000") for root in ("SPX   ", "SPXW  ")]
    calls = {"2027-01-15:54": {"5000.0": [vendors.schwab_contract("SPX   270115C05000000")]}}
    frame = ask(vendors.schwab_chain(*both, callExpDateMap=calls), symbol="SPX").frame
    assert frame["option_type"].value_counts().to_dict() == {"put": 2, "call": 1}


def test_the_names_of_the_specification_are_read_where_the_wires_are_absent(ask, vendors):
    contract = vendors.schwab_contract()
    contract |= {f"{name}Price": contract.pop(name) for name in ("bid", "ask", "last")}
    assert ask(vendors.schwab_chain(contract)).frame[["bid", "ask", "last"]].iloc[0].tolist() == [1.10, 1.20, 1.15]


@pytest.mark.parametrize(
    ("changes", "adjusted"),
    [({"nonStandard": True}, 1), ({"mini": True, "multiplier": 10.0}, 1), ({"symbol": "XYZ1  270115P00090000"}, 1)],
)
def test_adjusted_series_are_left_out_with_a_count(ask, vendors, changes, adjusted):
    other = vendors.schwab_contract("XYZ   270115P00090000", **changes) | changes
    rows = ask(vendors.schwab_chain(vendors.schwab_contract(), other))
    assert rows.frame["strike"].tolist() == [95.0]
    assert any(f"{adjusted} contracts left out: adjusted" in note for note in rows.notes)


@pytest.mark.parametrize("bad", [-999.0, "NaN", "", None, 0.0, 4300.0])
def test_a_volatility_that_is_none_is_null(ask, vendors, bad):
    assert ask(vendors.schwab_chain(vendors.schwab_contract(volatility=bad))).frame["iv"].isna().all()


def test_numbers_may_come_as_text(ask, vendors):
    contract = vendors.schwab_contract(bid="1.10", ask="1.20", openInterest="12", volatility="24.1")
    row = ask(vendors.schwab_chain(contract)).frame.iloc[0]
    assert (row.bid, row.ask, row.open_interest, row.iv) == (1.10, 1.20, 12, pytest.approx(0.241))


@pytest.mark.parametrize(
    ("changes", "spot", "named"),
    [
        ({"underlyingPrice": 0}, 99.8, "underlying.mark"),
        ({"underlyingPrice": "NaN", "underlying": {"last": 99.7}}, 99.7, "underlying.last"),
        ({"underlyingPrice": None, "underlying": None}, 98.7, "quote.lastPrice"),
    ],
)
def test_the_price_falls_back_and_says_to_what(ask, fake, vendors, changes, spot, named):
    fake.on(QUOTES, vendors.Reply({"XYZ": {"quote": {"mark": 0, "lastPrice": 98.7}}}))
    rows = ask(vendors.schwab_chain(**changes))
    assert rows.frame["spot_price"].tolist() == [spot]
    assert f"XYZ: no underlyingPrice; {named} is used as its price" in rows.notes


@pytest.mark.parametrize("quotes", [{"errors": {"invalidSymbols": ["XYZ"]}}, {"XYZ": None}, {"XYZ": {"quote": []}}])
def test_no_price_anywhere_is_an_error(ask, fake, vendors, quotes):
    fake.on(QUOTES, vendors.Reply(quotes))
    with pytest.raises(errors.NoSpotPrice):
        ask(vendors.schwab_chain(underlyingPrice=None, underlying=None))


@pytest.mark.parametrize(
    ("contract_time", "underlying", "expected"),
    [
        (1795204799000, {"quoteTime": 1795204700000}, "2026-11-20 19:59:59"),
        (0, {"quoteTime": 1795204700000}, "2026-11-20 19:58:20"),
        (0, None, "2026-11-20 20:30:00"),
        ("NaN", {"quoteTime": -1}, "2026-11-20 20:30:00"),
    ],
)
def test_quotes_are_as_of_the_newest_contract(ask, vendors, contract_time, underlying, expected):
    contract = vendors.schwab_contract(quoteTimeInLong=contract_time)
    frame = ask(vendors.schwab_chain(contract, underlying=underlying)).frame
    assert frame["timestamp"].tolist() == [pd.Timestamp(expected)]


def test_delayed_quotes_say_so(ask, vendors):
    notes = ask(vendors.schwab_chain(isDelayed=True)).notes
    assert "XYZ: delayed quotes (no real-time agreement with Schwab)" in notes


def test_missing_contracts_are_told(ask, vendors):
    notes = ask(vendors.schwab_chain(numberOfContracts=40)).notes
    assert "XYZ: Schwab announced 40 contracts and sent 1" in notes


def test_a_login_near_its_end_is_told(ask, vendors, token_file):
    token_file(days=6.6)
    assert any("run `wheel login schwab`" in note for note in ask(vendors.schwab_chain()).notes)


@pytest.mark.parametrize("truncated", [True, False])
@pytest.mark.parametrize("limit", [1, 3, 7])
def test_a_chain_too_big_for_one_answer_is_fetched_in_parts(ask, market_of, vendors, limit, truncated):
    expirations = [
        TODAY + timedelta(days=days) for days in (0, 1, 3, 7, 8, 14, 21, 28, 56, 91, 182, 366, 700, 800, 801)
    ]
    refusal = vendors.Reply(vendors.schwab_chain(isChainTruncated=True)) if truncated else vendors.Reply(TOO_BIG, 502)
    market_of(expirations, limit, refusal)
    assert ask().frame["expiration"].dt.date.tolist() == expirations


def test_one_expiration_too_big_for_an_answer_is_an_error_that_names_it(ask, market_of, vendors):
    market_of([TODAY + timedelta(days=7)], 0, vendors.Reply(TOO_BIG, 502))
    with pytest.raises(errors.UnexpectedAnswer, match="the options of XYZ that expire on 2026-11-27 are too many"):
        ask()


def test_a_part_in_which_nothing_expires_may_be_not_found(ask, fake, vendors):
    whole, part, rest = vendors.Reply(TOO_BIG, 502), vendors.Reply(vendors.schwab_chain()), vendors.Reply({}, 404)
    fake.on(CHAINS, whole, part, rest)
    assert len(ask().frame) == 1


@given(st.integers(0, 3000), st.integers(1, 700))
def test_a_window_is_split_without_gap_or_overlap(start, length):
    first = TODAY + timedelta(days=start)
    parts = Window(first, first + timedelta(days=length)).split("XYZ", TODAY)
    days = [part.first + timedelta(days=i) for part in parts for i in range((part.last - part.first).days + 1)]
    assert days == [first + timedelta(days=i) for i in range(length + 1)]


def test_a_chain_of_which_no_part_is_found_is_an_unknown_symbol(ask, fake, vendors):
    fake.on(CHAINS, vendors.Reply(TOO_BIG, 502), vendors.Reply({}, 404))
    with pytest.raises(errors.UnknownSymbol, match="Schwab lists no options on XYZ; HTTP 404"):
        ask()


def test_how_far_a_long_fetch_is_is_told(schwab, fake, vendors, now):
    fake.on(CHAINS, vendors.Reply(TOO_BIG, 502), vendors.Reply(vendors.schwab_chain()))
    told = []
    fetch_each(["XYZ"], lambda symbol: SchwabMarket(schwab).option_chain(symbol, now), watch=told.append)
    told = [line for line in told if not line.startswith("asking ")]
    assert told == [*(f"XYZ, window {done} of 6" for done in range(1, 7)), "1 of 1 symbols"]


@pytest.mark.parametrize("damage", [{"95.0": 5}, {"95.0": [5]}, {"95.0": {"a": "b"}}, 5])
def test_what_is_no_contract_in_the_maps_is_counted(ask, vendors, damage):
    maps = {"2027-01-15:54": {"95.0": [vendors.schwab_contract()]}, "2027-01-16:55": damage}
    assert "XYZ: 1 contracts left out: with an unreadable code" in ask(vendors.schwab_chain(putExpDateMap=maps)).notes


def test_a_contract_whose_strike_is_not_that_of_its_code_is_left_out(ask, vendors):
    other = vendors.schwab_contract("XYZ   270115P00090000", strikePrice=95.0)
    rows = ask(vendors.schwab_chain(vendors.schwab_contract(strikePrice="95.00"), other))
    assert rows.frame["strike"].tolist() == [95.0]
    assert "XYZ: 1 contracts left out: with another strike than their code's" in rows.notes


def test_an_unknown_symbol_says_what_schwab_says(ask, fake, vendors):
    body = {"errors": [{"status": "404", "title": "Not Found", "detail": "no such symbol NOPE"}]}
    fake.on(CHAINS, vendors.Reply(body, 404))
    with pytest.raises(errors.UnknownSymbol, match="Schwab lists no options on NOPE; HTTP 404 no such symbol NOPE"):
        ask(symbol="NOPE")


@pytest.mark.parametrize("changes", [{"status": "FAILED"}, {"putExpDateMap": {}}, {"putExpDateMap": None}])
def test_an_empty_chain_is_an_error(ask, vendors, changes):
    with pytest.raises(errors.NoContracts, match="Schwab lists no options on XYZ"):
        ask(vendors.schwab_chain(**changes))


@pytest.mark.parametrize("name", ["symbol", "bid", "ask"])
def test_contracts_without_a_needed_field_are_refused(ask, vendors, name):
    contract = vendors.schwab_contract()
    del contract[name]
    with pytest.raises(errors.UnexpectedAnswer, match="Schwab sent contracts without"):
        ask(vendors.schwab_chain(contract))


def test_an_answer_without_maps_is_refused(ask):
    with pytest.raises(errors.UnexpectedAnswer, match="no putExpDateMap, callExpDateMap among its keys"):
        ask({"status": "SUCCESS"})
