"""American prices and Greeks against printed values, QuantLib, a binomial tree, and what must always hold."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.greeks import american, european
from wheel_assets.greeks.boundary import STANDARD, Scheme, log_boundary
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.implied import american_volatility
from wheel_assets.greeks.units import ONE_POINT
from wheel_assets.market.calendar import DAYS_PER_YEAR

FINE = Scheme(12, 16, 32, 10)

# Geske, Johnson, The American put option valued analytically, Journal of Finance 39 (1984), table I, numerical
# column: spot 40, rate ln 1.05; volatility, strike, prices for 1, 4 and 7 months
GESKE_JOHNSON = [
    (0.2, 35, (0.0062, 0.2004, 0.4328)),
    (0.2, 40, (0.8522, 1.5798, 1.9904)),
    (0.2, 45, (5.0000, 5.0883, 5.2670)),
    (0.3, 35, (0.0774, 0.6975, 1.2198)),
    (0.3, 40, (1.3099, 2.4825, 3.1696)),
    (0.3, 45, (5.0597, 5.7056, 6.2436)),
    (0.4, 35, (0.2466, 1.3460, 2.1549)),
    (0.4, 40, (1.7681, 3.3874, 4.3526)),
    (0.4, 45, (5.2868, 6.5099, 7.3830)),
]


@pytest.mark.parametrize(("volatility", "strike", "printed"), GESKE_JOHNSON)
def test_prices_are_the_ones_printed_in_geske_and_johnson(volatility, strike, printed):
    puts = Contracts.of(True, 40, strike, np.array([1, 4, 7]) / 12, np.log(1.05), 0.0)
    np.testing.assert_allclose(american.price(puts, np.full(3, volatility)), printed, atol=1e-3)


def test_price_is_the_one_printed_in_hull():
    # 9th edition, section 21.1: 4.263, 4.272, 4.278 and 4.283 by 30, 50, 100 and 500 steps
    put = Contracts.of(True, 50, 50, 5 / 12, 0.1, 0.0)
    assert american.price(put, np.array([0.4]))[0] == pytest.approx(4.283, abs=1.5e-3)


def _binomial(put: bool, terms: tuple[float, ...], volatility: float, steps: int = 1000) -> float:
    """Cox, Ross, Rubinstein: the slow and obvious twin."""
    spot, strike, years, rate, dividend = terms
    dt = years / steps
    up = np.exp(volatility * np.sqrt(dt))
    chance = (np.exp((rate - dividend) * dt) - 1 / up) / (up - 1 / up)
    sign = -1 if put else 1
    prices = spot * up ** np.arange(-steps, steps + 1, 2.0)
    value = np.maximum(sign * (prices - strike), 0)
    for _ in range(steps):
        prices = prices[:-1] * up
        held = np.exp(-rate * dt) * (chance * value[1:] + (1 - chance) * value[:-1])
        value = np.maximum(held, sign * (prices - strike))
    return float(value[0])


@pytest.mark.parametrize("put", [True, False])
@pytest.mark.parametrize("moneyness", [0.85, 1.0, 1.2])
@pytest.mark.parametrize(("years", "rate", "dividend", "volatility"), [(0.1, 0.05, 0.0, 0.3), (1.5, 0.03, 0.06, 0.5)])
def test_price_agrees_with_a_binomial_tree(put, moneyness, years, rate, dividend, volatility):
    terms = (100.0, 100.0 * moneyness, years, rate, dividend)
    found = american.price(Contracts.of(put, *terms), np.array([volatility]))[0]
    assert found == pytest.approx(_binomial(put, terms, volatility), abs=0.02)


# What a chain may hold, corner by corner: the grid of accuracy that the project promises.
GRID = np.array(
    [
        (put, 100 * moneyness, years, volatility, rate, dividend)
        for put in (1, 0)
        for moneyness in (0.5, 0.8, 0.95, 1.0, 1.1, 1.5, 2.0)
        for years in (1 / 365, 30 / 365, 1.0, 2.0)
        for volatility in (0.05, 0.2, 0.8, 3.0)
        for rate, dividend in ((0.0, 0.03), (0.001, 0.0), (0.04, 0.0), (0.02, 0.06), (0.05, 0.05), (0.08, 0.01))
    ]
)


def _grid() -> tuple[Contracts, np.ndarray]:
    put, spot, years, volatility, rate, dividend = GRID.T
    return Contracts.of(put == 1, spot, 100.0, years, rate, dividend), volatility


@pytest.fixture(scope="module")
def engine() -> Callable[..., float]:
    """American price by QuantLib, of (put, spot, years, volatility, rate, dividend yield) at strike 100.

    The middle scheme of its most precise engine: within 1e-7 of the strike of the highest, forty times as fast.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its generated wrappers warn on newer Pythons
        ql = pytest.importorskip("QuantLib")
    today = ql.Date(22, 11, 2026)
    ql.Settings.instance().evaluationDate = today
    quotes = [ql.SimpleQuote(1.0) for _ in range(4)]
    spot, dividend, rate, volatility = map(ql.QuoteHandle, quotes)
    day_count = ql.Actual365Fixed()
    curves = [ql.YieldTermStructureHandle(ql.FlatForward(today, quote, day_count)) for quote in (dividend, rate)]
    surface = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), volatility, day_count))
    process = ql.BlackScholesMertonProcess(spot, *curves, surface)
    most_precise = ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.accurateScheme())

    def price(put: float, at: float, years: float, sigma: float, r: float, q: float) -> float:
        for quote, value in zip(quotes, (at, q, r, sigma), strict=True):
            quote.setValue(float(value))
        payoff = ql.PlainVanillaPayoff(ql.Option.Put if put else ql.Option.Call, 100.0)
        option = ql.VanillaOption(payoff, ql.AmericanExercise(today, today + round(years * 365)))
        option.setPricingEngine(most_precise)
        return option.NPV()

    return price


