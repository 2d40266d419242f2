"""The sample market and account as a trader meets them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheel_assets.errors import UnknownSymbol
from wheel_assets.fetch.sample.quotes import RATE
from wheel_assets.fetch.sample.sources import STOCKS, SampleAccount, SampleMarket
from wheel_assets.tables import OPTION_CHAINS, POSITIONS

NEW_YORK = ZoneInfo("America/New_York")
SUNDAY = datetime(2026, 11, 22, 15, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2021, 1, 4), datetime(2035, 12, 31), timezones=st.just(UTC))
few = settings(max_examples=settings().max_examples // 3)  # a chain takes 20 ms


def chain_at(moment: datetime, symbol: str = "U") -> pd.DataFrame:
    return SampleMarket().option_chain(symbol, moment).frame


@pytest.fixture(scope="module")
def chain() -> pd.DataFrame:
    return chain_at(SUNDAY)


def test_chain_has_the_columns_of_its_table(chain: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(OPTION_CHAINS.conform(chain), chain)


def test_chain_says_that_it_is_made_up(chain: pd.DataFrame) -> None:
    assert set(chain["source"]) == {"sample"}


def test_chain_has_the_size_of_a_real_one(chain: pd.DataFrame) -> None:
    assert 1000 < len(chain) < 3000
    assert chain["option_symbol"].is_unique
    assert (chain["quote_quality"] == "ok").mean() > 0.8
    assert {"no_bid", "missing"} <= set(chain["quote_quality"])


@pytest.mark.parametrize(
    ("asked", "quoted"),
    [
        (datetime(2026, 11, 22, 12, tzinfo=NEW_YORK), "2026-11-20 21:00"),
        (datetime(2026, 11, 24, 10, tzinfo=NEW_YORK), "2026-11-23 21:00"),
        (datetime(2026, 11, 24, 18, tzinfo=NEW_YORK), "2026-11-23 21:00"),
        (datetime(2026, 11, 27, 10, tzinfo=NEW_YORK), "2026-11-25 21:00"),
        (datetime(2026, 7, 1, 0, 30, tzinfo=NEW_YORK), "2026-06-30 20:00"),
    ],
    ids=["Sunday", "weekday morning", "weekday evening", "after Thanksgiving", "just past midnight"],
)
def test_quotes_are_those_of_the_last_full_session(asked: datetime, quoted: str) -> None:
    assert set(chain_at(asked)["timestamp"]) == {pd.Timestamp(quoted)}


@few
@given(MOMENTS, st.sampled_from(sorted(STOCKS)))
def test_nothing_is_of_the_future_and_nothing_has_expired(moment: datetime, symbol: str) -> None:
    chain = chain_at(moment, symbol)
    assert (chain["timestamp"] <= pd.Timestamp(moment).tz_localize(None)).all()
    assert (chain["expiration"].dt.date > moment.astimezone(NEW_YORK).date()).all()


@few
@given(st.dates(date(2021, 1, 4), date(2035, 12, 31)), st.times(), st.times())
def test_one_day_has_one_chain(day: date, one: time, other: time) -> None:
    moments = [datetime.combine(day, clock, NEW_YORK) for clock in (one, other)]
    pd.testing.assert_frame_equal(*(chain_at(moment) for moment in moments))


def test_the_next_day_has_other_prices() -> None:
    assert set(chain_at(SUNDAY)["spot_price"]) != set(chain_at(SUNDAY + timedelta(3))["spot_price"])


def test_global_random_state_is_left_alone() -> None:
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    chain_at(SUNDAY)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def pairs(chain: pd.DataFrame) -> pd.DataFrame:
    """Quoted calls and puts of the same expiration and strike, side by side."""
    quoted = chain[chain["ask"].notna()]
    calls, puts = (quoted[quoted["option_type"] == side] for side in ("call", "put"))
    both = calls.merge(puts, on=["expiration", "strike", "spot_price", "timestamp"], suffixes=("_call", "_put"))
    return both.assign(years=(both["expiration"] - both["timestamp"].dt.normalize()).dt.days / 365)


@few
@given(MOMENTS, st.sampled_from(sorted(STOCKS)))
def test_put_call_parity_of_american_options_holds_within_the_spreads(moment: datetime, symbol: str) -> None:
    """S - K <= C - P <= S - K exp(-rT) without dividends: Hull, 10th edition, equation 11.7."""
    both = pairs(chain_at(moment, symbol))
    least = both["spot_price"] - both["strike"]
    most = both["spot_price"] - both["strike"] * np.exp(-RATE * both["years"])
    assert (both["ask_call"] - both["bid_put"] >= least - 1e-9).all()
    assert (both["bid_call"] - both["ask_put"] <= most + 1e-9).all()


@few
@given(MOMENTS)
def test_no_butterfly_can_be_bought_for_less_than_nothing(moment: datetime) -> None:
    quoted = chain_at(moment).dropna(subset=["ask"])
    for _, side in quoted.groupby(["expiration", "option_type"]):
        strike, bid, ask = (side[name].to_numpy() for name in ("strike", "bid", "ask"))
        weight = (strike[2:] - strike[1:-1]) / (strike[2:] - strike[:-2])
        assert (bid[1:-1] <= weight * ask[:-2] + (1 - weight) * ask[2:] + 1e-9).all()


@few
@given(MOMENTS)
def test_the_spot_lies_within_what_is_listed(moment: datetime) -> None:
    for _, listed in chain_at(moment).groupby("expiration"):
        spot = listed["spot_price"].iloc[0]
        assert listed["strike"].min() < 0.8 * spot
        assert listed["strike"].max() > 1.2 * spot


def test_unknown_symbol_is_told_what_there_is() -> None:
    with pytest.raises(UnknownSymbol, match=r"no TSLA; .* U, SMCI, .*WHEEL_MARKET__SOURCE=cboe"):
        chain_at(SUNDAY, "TSLA")


def account_at(moment: datetime) -> pd.DataFrame:
    return SampleAccount().positions("mine", moment).frame


def test_account_has_the_columns_of_its_table() -> None:
    account = account_at(SUNDAY)
    pd.testing.assert_frame_equal(POSITIONS.conform(account), account)
    assert set(account["account_id"]) == {"mine"}
    assert account["asset_type"].to_list() == ["stock", "option", "option", "cash"]


@few
@given(MOMENTS)
def test_account_holds_contracts_of_that_days_chain_at_their_mids(moment: datetime) -> None:
    options = account_at(moment).query("asset_type == 'option'")
    both = options.merge(chain_at(moment), left_on="symbol", right_on="option_symbol", suffixes=("", "_chain"))
    assert len(both) == 2
    assert (both["timestamp"] == both["timestamp_chain"]).all()
    assert both["market_value"].to_numpy() == pytest.approx(-50 * (both["bid"] + both["ask"]).to_numpy())


@few
@given(MOMENTS)
def test_account_has_a_call_to_close_and_a_put_to_hold(moment: datetime) -> None:
    options = account_at(moment).query("asset_type == 'option'").set_index("option_type")
    earned = 1 - -options["market_value"] / 100 / options["average_price"]
    left = (options["expiration"] - pd.Timestamp(moment.date())).dt.days
    assert earned["call"] > 0.6
    assert earned["put"] < 0.3
    assert left["put"] > 20
    assert 6 < left["call"] < left["put"]


@few
@given(MOMENTS)
def test_account_is_covered_out_of_the_money_and_leaves_200_shares_free(moment: datetime) -> None:
    account = account_at(moment)
    spot = account["market_value"].iloc[0] / account["quantity"].iloc[0]
    strikes = account.query("asset_type == 'option'").set_index("option_type")["strike"]
    assert strikes["put"] < 0.97 * spot
    assert strikes["call"] > 1.02 * spot
    assert account["quantity"].iloc[0] + account.query("option_type == 'call'")["quantity"].sum() * 100 == 200
    assert account["average_price"].iloc[0] == pytest.approx(spot, rel=0.1)


def test_account_is_the_same_all_day() -> None:
    pd.testing.assert_frame_equal(account_at(SUNDAY), account_at(SUNDAY + timedelta(hours=5)))
