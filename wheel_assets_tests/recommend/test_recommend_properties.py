"""What must hold whatever the market and the account look like."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets import tables
from wheel_assets.show.answer import answer_document
from wheel_assets.show.markdown import as_markdown

SYMBOLS = ("A", "B")

cents = st.integers(0, 400).map(lambda price: price / 100)


def rarely(values, exception):
    """One of `values` nine times in ten."""
    return st.integers(0, 9).flatmap(lambda number: values if number else exception)


nan = st.just(math.nan)
quotes = st.fixed_dictionaries(
    {
        "right": st.sampled_from(["put", "call"]),
        "strike": st.integers(20, 40).map(float),
        "bid": cents,
        "spread": rarely(st.integers(0, 10).map(lambda price: price / 100), st.sampled_from([-0.02, 2.0, math.nan])),
        "symbol": st.sampled_from(SYMBOLS),
        "days": rarely(st.integers(28, 62), st.integers(-2, 27)),
        "delta": rarely(st.floats(0.05, 0.4), nan),
        "prob": rarely(st.floats(0, 1), nan),
        "cvar": rarely(st.floats(-1, 1), nan),
        "interest": rarely(st.just(1000), st.sampled_from([None, 0, 10])),
        "quality": rarely(st.just("ok"), st.sampled_from(tables.QUOTE_QUALITIES)),
        "root": rarely(st.just(""), st.just("1")),
    }
)
options = st.fixed_dictionaries(
    {
        "right": st.sampled_from(["put", "call"]),
        "strike": st.integers(20, 40).map(float),
        "quantity": st.sampled_from([-3.0, -2.0, -1.0, -1.0, 1.0]),
        "premium": st.one_of(cents, st.just(math.nan)),
        "days": st.integers(-2, 50),
        "symbol": st.sampled_from([*SYMBOLS, "X"]),
    }
)
stocks = st.lists(
    st.tuples(
        st.sampled_from(SYMBOLS), rarely(st.integers(100, 900), st.integers(-200, 99)), rarely(st.floats(0, 40), nan)
    ),
    max_size=3,
)
desks = st.fixed_dictionaries(
    {
        "quotes": st.lists(quotes, min_size=12, max_size=25),
        "options": st.lists(options, max_size=5),
        "quoted": st.booleans(),  # whether the open options are quoted too
        "stocks": stocks,
        "cash": rarely(st.floats(5_000, 100_000), st.floats(-5_000, 5_000)),
    }
)


def filled(desk, drawn):
    """The desk as drawn; a contract that comes twice is quoted once."""
    desk = desk()
    for quote in {
        tuple(quote[name] for name in ("right", "strike", "symbol", "days")): quote for quote in drawn["quotes"]
    }.values():
        more = {name: quote[name] for name in ("symbol", "days", "delta", "prob", "cvar", "interest", "quality")}
        root = quote["symbol"] + quote["root"]
        desk.quote(
            quote["right"], quote["strike"], quote["bid"], abs(quote["bid"] + quote["spread"]), root=root, **more
        )
    for option in drawn["options"]:
        where = {"days": option["days"], "symbol": option["symbol"]}
        desk.option(option["right"], option["strike"], option["quantity"], option["premium"], **where)
        if drawn["quoted"]:
            desk.quote(option["right"], option["strike"], 1.0, 1.1, **where)
    for symbol, shares, paid in drawn["stocks"]:
        desk.stock(shares, paid, symbol)
    return desk.cash(drawn["cash"])


def new_puts_never_need_more_than_the_free_cash(desk, advice):
    puts = advice.frame[advice.frame["action"] == "open_csp"]
    assert puts["collateral"].sum() <= max(0.0, advice.free_cash)
    assert (puts["collateral"] == puts["strike"] * 100 * puts["quantity"].astype(float)).all()


def calls_never_need_more_than_the_free_shares(desk, advice):
    calls = advice.frame[advice.frame["action"] == "open_cc"]
    for symbol, contracts in zip(calls["symbol"], calls["quantity"], strict=True):
        held = sum(
            row["quantity"] for row in desk.positions if row["asset_type"] == "stock" and row["symbol"] == symbol
        )
        sold = -sum(min(0, size) for size in net_options(desk, symbol, "call").values())
        assert contracts * 100 <= held - sold * 100


def net_options(desk, symbol, right):
    """Signed contracts by code, long and short lots of the same contract taken together."""
    rows = [
        row
        for row in desk.positions
        if row["asset_type"] == "option" and (row["underlying"], row["option_type"]) == (symbol, right)
    ]
    return {
        code: sum(row["quantity"] for row in rows if row["symbol"] == code) for code in {row["symbol"] for row in rows}
    }


def what_is_sold_is_standard_alive_and_bid_for(desk, advice):
    chain = desk.frames()["option_chains"].drop_duplicates("option_symbol", keep="last").set_index("option_symbol")
    opened = advice.frame[advice.frame["action"].isin(["open_csp", "open_cc"])]
    sold = chain.loc[[*opened["option_symbol"], *advice.frame["roll_to_option_symbol"].dropna()]]
    assert (sold["bid"] > 0).all()
    assert (sold["expiration"] >= pd.Timestamp("2026-11-23")).all()
    assert not any(code[:6].strip()[-1].isdigit() for code in sold.index)
    assert (opened["limit_price"] >= chain.loc[opened["option_symbol"], "bid"].to_numpy()).all()


def rolls_are_later_for_a_credit_and_never_at_a_worse_strike(desk, advice):
    chain = desk.frames()["option_chains"].drop_duplicates("option_symbol", keep="last").set_index("option_symbol")
    for row in advice.frame[advice.frame["action"] == "roll"].itertuples():
        old, new = chain.loc[row.option_symbol], chain.loc[row.roll_to_option_symbol]
        assert new["expiration"] > old["expiration"]
        assert 0 < row.credit < (new["bid"] - old["ask"]) * 100 * row.quantity
        assert new["option_type"] == old["option_type"]
        assert new["option_type"] == "call" or new["strike"] <= old["strike"]


def everything_is_answered_for_exactly_once(desk, advice):
    frame = advice.frame
    assert list(frame["rank"]) == list(range(1, len(frame) + 1))
    held = {
        code: abs(size)
        for s in (*SYMBOLS, "X")
        for right in ("put", "call")
        for code, size in net_options(desk, s, right).items()
        if size
    }
    managed = frame[~frame["action"].isin(["open_csp", "open_cc"]) & frame["option_symbol"].notna()]
    assert managed.groupby("option_symbol")["quantity"].sum().to_dict() == held
    assert not managed.duplicated(["option_symbol", "action"]).any()
    idle = frame[(frame["action"] == "none") & frame["option_symbol"].isna()]
    opened = frame[frame["action"].isin(["open_csp", "open_cc"])]
    assert sorted([*idle["symbol"], *opened["symbol"].unique()]) == list(SYMBOLS)
    assert not opened.duplicated(["symbol", "action"]).any()


def it_conforms_and_renders(desk, advice):
    pd.testing.assert_frame_equal(tables.RECOMMENDATION.conform(advice.frame), advice.frame)
    numbers = advice.frame.select_dtypes("float64").to_numpy()
    assert not (np.signbit(numbers) & (numbers == 0)).any()
    text = json.dumps(answer_document(advice), allow_nan=False)
    assert as_markdown(json.loads(text))


def same_market(desk, drawn, **changed):
    """Advice with parts of the drawn account changed; the portfolio is sized alike."""
    return filled(desk, drawn | changed).advise(symbols=SYMBOLS, min_annualized_return=0.0, max_new_collateral=0.3)


@pytest.mark.slow
@given(drawn=desks, more=st.floats(1, 50_000))
def test_more_cash_never_removes_a_trade(new_desk, drawn, more):
    before = same_market(new_desk, drawn).frame
    after = same_market(new_desk, drawn, cash=drawn["cash"] + more).frame
    trades = [set(zip(f["symbol"], f["action"], strict=True)) for f in (before, after)]
    assert {trade for trade in trades[0] if trade[1].startswith("open")} <= trades[1]


@pytest.mark.slow
@given(drawn=desks, shuffle=st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(new_desk, drawn, shuffle):
    desk = filled(new_desk, drawn)
    first = answer_document(desk.advise(symbols=SYMBOLS))
    for rows in (desk.positions, desk.greeks, desk.predictions, desk.chains):
        shuffle.shuffle(rows)
    unique = len({row["option_symbol"] for row in desk.chains}) == len(desk.chains)
    if unique:  # of two quotes of one contract the last counts
        assert answer_document(desk.advise(symbols=SYMBOLS)) == first


def no_call_is_naked_and_no_share_used_twice_after_the_advice(desk, advice):
    frame = advice.frame
    for symbol in SYMBOLS:
        held = sum(r["quantity"] for r in desk.positions if r["asset_type"] == "stock" and r["symbol"] == symbol)
        calls = net_options(desk, symbol, "call")
        own = frame[frame["symbol"] == symbol]
        sold = own.loc[own["action"] == "open_cc", "quantity"].sum() * 100
        rolled = own[(own["action"] == "roll") & own["option_symbol"].str.contains("C", na=False)]
        assert not sold or sold - 100 * sum(min(0, size) for size in calls.values()) <= held
        assert all(-calls[code] >= size for code, size in zip(rolled["option_symbol"], rolled["quantity"], strict=True))


def a_roll_closes_as_many_as_it_opens(desk, advice):
    rolls = advice.frame[advice.frame["action"] == "roll"]
    for code, size, target in zip(
        rolls["option_symbol"], rolls["quantity"], rolls["roll_to_option_symbol"], strict=True
    ):
        held = sum(row["quantity"] for row in desk.positions if row["symbol"] == code)
        assert 0 < size <= -held  # less where some of a position's calls are closed because nothing covers them
        assert target != code
    assert not rolls["option_symbol"].duplicated().any()


PROPERTIES = (
    new_puts_never_need_more_than_the_free_cash,
    calls_never_need_more_than_the_free_shares,
    what_is_sold_is_standard_alive_and_bid_for,
    rolls_are_later_for_a_credit_and_never_at_a_worse_strike,
    everything_is_answered_for_exactly_once,
    it_conforms_and_renders,
    no_call_is_naked_and_no_share_used_twice_after_the_advice,
    a_roll_closes_as_many_as_it_opens,
)


@pytest.mark.slow
@given(drawn=desks)
def test_what_holds_of_any_advice(new_desk, drawn):
    desk = filled(new_desk, drawn)
    advice = desk.advise(symbols=SYMBOLS, max_symbol_share=1.0, min_annualized_return=0.0, min_otm=-1.0)
    for holds in PROPERTIES:
        holds(desk, advice)


NULLABLE = {
    table.name: [column.name for column in table.columns if not column.required]
    for table in (tables.OPTION_CHAINS, tables.POSITIONS, tables.GREEKS, tables.PREDICTIONS)
}


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table, columns in NULLABLE.items() for column in columns]
)
def test_no_empty_column_stops_the_advice(new_desk, table, column):
    desk = new_desk().cash(50_000).stock(300, 25).put(28, 0.55, 0.60).call(33, 0.60, 0.65)
    desk.option("put", 31, -1, 1.00, days=4).put(31, 1.25, 1.30, days=4).put(29, 1.6, 1.65, days=39)
    for row in {
        "option_chains": desk.chains,
        "positions": desk.positions,
        "greeks": desk.greeks,
        "predictions": desk.predictions,
    }[table]:
        row[column] = None
    advice = desk.advise(portfolio_value=None)
    assert set(advice.frame["symbol"]) == {"U"}


@pytest.mark.parametrize("column", ["bid", "ask", "delta", "prob_itm", "cvar_95", "open_interest"])
def test_a_missing_number_costs_only_its_own_contract(new_desk, column):
    desk = new_desk().cash(50_000).put(28, 0.90, 0.95).put(27, 0.40, 0.45)
    for rows in (desk.chains, desk.greeks, desk.predictions):
        rows[0] |= {column: None} if column in rows[0] else {}
    assert list(desk.advise().frame["strike"]) == [27]
