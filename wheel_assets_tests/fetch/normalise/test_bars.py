"""Daily prices of every market source, in one table."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheel_assets import errors
from wheel_assets.fetch.databento.market import DatabentoMarket
from wheel_assets.fetch.normalise.bars import days_of_epoch, days_of_text, history_rows
from wheel_assets.fetch.sample.sources import STOCKS, SampleMarket
from wheel_assets.fetch.schwab.market import SchwabMarket
from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.tables import PRICE_HISTORY

CBOE, SCHWAB = "/api/global/delayed_quotes/charts/historical/{}.json", "/marketdata/v1/pricehistory"
MOMENTS = st.datetimes(datetime(2021, 1, 4), datetime(2035, 12, 31), timezones=st.just(UTC))


@pytest.fixture
def from_cboe(cboe, fake, vendors, now):
    def history(*bars, at=now, symbol="XYZ", **reply):
        fake.on(CBOE.format(symbol), vendors.Reply(**({"body": {"data": list(bars)}} | reply)))
        return cboe.price_history(symbol, at)

    return history


@pytest.fixture
def from_schwab(schwab, fake, vendors, now):
    def history(*bars, at=now, symbol="XYZ", **body):
        fake.on(SCHWAB, vendors.Reply({"candles": list(bars), "symbol": symbol, "empty": not bars} | body))
        return SchwabMarket(schwab).price_history(symbol, at)

    return history


@pytest.mark.parametrize("vendor", ["cboe", "schwab"])
def test_two_vendors_say_the_same(vendor, from_cboe, from_schwab, vendors):
    ask, bar = {"cboe": (from_cboe, vendors.cboe_bar), "schwab": (from_schwab, vendors.schwab_bar)}[vendor]
    frame = ask(bar("2026-11-18", 98.0), bar("2026-11-19")).frame
    pd.testing.assert_frame_equal(PRICE_HISTORY.conform(frame), frame)
    assert list(frame["date"].dt.date) == [date(2026, 11, 18), date(2026, 11, 19)]
    last = frame.iloc[-1]
    assert (last.open, last.high, last.low, last.close, last.volume) == (99.1, 100.5, 98.7, 99.9, 1200345)
    assert (last.symbol, last.source, last.timestamp) == ("XYZ", vendor, datetime(2026, 11, 19, 21))  # 16:00 EST


def test_schwab_is_asked_for_a_year_of_days(from_schwab, vendors, fake):
    from_schwab(vendors.schwab_bar(), symbol="BRK.B")
    assert fake.seen[0].query == {
        **{"symbol": "BRK/B", "periodType": "year", "period": "1"},
        **{"frequencyType": "daily", "frequency": "1"},
    }


@pytest.mark.parametrize(("hour", "minute", "kept"), [(15, 30, 1), (16, 0, 1), (16, 34, 1), (16, 35, 2), (23, 59, 2)])
def test_a_session_counts_once_its_close_is_final(from_cboe, vendors, hour, minute, kept):
    bars = [vendors.cboe_bar("2026-11-19"), vendors.cboe_bar("2026-11-20")]
    rows = from_cboe(*bars, at=datetime(2026, 11, 20, hour, minute, tzinfo=NEW_YORK))
    assert len(rows.frame) == kept
    assert ("XYZ: 1 bars left out: of a day that is not over" in rows.notes) == (kept == 1)


def test_a_year_is_kept_oldest_first_and_each_day_once(from_cboe, vendors):
    days = [("2026-11-19", 3.0), ("2025-11-10", 9.0), ("2026-11-18", 1.0), ("2026-11-18", 2.0)]
    assert list(from_cboe(*(vendors.cboe_bar(*day) for day in days)).frame["close"]) == [2.0, 3.0]


@pytest.mark.parametrize("bad", [{"date": "soon"}, {"date": None}, {"close": None}, {"close": 0}, {"close": "NaN"}])
def test_a_bar_without_a_day_or_a_close_is_counted(from_cboe, vendors, bad):
    rows = from_cboe(vendors.cboe_bar("2026-11-18") | bad, vendors.cboe_bar())
    assert len(rows.frame) == 1
    assert rows.notes == ("XYZ: 1 bars left out: without a day or a close",)


def test_a_bar_without_a_close_does_not_take_the_place_of_one_with(from_cboe, vendors):
    rows = from_cboe(vendors.cboe_bar("2026-11-18", 98.0), vendors.cboe_bar("2026-11-18") | {"close": None})
    assert list(rows.frame["close"]) == [98.0]
    assert rows.notes == ("XYZ: 1 bars left out: without a day or a close",)


@pytest.mark.parametrize(
    ("bars", "note"),
    [
        ([("2026-11-18", 99.0), ("2026-11-18", 99.5)], "1 bars left out: sent twice"),
        ([("2026-11-14", 99.0), ("2026-11-15", 99.0)], "2 bars left out: on a weekend"),
        ([("2026-11-12", 400.0)], "the close goes from 400 to 99.9 on 2026-11-19: a split that is not adjusted for"),
        ([("2026-11-13", 10.0)], "the close goes from 10 to 99.9 on 2026-11-19: a split"),
        ([("2026-11-03", 99.0)], "no prices between 2026-11-03 and 2026-11-19"),
    ],
)
def test_what_would_spoil_a_volatility_is_told(from_cboe, vendors, bars, note):
    notes = from_cboe(*(vendors.cboe_bar(*bar) for bar in bars), vendors.cboe_bar()).notes
    assert any(told.startswith(f"XYZ: {note}") for told in notes)


def test_a_long_weekend_is_no_gap_and_a_bad_day_no_split(from_cboe, vendors):
    rows = from_cboe(vendors.cboe_bar("2026-11-13", 70.0), vendors.cboe_bar("2026-11-17", 99.9), vendors.cboe_bar())
    assert rows.notes == ()


def test_days_without_a_trade_stay_and_are_counted(from_schwab, vendors):
    rows = from_schwab(vendors.schwab_bar("2026-11-18", volume=0), vendors.schwab_bar())
    assert rows.frame["volume"].tolist() == [0, 1200345]
    assert rows.notes == ("XYZ: 1 days without a trade",)


@pytest.mark.parametrize("value", [None, "NaN", -999.0, 0, "", -1])
def test_any_other_bad_number_is_null(from_cboe, vendors, value):
    row = from_cboe(vendors.cboe_bar(open=value, volume="many")).frame.iloc[0]
    assert np.isnan(row.open)
    assert row.volume is pd.NA
    assert row.close == 99.9


def test_numbers_may_come_as_text(from_cboe, vendors):
    bar = {name: str(value) for name, value in vendors.cboe_bar().items()}
    assert from_cboe(bar).frame.iloc[0].high == 100.5


@pytest.mark.parametrize("rows", [[], [{"date": "2020-01-02", "close": 5}], [7, None, "x"]])
def test_nothing_of_the_last_year_is_an_error(from_cboe, rows):
    with pytest.raises(errors.UnexpectedAnswer, match="no price history of XYZ from cboe"):
        from_cboe(*rows)


def test_cboe_tells_an_unknown_symbol_from_being_blocked(cboe, fake, vendors, now):
    fake.on(CBOE.format("NOPE"), vendors.Reply("<Error/>", 403))
    fake.on("/api/global/delayed_quotes/options/SPY.json", vendors.Reply(vendors.cboe_document()))
    with pytest.raises(errors.UnknownSymbol, match="Cboe has no price history for NOPE"):
        cboe.price_history("NOPE", now)


@pytest.mark.parametrize("body", [{"empty": True}, {"candles": {}}, {"candles": "none"}, {"candles": 5}])
def test_schwab_says_by_an_empty_answer_that_it_has_none(from_schwab, body):
    with pytest.raises(errors.UnknownSymbol, match="Schwab has no price history of XYZ"):
        from_schwab(**body)


def test_databento_has_none_and_is_not_asked(fake, calls, now):
    market = DatabentoMarket(fake.url, "db-key", calls.append, reserve=nullcontext)
    with pytest.raises(errors.SourceError, match="no price history of XYZ; OPRA.* carries options only; use another"):
        market.price_history("XYZ", now)
    assert fake.seen == []


@pytest.mark.parametrize("zone", ["America/New_York", "America/Chicago", "UTC"])
@pytest.mark.parametrize("day", ["2026-07-01", "2026-11-19", "2026-03-08", "2026-11-01"])
def test_a_day_in_milliseconds_is_that_day_whoevers_midnight_it_is(vendors, day, zone):
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).timestamp()
    bars = pd.DataFrame([vendors.schwab_bar(datetime=midnight * 1000), vendors.schwab_bar(datetime=1e308)])
    found = days_of_epoch(bars, "datetime")
    assert found[0] == pd.Timestamp(day)
    assert found[1] is pd.NaT


def test_what_is_no_day_is_no_day():
    bars = pd.DataFrame({"date": ["2026-11-19", "20261119", "2026-13-01", None, 5, ["x"]]}, dtype="object")
    assert list(days_of_text(bars, "date").notna()) == [True, False, False, False, False, False]


@settings(max_examples=15)
@given(MOMENTS, st.sampled_from(sorted(STOCKS)))
def test_the_sample_history_ends_at_the_spot_of_the_chain(moment, symbol):
    history = SampleMarket().price_history(symbol, moment).frame
    chain = SampleMarket().option_chain(symbol, moment).frame
    assert history["close"].iloc[-1] == chain["spot_price"].iloc[0]
    assert set(history["timestamp"]) == set(chain["timestamp"])


@settings(max_examples=15)
@given(MOMENTS)
def test_the_sample_history_is_sound(moment):
    frame = SampleMarket().price_history("U", moment).frame
    assert 248 <= len(frame) <= 252
    assert frame["date"].is_monotonic_increasing
    assert (frame["date"].dt.weekday < 5).all()
    assert (frame["low"] <= frame[["open", "close"]].min(axis=1)).all()
    assert (frame["high"] >= frame[["open", "close"]].max(axis=1)).all()


def test_the_sample_history_of_a_day_is_the_chain_of_that_day():
    history = SampleMarket().price_history("U", datetime(2026, 11, 22, 15, tzinfo=UTC)).frame.set_index("date")
    earlier = SampleMarket().option_chain("U", datetime(2026, 6, 3, 15, tzinfo=UTC)).frame
    assert history.loc["2026-06-02", "close"] == earlier["spot_price"].iloc[0]


def test_a_frame_needs_only_days_and_closes(now):
    frame = history_rows("v", "XYZ", pd.Series([pd.Timestamp("2026-11-19")]), pd.DataFrame({"close": [5.0]}), now).frame
    assert frame[["open", "high", "low", "volume"]].isna().all(axis=None)