@pytest.fixture(scope="module")
def quantlib(engine) -> np.ndarray:
    """Price and delta (by a step of a hundredth of a per cent) of the grid."""
    rows = [[engine(put, at * (1 + bump), *rest) for bump in (0, 1e-4, -1e-4)] for put, at, *rest in GRID]
    middle, up, down = np.array(rows).T
    return np.array([middle, (up - down) / (2e-4 * GRID[:, 1])])


def test_prices_are_within_a_ten_thousandth_of_the_strike_of_quantlib(quantlib):
    contracts, volatility = _grid()
    np.testing.assert_allclose(american.price(contracts, volatility), quantlib[0], atol=1e-4 * 100)


def test_prices_are_in_fact_ten_times_as_close(quantlib):
    contracts, volatility = _grid()
    assert np.quantile(np.abs(american.price(contracts, volatility) - quantlib[0]), 0.99) < 1e-5 * 100


def test_deltas_are_within_a_thousandth_of_quantlib(quantlib):
    contracts, volatility = _grid()
    away = np.abs(quantlib[0] - contracts.intrinsic) > 1e-3  # the kink at the boundary has no slope to compare
    found = american.sensitivities(contracts, volatility).delta
    np.testing.assert_allclose(found[away], quantlib[1][away], atol=1e-3)


def test_volatilities_are_within_a_hundredth_of_a_point_of_quantlib(quantlib):
    contracts, volatility = _grid()
    greeks = american.sensitivities(contracts, volatility, FINE)
    allowed = (greeks.vega / ONE_POINT * 1e-4 > 5e-6 * 100) & (quantlib[0] - contracts.intrinsic > 1e-4)
    found = american_volatility(contracts, quantlib[0]).volatility
    assert allowed.sum() > 300
    np.testing.assert_allclose(found[allowed], volatility[allowed], atol=1e-4)


