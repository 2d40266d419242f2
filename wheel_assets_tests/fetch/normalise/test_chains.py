"""The rules that hold for every vendor's chain."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from wheel_assets.errors import NoContracts, NoSpotPrice
from wheel_assets.fetch.normalise.chains import VendorChain, first_live_day, first_spot
from wheel_assets.tables import OPTION_CHAINS

NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def frame_of(now):
    def build(*rows, as_of=now, at=now, symbol="XYZ"):
        chain = VendorChain("vendor", symbol, 99.9, as_of, pd.DataFrame(rows))
        rows = chain.rows(at)
        return OPTION_CHAINS.conform(rows.frame), list(rows.notes)

    return build


def row(code="XYZ270115P00095000", **changes):
    return {"code": code, "bid": 1.1, "ask": 1.2, **changes}


def test_a_row_carries_the_contract_and_the_quote(frame_of):
    frame, _ = frame_of(row(last=1.15, bid_size=12.0, ask_size="20", volume=0, open_interest=4821.0, iv=0.24))
    assert frame.iloc[0].to_dict() == {
        "timestamp": pd.Timestamp("2026-11-20 20:30"),
        "symbol": "XYZ",
        "option_symbol": "XYZ   270115P00095000",
        "expiration": pd.Timestamp("2027-01-15"),
        "strike": 95.0,
        "option_type": "put",
        "bid": 1.1,
        "ask": 1.2,
        "last": 1.15,
        "bid_size": 12,
        "ask_size": 20,
        "volume": 0,
        "open_interest": 4821,
        "iv": 0.24,
        "spot_price": 99.9,
        "multiplier": 100,
        "quote_quality": "ok",
        "source": "vendor",
    }


@pytest.mark.parametrize(
    ("dropped", "reason"),
    [
        (row("gibberish"), "with an unreadable code"),
        (row(None), "with an unreadable code"),
        (row("XYZ1270115P00095000"), "adjusted"),
        (row("XYZ270115P00090000", non_standard=True), "adjusted"),
        (row("XYZ   270115P00095000"), "sent twice"),
        (row("ABC270115P00095000"), "of another underlying than XYZ"),
        (row("XYZW270115P00095000"), "of another underlying than XYZ"),
        (row("XYZ270115P00090000", strike=95), "with another strike than their code's"),
    ],
)
def test_what_cannot_be_traded_is_left_out_and_counted(frame_of, dropped, reason):
    frame, notes = frame_of(row(non_standard=False), dropped)
    assert frame["option_symbol"].tolist() == ["XYZ   270115P00095000"]
    assert [note for note in notes if f"1 contracts left out: {reason}" in note]


def test_two_roots_on_one_expiration_are_two_contracts(frame_of):
    frame, _ = frame_of(row("SPX270115P05000000"), row("SPXW270115P05000000"), symbol="SPX")
    assert frame["option_symbol"].tolist() == ["SPX   270115P05000000", "SPXW  270115P05000000"]


def test_a_chain_with_nothing_left_is_an_error_that_says_why(frame_of):
    with pytest.raises(NoContracts, match="no contracts for XYZ from vendor; 2 contracts left out: expired"):
        frame_of(row("XYZ200117P00095000"), row("XYZ200117P00096000"))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("bid", -1),
        ("ask", "NaN"),
        ("last", 0),
        ("iv", 0.0),
        ("iv", 5.01),
        ("iv", -999.0),
        ("volume", 1.5),
        ("bid_size", ""),
    ],
)
def test_a_bad_number_is_null_and_its_contract_stays(frame_of, column, value):
    frame, _ = frame_of(row(**{column: value}))
    assert frame[column].isna().tolist() == [True]


@pytest.mark.parametrize(("value", "multiplier"), [(None, 100), ("NaN", 100), (0, 100), (10.0, 10)])
def test_a_multiplier_that_is_not_given_is_a_hundred(frame_of, value, multiplier):
    assert frame_of(row(multiplier=value))[0]["multiplier"].tolist() == [multiplier]


def test_unusable_quotes_are_counted(frame_of):
    crossed = row("XYZ270115P00090000", bid=2.0)
    _, notes = frame_of(row(iv=0.2), crossed)
    assert notes == ["XYZ: 1 of 2 quotes are crossed"]


@pytest.mark.parametrize(
    ("clock", "day"),
    [
        (datetime(2026, 11, 20, 9, 0), date(2026, 11, 20)),
        (datetime(2026, 11, 20, 16, 14), date(2026, 11, 20)),
        (datetime(2026, 11, 20, 16, 15), date(2026, 11, 21)),
        (datetime(2026, 11, 20, 23, 59), date(2026, 11, 21)),
        (datetime(2026, 3, 8, 1, 30), date(2026, 3, 8)),  # the night the clocks change
    ],
)
def test_a_contract_lives_until_the_close_of_its_day_in_new_york(clock, day):
    assert first_live_day(clock.replace(tzinfo=NEW_YORK)) == day


def test_expired_contracts_are_left_out_and_are_nothing_peculiar(frame_of):
    frame, notes = frame_of(row("XYZ261119P00095000"), row())
    assert (frame["option_symbol"].tolist(), notes) == (["XYZ   270115P00095000"], [])


def test_quotes_of_another_day_keep_their_time(frame_of, now):
    frame, notes = frame_of(row(), as_of=now - timedelta(days=1))
    assert notes == []  # the advice tells how old quotes are, of whatever source
    assert frame["timestamp"].tolist() == [pd.Timestamp("2026-11-19 20:30")]


def test_a_vendor_ahead_of_our_clock_is_held_at_now(frame_of, now):
    frame, notes = frame_of(row(), as_of=now + timedelta(hours=2))
    assert frame["timestamp"].tolist() == [pd.Timestamp("2026-11-20 20:30")]
    assert "2:00:00 ahead of this machine's clock" in notes[0]


@pytest.mark.parametrize(
    ("values", "spot", "note"),
    [
        ((99.9, 98.0), 99.9, []),
        ((0, 98.0), 98.0, ["no price; close is used as its price"]),
        (("NaN", "98.5"), 98.5, ["no price; close is used as its price"]),
    ],
)
def test_the_first_usable_price_is_taken_and_named(values, spot, note):
    assert first_spot(zip(("price", "close"), values, strict=True), "XYZ", "vendor") == (spot, note)


@pytest.mark.parametrize("bad", [None, 0, -5, "NaN", np.inf, [], True])
def test_no_price_is_an_error(bad):
    with pytest.raises(NoSpotPrice, match="no price of XYZ from vendor; none of price, close is a price"):
        first_spot([("price", bad), ("close", None)], "XYZ", "vendor")
