"""The prices of the sample market: free of arbitrage, by tests that know nothing of how they are made."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from wheel_assets.fetch.sample.listing import Expiration
from wheel_assets.fetch.sample.quotes import RATE, Market, fair_values, implied_volatility, market_at, quotes
from wheel_assets.fetch.sample.sources import STOCKS

SYMBOLS = st.sampled_from(sorted(STOCKS))
DAYS = st.dates(date(2021, 1, 1), date(2035, 12, 31))
MARKETS = st.builds(Market, spot=st.just(30.0), volatility=st.floats(0.2, 1.2), long_run=st.floats(0.2, 1.0))
YEARS = st.floats(1 / 365, 2)
LOG_MONEYNESS = np.linspace(-1.5, 1.5, 301)


@given(MARKETS, YEARS, st.floats(0.001, 1))
def test_total_variance_rises_with_time(market: Market, years: float, later: float) -> None:
    """No calendar spread costs less than nothing: Gatheral and Jacquier (2014), definition 2.2."""
    now = implied_volatility(LOG_MONEYNESS, years, market) ** 2 * years
    then = implied_volatility(LOG_MONEYNESS, years + later, market) ** 2 * (years + later)
    assert (then > now).all()


@given(MARKETS, YEARS)
def test_no_butterfly_costs_less_than_nothing(market: Market, years: float) -> None:
    strikes = np.linspace(6, 100, 400)
    volatility = implied_volatility(np.log(strikes / market.spot) - RATE * years, years, market)
    assert (np.diff(fair_values(strikes, volatility, market.spot, years), n=2) > -1e-9).all()


@given(MARKETS, YEARS)
def test_puts_are_dearer_in_volatility_than_calls(market: Market, years: float) -> None:
    below, above = implied_volatility(np.array([-0.3, 0.3]), years, market)
    assert below > above


@pytest.mark.parametrize("years", [0.02, 0.1, 1.5])
def test_at_the_money_volatility_tends_to_its_long_run(years: float) -> None:
    market = Market(spot=30, volatility=0.8, long_run=0.5)
    nearer, farther = (implied_volatility(np.zeros(1), t, market)[0] for t in (years, years + 0.2))
    assert 0.5 < farther < nearer < 0.8


def black_scholes(spot: float, strike: float, years: float, rate: float, volatility: float) -> tuple[float, float]:
    """Hull, Options, Futures, and Other Derivatives, 10th edition, equations 15.20 and 15.21."""
    d1 = (np.log(spot / strike) + (rate + volatility**2 / 2) * years) / (volatility * np.sqrt(years))
    d2 = d1 - volatility * np.sqrt(years)
    present = strike * np.exp(-rate * years)
    return spot * norm.cdf(d1) - present * norm.cdf(d2), present * norm.cdf(-d2) - spot * norm.cdf(-d1)


@given(st.floats(5, 100), YEARS, st.floats(0.1, 1.5))
def test_fair_values_are_black_scholes_and_no_put_is_below_exercise(strike: float, years: float, vol: float) -> None:
    call, put = fair_values(np.array([strike]), np.array([vol]), 30.0, years)[:, 0]
    expected_call, expected_put = black_scholes(30.0, strike, years, RATE, vol)
    assert call == pytest.approx(expected_call, abs=1e-9)
    assert put == pytest.approx(max(expected_put, strike - 30.0), abs=1e-9)


@given(SYMBOLS, DAYS)
def test_stock_swings_about_its_anchor_and_jumps_no_more_than_a_stock(symbol: str, day: date) -> None:
    stock = STOCKS[symbol]
    today, tomorrow = (market_at(symbol, stock, day + timedelta(days)).spot for days in (0, 1))
    assert 0.6 < today / stock.anchor < 1.6
    assert abs(np.log(tomorrow / today)) < 4 * stock.volatility / np.sqrt(252)


def test_prices_of_the_first_symbol_stay_between_20_and_50_dollars() -> None:
    days = (date(2024, 1, 1) + timedelta(7 * week) for week in range(500))
    spots = [market_at("U", STOCKS["U"], day).spot for day in days]
    assert min(spots) > 20
    assert max(spots) < 50
    assert max(spots) / min(spots) > 1.4


def quoted(seed_day: date, days: int, kind: str = "monthly") -> dict[str, np.ndarray]:
    listed = Expiration(seed_day + timedelta(days), np.arange(10, 80, 0.5), kind)
    return quotes("U", Market(32, 0.55, 0.5), seed_day, listed)


@given(DAYS, st.integers(1, 500))
def test_fair_values_lie_within_their_quotes(day: date, days: int) -> None:
    """Hence no set of quotes can be arbitraged: all of them allow one arbitrage-free set of prices."""
    strikes, years = np.arange(10, 80, 0.5), days / 365
    volatility = implied_volatility(np.log(strikes / 32) - RATE * years, years, Market(32, 0.55, 0.5))
    fair = fair_values(strikes, volatility, 32, years).ravel()
    found = quoted(day, days)
    has_quote = ~np.isnan(found["ask"])
    assert (found["bid"][has_quote] <= fair[has_quote] + 1e-9).all()
    assert (found["ask"][has_quote] >= fair[has_quote] - 1e-9).all()


@given(DAYS, st.integers(1, 500), st.sampled_from(["bid", "ask"]))
def test_quotes_fall_with_the_strike_for_calls_and_rise_for_puts(day: date, days: int, side: str) -> None:
    calls, puts = quoted(day, days)[side].reshape(2, -1)
    assert (np.diff(calls[~np.isnan(calls)]) <= 0).all()
    assert (np.diff(puts[~np.isnan(puts)]) >= 0).all()


@given(DAYS, st.integers(1, 500))
def test_quotes_are_in_cents_and_from_3_dollars_in_nickels(day: date, days: int) -> None:
    found = quoted(day, days)
    prices = np.concatenate([found["bid"], found["ask"]])
    cents = prices[~np.isnan(prices)] * 100
    assert cents == pytest.approx(np.round(cents), abs=1e-6)
    assert (np.round(cents[cents > 300.5]) % 5 == 0).all()


def test_spreads_widen_in_the_wings() -> None:
    found = quoted(date(2026, 11, 20), 30)
    spread = ((found["ask"] - found["bid"]) / (found["ask"] + found["bid"])).reshape(2, -1)[1]
    strikes = np.arange(10, 80, 0.5)
    assert spread[strikes == 22][0] > 3 * spread[strikes == 32][0]


def test_open_interest_peaks_near_the_money_and_at_round_strikes() -> None:
    days = [quoted(date(2026, 1, 1) + timedelta(day), 30) for day in range(40)]
    calls = np.mean([day["open_interest"].reshape(2, -1)[0] for day in days], axis=0)
    strikes = np.arange(10, 80, 0.5)
    assert 30 <= strikes[calls.argmax()] <= 40
    assert strikes[calls.argmax()] % 5 == 0
    assert calls[strikes == 35][0] > calls[strikes == 34][0] > calls[strikes == 34.5][0]


def test_what_has_no_quote_has_no_size_and_no_volatility() -> None:
    found = quoted(date(2026, 11, 20), 5)
    one_sided = np.isin(found["quote_quality"], ("no_bid", "missing"))
    assert one_sided.any()
    assert np.isnan(found["iv"][one_sided]).all()
    assert np.isnan(found["bid_size"][one_sided]).all()
    assert not np.isnan(found["iv"][~one_sided]).any()


def test_never_traded_means_no_last_price() -> None:
    found = quoted(date(2026, 11, 20), 5, kind="weekly")
    never = found["open_interest"] == 0
    assert never.any()
    assert np.isnan(found["last"][never]).all()
    assert (found["volume"][never] == 0).all()