# Where steep early exercise and low volatility meet, a volatility's search once stopped points away from it.
DRIFTING = [
    (0, 104.3, 528, 0.0755, 0.001, 0.06),
    (0, 100.6, 577, 0.06, 0.0, 0.06),
    (1, 99.2, 109, 0.0523, 0.08, 0.0),
    (1, 58.8, 395, 0.8413, 0.0473, -0.5941),  # hard to borrow
    (0, 174.9, 326, 1.8215, 0.0058, 0.4977),  # a special dividend
]


@pytest.mark.parametrize(("put", "spot", "days", "volatility", "rate", "dividend"), DRIFTING)
def test_volatilities_of_strong_carry(engine, put, spot, days, volatility, rate, dividend):
    price = engine(put, spot, days / 365, volatility, rate, dividend)
    contract = Contracts.of(put, spot, 100, days / 365, rate, dividend)
    assert american_volatility(contract, [price]).volatility[0] == pytest.approx(volatility, abs=1e-3)


CORNERS = [(0.0, -0.3), (0.0, 0.3), (-0.02, 0.05), (-0.02, -0.01), (0.04, -0.9), (0.04, 1.0), (0.08, 0.6)]


@pytest.mark.parametrize("put", [1, 0])
@pytest.mark.parametrize(("rate", "dividend"), CORNERS)
def test_rates_and_yields_beyond_the_usual_are_priced_within_a_ten_thousandth(engine, put, rate, dividend):
    rate, dividend = (rate, dividend) if put else (dividend / 2, rate)
    spot, years = np.array([70.0, 95.0, 100.0, 130.0]), np.array([30, 120, 550, 700]) / 365
    found = american.price(Contracts.of(put, spot, 100.0, years, rate, dividend), np.full(4, 0.4))
    wanted = [engine(put, *each, 0.4, rate, dividend) for each in zip(spot, years, strict=True)]
    np.testing.assert_allclose(found, np.maximum(wanted, spot - 100 if not put else 100 - spot), atol=1e-4 * 100)


@pytest.mark.parametrize(("put", "rate", "dividend"), [(True, 0.0717, -0.87), (False, 0.0074, 0.825)])
def test_what_should_be_exercised_at_once_is_worth_its_intrinsic_value(put, rate, dividend):
    contract = Contracts.of(put, 63.0 if put else 136.1, 100, 1.1, rate, dividend)
    assert american.price(contract, np.array([0.0606]))[0] == contract.intrinsic[0]


# Every seventeenth of the grid meets every value of every axis; a step of each quantity, and what one Greek is of it.
SLOPES = {"gamma": 2e-4, "theta": 1e-3, "vega": 1e-3, "rho": 1e-5}


@pytest.fixture(scope="module")
def slopes(engine) -> dict[str, np.ndarray]:
    """Gamma, theta, vega and rho of a part of the grid by finite differences, in our units."""

    def difference(name: str, row: np.ndarray, sign: int) -> float:
        put, spot, years, sigma, r, q = row
        step = 1 + sign * SLOPES[name]
        if name == "gamma":
            return engine(put, spot * step, years, sigma, r, q)
        if name == "theta":  # more time is more of everything that time multiplies
            return engine(put, spot, years, sigma * np.sqrt(step), r * step, q * step)
        if name == "vega":
            return engine(put, spot, years, sigma * step, r, q)
        return engine(put, spot, years, sigma, r + sign * SLOPES[name], q)

    rows = GRID[::17]
    _, spot, years, sigma, *_ = rows.T
    up, down = ({name: np.array([difference(name, row, sign) for row in rows]) for name in SLOPES} for sign in (1, -1))
    middle = np.array([engine(*row) for row in rows])
    return {
        "gamma": (up["gamma"] - 2 * middle + down["gamma"]) / (SLOPES["gamma"] * spot) ** 2,
        "theta": -(up["theta"] - down["theta"]) / (2 * SLOPES["theta"] * years) / DAYS_PER_YEAR,
        "vega": (up["vega"] - down["vega"]) / (2 * SLOPES["vega"] * sigma) * ONE_POINT,
        "rho": (up["rho"] - down["rho"]) / (2 * SLOPES["rho"]) * ONE_POINT,
        "time value": middle - Contracts.of(rows[:, 0] == 1, spot, 100, years, 0, 0).intrinsic,
    }


