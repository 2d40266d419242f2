"""The whole of the advice: order, ages, origins, what was left out."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from wheel_assets import tables
from wheel_assets.errors import UsageError

MONDAY_11 = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)


@pytest.fixture
def busy(desk):
    """One of everything."""
    desk.cash(50_000).stock(200, 25, "U").stock(50, 25, "B")
    desk.put(28, 0.55, 0.60).call(33, 0.60, 0.65)  # to open
    desk.option("call", 35, -1, 1.00, symbol="B").call(35, 1.25, 1.30, symbol="B")  # uncovered
    desk.option("put", 31, -1, 1.00, days=4).put(31, 1.25, 1.30, days=4, delta=0.6)  # in the money
    desk.option("put", 29, -1, 1.00, days=5).put(29, 0.65, 0.70, days=5, delta=0.3)  # expiring
    desk.put(28.5, 1.80, 1.85, days=53, delta=0.28)  # to roll either into
    desk.option("put", 26, -1, 1.00).put(26, 0.25, 0.30, delta=0.09)  # profit earned
    desk.option("call", 34, -1, 0.50).call(34, 0.40, 0.45, delta=0.05)  # to hold
    return desk.option("put", 20, 1, 1.00, days=2)  # long


def test_what_protects_money_comes_first(busy):
    frame = busy.advise(symbols=("U", "B", "C"), portfolio_value=200_000).frame
    assert list(zip(frame["action"], frame["symbol"], frame["strike"].fillna(0), strict=True)) == [
        ("close", "B", 35),
        ("roll", "U", 31),
        ("roll", "U", 29),
        ("close", "U", 26),
        ("open_cc", "U", 33),
        ("open_csp", "U", 28),
        ("hold", "U", 34),
        ("none", "B", 0),
        ("none", "C", 0),
        ("none", "U", 20),
    ]
    assert list(frame["rank"]) == list(range(1, 11))


def test_openings_are_ranked_by_their_objective(desk):
    desk.cash(90_000)
    for symbol, bid in (("A", 0.50), ("B", 0.90), ("C", 0.70)):
        desk.put(28, bid, bid + 0.02, symbol=symbol)
    assert list(desk.advise(symbols=("A", "B", "C")).frame["symbol"]) == ["B", "C", "A"]


def test_the_frame_is_the_declared_table(busy):
    frame = busy.advise(symbols=("U", "B", "C")).frame
    assert list(frame.columns) == [column.name for column in tables.RECOMMENDATION.columns]
    pd.testing.assert_frame_equal(tables.RECOMMENDATION.conform(frame), frame)


def test_the_order_of_the_input_does_not_matter(busy):
    first = busy.advise(symbols=("U", "B")).frame
    for rows in (busy.chains, busy.greeks, busy.predictions, busy.positions):
        rows.reverse()
    pd.testing.assert_frame_equal(busy.advise(symbols=("U", "B")).frame, first)


def test_the_age_is_that_of_the_oldest_input(desk):
    desk.minutes_old |= {"greeks": 14.0}
    row = desk.cash(9_000).put(28, 0.55, 0.60).advise().frame.iloc[0]
    assert (row["data_age_minutes"], row["oldest_input"]) == (14.0, "greeks")


def test_a_symbol_without_data_is_as_old_as_the_positions(desk):
    desk.cash(9_000).put(28, 0.55, 0.60)
    frame = desk.advise(symbols=("U", "Z")).frame.set_index("symbol")
    assert frame.loc["Z", ["data_age_minutes", "oldest_input"]].tolist() == [12.0, "positions"]


def test_a_clock_behind_the_cache_gives_no_negative_age(desk):
    desk.minutes_old = dict.fromkeys(desk.minutes_old, -5.0)
    assert desk.cash(9_000).put(28, 0.55, 0.60).advise().frame["data_age_minutes"].iloc[0] == 0


def test_where_it_comes_from(desk):
    row = desk.cash(9_000).put(28, 0.55, 0.60).advise().frame.iloc[0]
    assert row["source"] == "cboe+file"
    assert row["model_version"] == "smile-1+wheel-rules-3"
    assert row["timestamp"] == pd.Timestamp("2026-11-23 16:00")
    assert row["portfolio_value"] == 100_000


def test_not_evaluated_symbols_have_a_row_with_the_reason(desk):
    desk.cash(9_000).put(28, 0.55, 0.60)
    advice = desk.advise(symbols=("Z", "U", "Y"), not_evaluated={"Z": "no chain for Z; unknown symbol"})
    rows = advice.frame.set_index("symbol")
    assert rows.loc["Z", "reason"] == "Z not evaluated: no chain for Z; unknown symbol"
    assert rows.loc["Y", "reason"] == "Y not evaluated: there is no chain of it"
    assert rows.loc["U", "action"] == "open_csp"
    assert set(advice.not_evaluated) == {"Z", "Y"}


def test_a_symbol_said_not_to_be_evaluated_is_not_even_with_an_old_chain(desk):
    frame = desk.cash(9_000).put(28, 0.55, 0.60).advise(not_evaluated={"U": "refused"}).frame
    assert list(frame["action"]) == ["none"]


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_portfolio_value_is_a_positive_number(desk, value):
    with pytest.raises(UsageError, match="portfolio value .* is refused; it is not a positive number; give dollars"):
        desk.cash(9_000).put(28, 0.55, 0.60).advise(portfolio_value=value)


def test_without_one_the_account_is_what_it_holds(desk):
    # 20,000 x 25 % = 5,000: one put of 2,800
    advice = desk.cash(20_000).put(28, 0.55, 0.60).advise(portfolio_value=None)
    assert advice.portfolio_value == 20_000
    assert advice.frame["quantity"].tolist() == [1]


def test_free_shares_off_the_watchlist_are_said(desk):
    advice = desk.cash(0).stock(150, 9, "X").put(28, 0.55, 0.60).advise()
    assert "150 shares of X are free, but X was not asked about" in advice.warnings


def test_an_empty_account_and_an_empty_market_still_get_an_answer(desk):
    advice = desk.advise(portfolio_value=None)
    assert advice.frame["reason"].tolist() == ["U not evaluated: there is no chain of it"]
    assert advice.frame["source"].tolist() == ["none"]


@pytest.mark.parametrize(
    ("now", "as_of", "said"),
    [
        (MONDAY_11, MONDAY_11 - timedelta(minutes=16), ""),
        (MONDAY_11, MONDAY_11 - timedelta(minutes=31), "old quotes for U: of Mon 23 Nov 10:29 ET, 31 minutes ago"),
        (
            MONDAY_11 - timedelta(days=1),
            datetime(2026, 11, 20, 21, 0, tzinfo=UTC),
            "market closed; quotes of Fri 20 Nov 16:00 ET",
        ),
        (datetime(2026, 11, 23, 21, 0, tzinfo=UTC), datetime(2026, 11, 23, 20, 59, tzinfo=UTC), "market closed"),
        (datetime(2026, 11, 23, 14, 29, tzinfo=UTC), datetime(2026, 11, 20, 21, 0, tzinfo=UTC), "market closed"),
        # Thanksgiving: nothing trades; on the day after, quotes from before it are old
        (
            datetime(2026, 11, 26, 16, 0, tzinfo=UTC),
            datetime(2026, 11, 25, 21, 0, tzinfo=UTC),
            "market closed; quotes of Wed 25 Nov 16:00 ET",
        ),
        (
            datetime(2026, 11, 28, 16, 0, tzinfo=UTC),
            datetime(2026, 11, 25, 21, 0, tzinfo=UTC),
            "old quotes for U: of Wed 25 Nov 16:00 ET, before the session of Fri 27 Nov",
        ),
    ],
)
def test_the_age_of_the_quotes_is_said(desk, now, as_of, said):
    warnings = desk.cash(9_000).put(28, 0.55, 0.60, as_of=as_of).advise(now=now).warnings
    assert [line[: len(said)] for line in warnings] == ([said] if said else [])


def test_a_naive_now_is_utc(desk):
    desk.cash(9_000).put(28, 0.55, 0.60)
    pd.testing.assert_frame_equal(desk.advise().frame, desk.advise(now=MONDAY_11.replace(tzinfo=None)).frame)
