"""European prices and Greeks against printed examples, parity, finite differences and vollib."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.greeks import european
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.units import ONE_POINT
from wheel_assets.market.calendar import DAYS_PER_YEAR

GREEKS = ("delta", "gamma", "theta", "vega", "rho")
MARKETS = st.tuples(
    st.floats(50, 200),  # spot
    st.floats(1 / 365, 2),  # years
    st.floats(0, 0.08),  # rate
    st.floats(0, 0.06),  # dividend yield
    st.floats(0.05, 3),  # volatility
)


def _greek(name: str, *terms: float) -> float:
    return float(getattr(european.sensitivities(Contracts.of(*terms[:-1]), terms[-1]), name)[0])


# Haug, The Complete Guide to Option Pricing Formulas, McGraw-Hill 1998, pages 2 to 8 and 24:
# put, strike, spot, yield, rate, years, volatility, price
HAUG_PRICES = [
    (False, 65.0, 60.0, 0.00, 0.08, 0.25, 0.30, 2.1334),
    (True, 95.0, 100.0, 0.05, 0.10, 0.50, 0.20, 2.4648),
    (True, 19.0, 19.0, 0.10, 0.10, 0.75, 0.28, 1.7011),
    (False, 19.0, 19.0, 0.10, 0.10, 0.75, 0.28, 1.7011),
    (False, 1.60, 1.56, 0.08, 0.06, 0.50, 0.12, 0.0291),
    (True, 70.0, 75.0, 0.05, 0.10, 0.50, 0.35, 4.0870),
]


@pytest.mark.parametrize(("put", "strike", "spot", "dividend", "rate", "years", "volatility", "printed"), HAUG_PRICES)
def test_price_is_the_one_printed_in_haug(put, strike, spot, dividend, rate, years, volatility, printed):
    found = european.price(Contracts.of(put, spot, strike, years, rate, dividend), volatility)
    assert found[0] == pytest.approx(printed, abs=6e-5)


# Haug 1998, pages 11 to 16; theta there is a year's, vega and rho are for a change of 1
HAUG_GREEKS = [
    ("delta", (False, 105.0, 100.0, 0.5, 0.10, 0.10, 0.36), 0.5946, 1.0),
    ("delta", (True, 105.0, 100.0, 0.5, 0.10, 0.10, 0.36), -0.3566, 1.0),
    ("gamma", (False, 55.0, 60.0, 0.75, 0.10, 0.0, 0.30), 0.0278, 1.0),
    ("vega", (False, 55.0, 60.0, 0.75, 0.10, 0.0, 0.30), 18.9358, ONE_POINT),
    ("theta", (True, 430.0, 405.0, 1 / 12, 0.07, 0.05, 0.20), -31.1924, 1 / DAYS_PER_YEAR),
    ("rho", (False, 72.0, 75.0, 1.0, 0.09, 0.0, 0.19), 38.7325, ONE_POINT),
]


@pytest.mark.parametrize(("name", "terms", "printed", "unit"), HAUG_GREEKS)
def test_greek_is_the_one_printed_in_haug(name, terms, printed, unit):
    assert _greek(name, *terms) / unit == pytest.approx(printed, abs=6e-5)


# Hull, 7th edition, examples 17.1, 17.2, 17.4, 17.6 and 17.7, pages 355 to 368: one call
@pytest.mark.parametrize(
    ("name", "printed", "unit", "digits"),
    [
        ("delta", 0.522, 1.0, 3),
        ("theta", -4.31, 1 / DAYS_PER_YEAR, 2),
        ("gamma", 0.066, 1.0, 3),
        ("vega", 12.1, ONE_POINT, 1),
        ("rho", 8.91, ONE_POINT, 2),
    ],
)
def test_greek_is_the_one_printed_in_hull(name, printed, unit, digits):
    assert round(_greek(name, False, 49.0, 50.0, 0.3846, 0.05, 0.0, 0.2) / unit, digits) == printed


@given(MARKETS, st.floats(0.5, 2))
def test_put_call_parity(market, moneyness):
    spot, years, rate, dividend, volatility = market
    strike = spot * moneyness
    put, call = european.price(Contracts.of([True, False], spot, strike, years, rate, dividend), volatility)
    worth = spot * np.exp(-dividend * years) - strike * np.exp(-rate * years)
    assert call - put == pytest.approx(worth, abs=1e-9 * spot)


@pytest.mark.parametrize("put", [True, False])
@pytest.mark.parametrize("moneyness", [0.8, 1.0, 1.3])
@pytest.mark.parametrize("volatility", [0.15, 0.9])
def test_greeks_are_the_slopes_of_the_price(put, moneyness, volatility):
    terms = np.array([100.0, 100.0 * moneyness, 0.4, 0.05, 0.02, volatility])

    def slope(at: int, step: float, unit: float = 1.0) -> float:
        bump = np.eye(6)[at] * step
        shifted = np.transpose([terms + bump, terms - bump])
        up, down = european.price(Contracts.of(put, *shifted[:-1]), shifted[-1])
        return (up - down) / (2 * step) * unit

    greeks = european.sensitivities(Contracts.of(put, *terms[:-1]), volatility)
    found = [greeks.delta[0], greeks.theta[0], greeks.vega[0], greeks.rho[0]]
    slopes = [slope(0, 1e-3), -slope(2, 1e-5) / DAYS_PER_YEAR, slope(5, 1e-5) * ONE_POINT, slope(3, 1e-5) * ONE_POINT]
    np.testing.assert_allclose(found, slopes, rtol=1e-5, atol=1e-8)


@given(MARKETS, st.floats(0.5, 2), st.booleans())
def test_implied_volatility_returns_where_the_price_came_from(market, moneyness, put):
    spot, years, rate, dividend, volatility = market
    contract = Contracts.of(put, spot, spot * moneyness, years, rate, dividend)
    price = european.price(contract, volatility)
    time_value = min(price[0], european.price(contract._replace(is_put=~contract.is_put), volatility)[0])
    if time_value > 1e-8 * spot:
        assert european.implied_volatility(contract, price)[0] == pytest.approx(volatility, abs=1e-6)


@pytest.mark.parametrize("price", [0.0, -1.0, 20.0, 100.0, np.nan, np.inf])
def test_no_volatility_where_none_gives_the_price(price):
    deep_call = Contracts.of(False, 100, 80, 1, 0.0, 0.0)  # worth more than 20, less than 100
    assert np.isnan(european.implied_volatility(deep_call, np.array([price]))[0])


def test_implied_volatility_and_greeks_agree_with_vollib():
    implied = pytest.importorskip("vollib.black_scholes_merton.implied_volatility").implied_volatility
    analytical = pytest.importorskip("vollib.black_scholes_merton.greeks.analytical")
    for flag, strike, price in (("p", 95.0, 3.1), ("c", 110.0, 2.2), ("p", 130.0, 31.0)):
        terms = (100.0, strike, 0.5, 0.04, 0.015)
        contract = Contracts.of(flag == "p", *terms)
        volatility = european.implied_volatility(contract, np.array([price]))
        assert volatility[0] == pytest.approx(implied(price, *terms, flag), abs=1e-9)
        theirs = [getattr(analytical, name)(flag, *terms[:4], volatility[0], terms[4]) for name in GREEKS]
        ours = [getattr(european.sensitivities(contract, volatility), name)[0] for name in GREEKS]
        np.testing.assert_allclose(ours, theirs, rtol=1e-8)