@pytest.mark.parametrize(("name", "allowed"), [("gamma", 1e-4), ("theta", 1e-3), ("vega", 1e-3), ("rho", 2e-3)])
def test_the_other_greeks_are_quantlibs_finite_differences(slopes, name, allowed):
    put, spot, years, volatility, rate, dividend = GRID[::17].T
    found = american.sensitivities(Contracts.of(put == 1, spot, 100.0, years, rate, dividend), volatility)
    alive = slopes["time value"] > 0.05  # a step over the boundary is a kink and no slope
    assert alive.sum() > 25
    np.testing.assert_allclose(getattr(found, name)[alive], slopes[name][alive], atol=allowed, rtol=2e-3)


def test_signs_and_bounds_on_the_whole_grid():
    contracts, volatility = _grid()
    value, delta, gamma, theta, vega, _ = american.sensitivities(contracts, volatility)
    assert (value >= contracts.intrinsic - 1e-9).all()
    assert (value <= np.where(contracts.is_put, contracts.strike, contracts.spot) + 1e-9).all()
    assert (np.where(contracts.is_put, -delta, delta) >= -1e-4).all()
    assert (np.abs(delta) <= 1 + 1e-9).all()
    assert min(gamma.min(), vega.min()) >= -1e-6
    assert theta.max() <= 1e-4 * 100 / DAYS_PER_YEAR + 0.06 * 200 / DAYS_PER_YEAR


MARKETS = st.tuples(
    st.floats(0.5, 2), st.floats(1 / 365, 2), st.floats(0, 0.08), st.floats(0, 0.06), st.floats(0.05, 2.9)
)


@given(MARKETS, st.booleans())
def test_early_exercise_is_worth_something_and_not_too_much(market, put):
    moneyness, years, rate, dividend, volatility = market
    contract = Contracts.of(put, 100 * moneyness, 100, years, rate, dividend)
    sigma = np.array([volatility])
    premium = american.price(contract, sigma) - european.price(contract, sigma)
    most = 100 * rate * years if put else 100 * moneyness * dividend * years  # interest or yield for the whole life
    assert -1e-9 <= premium[0] <= most + 1e-9


@given(MARKETS)
def test_american_put_call_parity_bounds(market):
    # Hull, 9th edition, equation 11.11 with the yield of chapter 17
    moneyness, years, rate, dividend, volatility = market
    spot = 100 * moneyness
    put, call = american.price(Contracts.of([True, False], spot, 100, years, rate, dividend), np.array([volatility]))
    assert spot * np.exp(-dividend * years) - 100 - 2e-3 <= call - put <= spot - 100 * np.exp(-rate * years) + 2e-3


@given(MARKETS, st.booleans())
def test_price_rises_with_volatility_and_time(market, put):
    moneyness, years, rate, dividend, volatility = market
    more = Contracts.of(put, 100 * moneyness, 100, [years, years * 1.2, years], rate, dividend)
    base, longer, livelier = american.price(more, np.array([volatility, volatility, volatility * 1.05]))
    assert min(longer, livelier) >= base - 2e-3


@given(MARKETS, st.booleans())
def test_price_is_monotone_and_convex_in_the_strike(market, put):
    moneyness, years, rate, dividend, volatility = market
    strikes = 100 / moneyness * np.array([0.95, 1.0, 1.05])
    low, middle, high = american.price(Contracts.of(put, 100, strikes, years, rate, dividend), np.full(3, volatility))
    assert (high >= middle - 1e-3 >= low - 2e-3) if put else (low >= middle - 1e-3 >= high - 2e-3)
    assert low + high >= 2 * middle - 4e-3


