"""Numbers that contradict each other are told apart and told: late spots, dividends, borrow fees, events, quotes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from wheel_assets.defs.checks.sanity import SANITY
from wheel_assets.greeks import valued_chain, volatility_at
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.dividends import Dividends, price
from wheel_assets.tables import EVENTS, OPTION_CHAINS

RATE, QUOTED = 0.04, pd.Timestamp("2027-01-08 21:00")
DAYS = (7, 14, 21, 28, 35, 42, 56)
NO_MOVE = dict.fromkeys(DAYS, 0.0)


def chain(borrow=0.0, ex_day=0, dividend=0.0, volatility=0.4, move=NO_MOVE, quoted_spot=100.0) -> pd.DataFrame:
    """American options on a share at 100, quoted a cent to each side of their value; `move` is of an event, by day."""
    index = pd.MultiIndex.from_product([DAYS, np.arange(70.0, 131.0, 2.5), ("call", "put")])
    frame = index.to_frame(index=False, name=["days", "strike", "option_type"])
    years = frame["days"].to_numpy() / 365
    put, amount = frame["option_type"].eq("put").to_numpy(), np.where(frame["days"] > ex_day, dividend, 0.0)
    paid = Dividends(np.minimum(ex_day / 365, years)[:, None], amount[:, None])
    sigma = np.sqrt(volatility**2 + frame["days"].map(move).to_numpy() ** 2 / years)
    value = price(Contracts.of(put, 100.0, frame["strike"], years, RATE, borrow), paid, sigma)
    expiration = QUOTED.normalize() + pd.to_timedelta(frame.pop("days"), "D")
    code = "ABCD  " + expiration.dt.strftime("%y%m%d") + frame["option_type"].str[0].str.upper()
    osi = code + (frame["strike"] * 1000).astype(int).astype(str).str.zfill(8)
    quotes = {"bid": np.maximum(value - 0.01, 0.0), "ask": value + 0.01, "timestamp": QUOTED, "symbol": "ABCD"}
    rest = {"expiration": expiration, "option_symbol": osi, "multiplier": 100, "quote_quality": "ok", "source": "test"}
    empty = dict.fromkeys(("last", "bid_size", "ask_size", "volume", "open_interest", "iv"), np.nan)
    return OPTION_CHAINS.conform(frame.assign(spot_price=quoted_spot, **quotes, **rest, **empty))


def events(kind: str, day: str, amount: float | None = None) -> pd.DataFrame:
    """One row of the table of events."""
    known = {"timestamp": QUOTED, "symbol": "ABCD", "kind": kind, "date": pd.Timestamp(day), "amount": amount}
    rest = {"time_of_day": None, "estimated": False, "announced_until": None, "source": "test"}
    return EVENTS.conform(pd.DataFrame([known | rest]))


@pytest.mark.parametrize("quoted", [97.0, 99.0, 101.0, 103.0, 114.0])
def test_a_late_spot_is_replaced_and_told(quoted):
    found = valued_chain(chain(quoted_spot=quoted), risk_free_rate=RATE)
    assert set(found.frame["spot_source"]) == {"implied"}
    np.testing.assert_allclose(found.frame["spot_price"], 100.0, atol=0.1)
    at = found.frame[(found.frame["strike"] == 100) & (found.frame["option_type"] == "call")]
    assert at["delta"].between(0.5, 0.58).all()
    assert f"the quoted share price {quoted:.2f} contradicts the options" in found.notes[0]


def test_a_late_spot_is_refused_where_the_setting_says_so_or_it_is_of_something_else():
    refused = valued_chain(chain(quoted_spot=103.0), risk_free_rate=RATE, spot_mismatch="refuse")
    others = [valued_chain(chain(quoted_spot=spot), risk_free_rate=RATE) for spot in (75.0, 125.0)]
    for found in (refused, *others):
        assert set(found.frame["status"]) <= {"spot_mismatch"}
        assert found.frame["iv"].isna().all()


@pytest.mark.parametrize(
    "carry", [{"borrow": 0.3}, {"borrow": 1.5}, {"dividend": 1.5, "ex_day": 25}, {"dividend": 3.0, "ex_day": 3}]
)
def test_borrow_fees_and_dividends_are_no_late_spot(carry):
    found = valued_chain(chain(**carry), risk_free_rate=RATE)
    assert set(found.frame["spot_source"]) == {"quoted"}
    assert not any("contradicts" in note for note in found.notes)


@pytest.mark.parametrize(("carry", "told"), [({"borrow": 1.5}, True), ({"dividend": 3.0, "ex_day": 3}, False)])
def test_a_high_borrow_fee_is_told_and_a_dividend_is_none(carry, told):
    notes = valued_chain(chain(**carry), risk_free_rate=RATE).notes
    assert any("hard to borrow, the options price a fee of about 150 % a year" in note for note in notes) == told


@pytest.mark.parametrize(("dividend", "ex_day"), [(0.3, 3), (1.5, 25), (3.0, 40), (3.0, 13)])
def test_known_dividends_give_back_volatility(dividend, ex_day):
    day = (QUOTED.normalize() + pd.Timedelta(days=ex_day)).date()
    known = events("ex_dividend", f"{day}", dividend)
    made = valued_chain(chain(dividend=dividend, ex_day=ex_day), risk_free_rate=RATE, events=known).frame
    looked_at = made[(made["status"] == "ok") & made["delta"].abs().between(0.1, 0.6)]
    np.testing.assert_allclose(looked_at["iv"], 0.4, atol=0.004)
    assert len(looked_at) > 80


@pytest.mark.parametrize("told", [True, False])
def test_volatilities_of_other_prices_know_of_the_dividends(told):
    quotes = chain(dividend=1.5, ex_day=25)
    greeks = valued_chain(
        quotes, risk_free_rate=RATE, events=events("ex_dividend", "2027-02-02", 1.5) if told else None
    )
    last = volatility_at(quotes.assign(last=greeks.frame["mid"].to_numpy()), greeks.frame, "last")
    ok = greeks.frame["status"] == "ok"
    np.testing.assert_allclose(last[ok], greeks.frame.loc[ok, "iv"], rtol=1e-4)
    assert greeks.frame.loc[greeks.frame["years"] > 0.08, "cash_dividends"].sub(1.5).abs().max() < (
        1e-9 if told else 0.05
    )


def test_greeks_of_a_symbol_do_not_depend_on_what_it_is_valued_together_with():
    paying, other = chain(dividend=1.5, ex_day=25), chain(borrow=0.01)
    code = other["option_symbol"].str.replace("ABCD", "WXYZ")
    together = pd.concat([paying, other.assign(symbol="WXYZ", option_symbol=code)], ignore_index=True)
    alone, both = (valued_chain(quotes, risk_free_rate=RATE).frame for quotes in (paying, together))
    pd.testing.assert_frame_equal(both.iloc[: len(paying)], alone)


def test_a_call_whose_time_value_is_below_the_dividend_may_be_assigned_early():
    known = events("ex_dividend", "2027-01-13", 2.0)
    made = valued_chain(chain(dividend=2.0, ex_day=5), risk_free_rate=RATE, events=known).frame
    deep = made[(made["option_type"] == "call") & (made["strike"] <= 85) & (made["expiration"] < "2027-01-23")]
    out = made[(made["option_type"] == "call") & (made["strike"] > 100)]
    assert set(deep["early_exercise"]) == {"dividend"}
    assert out["early_exercise"].isna().all()


def test_a_deep_put_worth_less_than_its_interest_may_be_assigned_early():
    made = valued_chain(chain(volatility=0.15), risk_free_rate=RATE).frame
    puts = made[(made["option_type"] == "put") & (made["years"] > 0.1) & made["mid"].notna()].set_index("strike")
    assert set(puts.loc[[127.5, 130.0], "early_exercise"]) == {"interest"}
    assert puts.loc[[90.0, 100.0], "early_exercise"].isna().all()


def test_an_event_is_dated_measured_and_named():
    move, known = {days: 0.08 if days >= 21 else 0.0 for days in DAYS}, events("earnings", "2027-01-27")
    found = valued_chain(chain(move=move, volatility=0.3), risk_free_rate=RATE, events=known)
    told = "ABCD: the options price a move of about 8 % between 25 and 29 January: earnings on 27 January"
    assert told in found.notes
    with_it = found.frame["expiration"] >= "2027-01-29"
    np.testing.assert_allclose(found.frame.loc[with_it, "event_move"], 0.08, atol=0.003)
    assert found.frame.loc[~with_it, "event_move"].isna().all()


def test_no_event_is_seen_where_there_is_none():
    assert valued_chain(chain(), risk_free_rate=RATE).frame["event_move"].isna().all()


def test_one_quote_that_its_neighbours_contradict_loses_its_contract_only():
    quotes = chain()
    row = quotes.index[(quotes["option_type"] == "put") & (quotes["strike"] == 85)][1]
    quotes.loc[row, ["bid", "ask"]] = [4.0, 4.2]
    made = valued_chain(quotes, risk_free_rate=RATE).frame
    assert made.index[made["status"] == "arbitrage"].tolist() == [row]


def test_a_quote_that_only_parity_contradicts_loses_its_contract_only():
    quotes = chain()
    put = (quotes["option_type"] == "put") & (quotes["expiration"] == quotes["expiration"].iloc[0])
    few = quotes[~put | quotes["strike"].isin([85, 90, 95, 97.5, 100, 102.5, 105])].reset_index(drop=True)
    row = few.index[(few["option_type"] == "put") & (few["strike"] == 85)][0]
    few.loc[row, ["bid", "ask"]] = [0.25, 0.30]  # worth 0.01, and nothing below it to compare it with
    made = valued_chain(few, risk_free_rate=RATE).frame
    assert made.loc[row, "status"] == "arbitrage"
    assert (made["status"] == "arbitrage").sum() == 1


def test_an_expiration_of_another_scale_loses_all_of_its_contracts():
    quotes = chain()
    wrong = quotes["expiration"] == quotes["expiration"].unique()[2]
    quotes.loc[wrong, ["bid", "ask"]] *= 0.3
    made = valued_chain(quotes, risk_free_rate=RATE).frame
    assert not made.loc[wrong, "status"].eq("ok").any()
    assert made.loc[~wrong, "status"].eq("arbitrage").sum() == 0


@pytest.mark.parametrize("factor", [3, 100])
def test_quotes_of_another_scale_contradict_each_other(factor):
    quotes = chain()
    quotes[["bid", "ask"]] *= factor
    made = valued_chain(quotes, risk_free_rate=RATE).frame
    assert made["status"].isin(["arbitrage", "above_bound", "spot_mismatch"])[made["mid"].notna()].mean() > 0.2


@pytest.mark.parametrize("change", ["scaled", "shrunk", "swapped", "spot"])
def test_a_symbol_of_wrong_quotes_fails_a_fatal_check(change):
    quotes = chain()
    if change == "scaled":
        quotes[["bid", "ask"]] *= 3
    if change == "shrunk":
        quotes[["bid", "ask"]] /= 3
    if change == "swapped":
        quotes["option_type"] = np.where(quotes["option_type"] == "put", "call", "put")
    if change == "spot":
        quotes["spot_price"] = 125.0
    made = valued_chain(quotes, risk_free_rate=RATE).frame
    fatal = [test for test in SANITY["greeks"] if test.fatal and not test.of_change]
    assert any(len(test.beyond(test.measured(made, {}))) for test in fatal)
