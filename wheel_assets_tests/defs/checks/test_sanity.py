"""Measures of nonsense: zero for what is sound, and the number worked out by hand for what is not."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.defs.checks import sanity
from wheel_assets.defs.checks.sanity import SANITY
from wheel_assets.fetch.sample.sources import SampleAccount, SampleMarket
from wheel_assets.greeks import value_chain
from wheel_assets.predict import predict_chain
from wheel_assets.tables import DATA_TABLES

NOON = datetime(2026, 11, 24, 17, tzinfo=UTC)
EVERY_TEST = [(table, each) for table, tests in SANITY.items() for each in tests]


@pytest.fixture(scope="module")
def sound() -> dict[str, pd.DataFrame]:
    """A chain without arbitrage with all that is made of it."""
    chain = pd.concat([SampleMarket().option_chain(symbol, NOON).frame for symbol in ("U", "F")], ignore_index=True)
    greeks = value_chain(chain, risk_free_rate=0.04)
    return {
        "option_chains": chain,
        "positions": SampleAccount().positions("default", NOON).frame,
        "greeks": greeks,
        "predictions": predict_chain(chain, greeks),
    }


def test_every_measure_is_of_a_table_that_there_is():
    assert set(SANITY) <= {table.name for table in DATA_TABLES}


@pytest.mark.parametrize(("table", "test"), EVERY_TEST, ids=lambda value: getattr(value, "name", value))
def test_nothing_is_wrong_with_what_is_sound(sound, table, test):
    measured = test.measured(sound[table], {"U": 0.0, "F": 0.0})
    assert test.beyond(measured).empty, measured


@pytest.mark.parametrize(("table", "test"), EVERY_TEST, ids=lambda value: getattr(value, "name", value))
def test_no_rows_are_no_reason_to_complain(sound, table, test):
    assert test.beyond(test.measured(sound[table].iloc[:0], {})).empty


@pytest.mark.parametrize(("spot", "expected"), [(20, 0), (10, 0), (30, 0), (8, 0.25), (40, 0.25)])
def test_a_spot_is_judged_by_the_strikes_around_it(spot, expected):
    chain = pd.DataFrame({"symbol": "U", "strike": [10.0, 20.0, 30.0], "spot_price": float(spot)})
    assert sanity.spot_beyond_strikes(chain).to_dict() == {"U": pytest.approx(expected)}


def test_one_sided_quotes_are_not_crossed():
    chain = pd.DataFrame({"symbol": ["U"] * 4, "bid": [1.0, 2.0, 0.5, np.nan], "ask": [1.1, 1.9, 0.0, 1.0]})
    assert sanity.bid_above_ask(chain).to_dict() == {"U": 0.5}


def valued(**changes: object) -> pd.DataFrame:
    """A call and a put with the Greeks of textbooks, but for the changes."""
    row = {"symbol": "U", "iv": 0.5, "gamma": 0.1, "vega": 0.02, "years": 0.1}
    both = pd.DataFrame([{**row, "option_type": "call", "delta": 0.4}, {**row, "option_type": "put", "delta": -0.6}])
    return both.assign(**changes)


WRONG = [({"delta": 0.5}, 0.5), ({"delta": -0.5}, 0.5), ({"gamma": -1.0}, 1), ({"vega": -1.0}, 1), ({"years": -0.1}, 1)]


@pytest.mark.parametrize(("changes", "share"), [({}, 0), *WRONG])
def test_greeks_have_the_signs_of_a_long_option(changes, share):
    assert sanity.greeks_out_of_bounds(valued(**changes)).to_dict() == {"U": share}


def test_contracts_without_a_volatility_have_no_bounds_to_be_out_of():
    assert sanity.greeks_out_of_bounds(valued(iv=np.nan, years=-1.0)).empty


def test_only_living_quoted_contracts_are_expected_to_have_a_volatility():
    greeks = pd.DataFrame({"symbol": "U", "mid": [1, 1, np.nan, 1.0], "years": [1, 1, 1, -1.0]})
    assert sanity.without_volatility(greeks.assign(iv=[0.5, np.nan, np.nan, np.nan])).to_dict() == {"U": 0.5}


def pair(call: float, put: float, dividend_yield: float = 0.0) -> pd.DataFrame:
    """A call and a put at 100 on shares at 100, one year, 5 %."""
    terms = {"symbol": "U", "expiration": pd.Timestamp(2027, 11, 24), "strike": 100.0, "spot_price": 100.0}
    terms |= {"years": 1.0, "risk_free_rate": 0.05, "dividend_yield": dividend_yield}
    return pd.DataFrame([{**terms, "option_type": "call", "mid": call}, {**terms, "option_type": "put", "mid": put}])


@pytest.mark.parametrize(
    ("call", "put", "gap"),
    [
        (10.0, 10.0, 0.0),  # S - K = 0 <= C - P
        (10.0 + 100 - 100 * math.exp(-0.05), 10.0, 0.0),  # at the upper bound, S - K exp(-rT)
        (17.0, 10.0, 0.07 - 1 + math.exp(-0.05)),  # above it
        (8.0, 10.0, 0.02),  # 2 dollars below S - K
    ],
)
def test_put_call_parity_bounds_american_prices(call, put, gap):
    assert sanity.parity_gap(pair(call, put))["U"] == pytest.approx(gap, abs=1e-12)


def test_a_dividend_lowers_what_parity_asks():
    assert sanity.parity_gap(pair(8.0, 10.0, dividend_yield=0.03))["U"] == 0


def test_parity_of_a_chain_without_puts_cannot_be_measured():
    assert sanity.parity_gap(pair(8.0, 10.0).iloc[:1]).empty


@given(st.floats(0.2, 5), st.floats(0.5, 2))
def test_a_spot_of_another_stock_shows_up_as_a_gap_of_its_size(moved, spot):
    greeks = pair(10.0, 10.0).assign(spot_price=100 * spot)
    expected = max(abs(1 - 1 / spot) - 0.05 / spot, 0)
    near = abs(1 / spot - 1) < sanity.NEAR_THE_MONEY
    assert not near or sanity.parity_gap(greeks)["U"] >= expected - 1e-9


def predicted(probabilities: list[float], option_type: str) -> pd.DataFrame:
    """One expiration of one side, strikes rising."""
    count = len(probabilities)
    contract = {"symbol": "U", "option_symbol": "U     261218", "expiration": "2026-12-18", "option_type": option_type}
    return pd.DataFrame({**contract, "strike": np.arange(count, dtype=float), "prob_itm": probabilities})


@pytest.mark.parametrize(
    ("option_type", "probabilities", "step"),
    [
        ("put", [0.1, 0.2, 0.2, 0.9], 0),
        ("put", [0.1, 0.5, 0.2, 0.9], 0.3),
        ("call", [0.9, 0.5, 0.1], 0),
        ("call", [0.9, 0.5, 0.75], 0.25),
    ],
)
def test_assignment_gets_likelier_towards_the_money(option_type, probabilities, step):
    measured = sanity.probability_against_strikes(predicted(probabilities, option_type))
    assert measured["U"] == pytest.approx(step)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_the_order_of_rows_does_not_matter(probabilities):
    frame = predicted(probabilities, "put")
    turned = sanity.probability_against_strikes(frame.iloc[::-1])
    pd.testing.assert_series_equal(turned, sanity.probability_against_strikes(frame))


def test_touching_includes_assignment():
    frame = pd.DataFrame({"symbol": "U", "prob_itm": [0.2, 0.5], "prob_touch": [0.4, 0.3]})
    assert sanity.touch_below_assignment(frame)["U"] == pytest.approx(0.2)


def account(*rows: tuple[str, float, float]) -> pd.DataFrame:
    """Holdings as (kind, quantity, market value)."""
    frame = pd.DataFrame(rows, columns=["asset_type", "quantity", "market_value"])
    return frame.assign(account_id="mine")


@pytest.mark.parametrize(
    ("rows", "missing"), [((), None), ((("cash", 1, 1),), 0), ((("stock", 1, 1),), 1), ((("cash", 1, 1),) * 3, 2)]
)
def test_an_account_has_one_cash_row(rows, missing):
    assert sanity.cash_rows(account(*rows)).get("mine") == missing


def test_a_short_option_is_a_debt_and_cash_may_be_either():
    rows = [("option", -1, -50), ("option", -1, 50), ("stock", 100, 3000), ("cash", 100, -20), ("stock", 1, np.nan)]
    assert sanity.value_against_quantity(account(*rows))["mine"] == 1


@pytest.mark.parametrize(("free", "held", "unexplained"), [(500, 1000, 0), (1000, 1000, 0), (2000, 1000, 0.1)])
def test_free_cash_is_part_of_what_the_totals_leave(free, held, unexplained):
    rows = account(("stock", 100, 9000), ("cash", free, held))
    assert sanity.unreconciled_cash(rows)["mine"] == pytest.approx(unexplained)


@pytest.mark.parametrize(("before", "lost"), [({"U": 0.0}, 0.75), ({"U": 0.5}, 0.5), ({"U": 0.9}, 0.0), ({}, None)])
def test_volatilities_that_are_gone_are_counted_against_those_there_were(before, lost):
    greeks = pd.DataFrame({"symbol": "U", "mid": 1.0, "years": 0.1, "iv": [0.3, None, None, None]})
    measured = sanity.volatilities_lost(greeks, before)
    assert measured.to_dict() == ({} if lost is None else {"U": pytest.approx(lost)})


@pytest.mark.parametrize(("call", "off"), [(0.7, 0.0), (0.8, 0.1), (0.5, 0.2)])
def test_put_and_call_of_a_strike_cover_every_outcome(call, off):
    contracts = {"option_symbol": ["U     261218P00030000", "U     261218C00030000"], "expiration": "2026-12-18"}
    predictions = pd.DataFrame({"symbol": "U", **contracts, "strike": 30.0, "prob_itm": [0.3, call]})
    assert sanity.put_and_call_apart(predictions).to_dict() == {"U": pytest.approx(off)}


def test_a_put_without_its_call_is_not_judged():
    alone = {"symbol": ["U"], "option_symbol": ["U     261218P00030000"], "expiration": ["2026-12-18"]}
    predictions = pd.DataFrame({**alone, "strike": 30.0, "prob_itm": 0.3})
    assert sanity.put_and_call_apart(predictions).empty