@pytest.mark.parametrize(("put", "rate", "dividend"), [(False, 0.05, 0.0), (True, 0.0, 0.03), (True, -0.01, 0.0)])
def test_european_where_early_exercise_never_pays(put, rate, dividend):
    contract = Contracts.of(put, [80, 100, 120], 100, 0.5, rate, dividend)
    sigma = np.full(3, 0.4)
    held = np.maximum(european.price(contract, sigma), contract.intrinsic)
    np.testing.assert_array_equal(american.price(contract, sigma), held)


def test_an_option_that_should_be_exercised_is_its_intrinsic_value():
    found = american.sensitivities(Contracts.of(True, 50, 100, 1, 0.08, 0), np.array([0.1]))
    assert [column[0] for column in found] == [50, -1, 0, 0, 0, 0]


@pytest.mark.parametrize("put", [True, False])
@pytest.mark.parametrize("moneyness", [0.9, 1.0, 1.1])
def test_greeks_are_the_slopes_of_the_price(put, moneyness):
    terms = np.array([100.0, 100.0 * moneyness, 0.4, 0.05, 0.04, 0.35])

    def price(shifted: np.ndarray) -> float:
        return american.price(Contracts.of(put, *shifted[:-1]), shifted[-1:], FINE)[0]

    def slope(at: int, step: float) -> float:
        bump = np.eye(6)[at] * step
        return (price(terms + bump) - price(terms - bump)) / (2 * step)

    greeks = american.sensitivities(Contracts.of(put, *terms[:-1]), terms[-1:])
    found = [greeks.delta[0], greeks.theta[0], greeks.vega[0], greeks.rho[0]]
    slopes = [slope(0, 0.01), -slope(2, 1e-4) / DAYS_PER_YEAR, slope(5, 1e-4) * ONE_POINT, slope(3, 1e-4) * ONE_POINT]
    np.testing.assert_allclose(found, slopes, rtol=5e-3, atol=1e-4)


def test_vega_has_no_jump_where_the_equation_of_the_boundary_changes():
    sigma = 0.05 / 0.6 / np.sqrt(0.5) * 0.5 * (1 + np.array([-2e-5, -1e-5, -5e-6, 0, 5e-6]))
    puts = Contracts.of(True, 95, 100, 0.5, 0.05, 0.0)
    vega = american.sensitivities(puts.rows(np.zeros(5, dtype=int)), sigma).vega
    np.testing.assert_allclose(vega, vega[0], rtol=1e-3)


def test_boundary_falls_from_the_strike_to_the_perpetual_one():
    contract = Contracts.of(True, 100, 100, [0.5, 50.0], 0.05, 0.0)
    puts, _ = american.as_puts(contract, np.array([0.3, 0.3]))
    boundary = np.exp(log_boundary(puts, STANDARD))
    slope = 0.05 / 0.3**2 - 0.5
    exponent = -slope - np.sqrt(slope**2 + 2 * 0.05 / 0.3**2)  # Merton 1973, perpetual put
    assert (np.diff(boundary[0]) > 0).all()
    assert boundary[1, 0] == pytest.approx(exponent / (exponent - 1), rel=0.02)


@pytest.mark.parametrize("price", [-1.0, 0.0, 19.99, 20.0, 100.0, 150.0, np.nan])
def test_no_volatility_without_time_value_or_beyond_the_bound(price):
    put = Contracts.of(True, 80, 100, 0.5, 0.04, 0.0)
    assert np.isnan(american_volatility(put, [price]).volatility[0])


@given(MARKETS, st.booleans())
def test_implied_volatility_returns_where_the_price_came_from(market, put):
    moneyness, years, rate, dividend, volatility = market
    contract = Contracts.of(put, 100 * moneyness, 100, years, rate, dividend)
    greeks = american.sensitivities(contract, np.array([volatility]))
    if greeks.vega[0] > 0.01 and greeks.price[0] > contract.intrinsic[0] + 0.01:
        assert american_volatility(contract, greeks.price).volatility[0] == pytest.approx(volatility, abs=1e-3)
