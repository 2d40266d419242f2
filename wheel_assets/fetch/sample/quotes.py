"""Prices of the sample market: a stock that moves a little every day, and quotes around fair values.

A quote is a fair value pushed apart: down to a bid, up to an ask. The fair values come from a
volatility surface without arbitrage, and everything done to them afterwards only widens, so every
fair value lies within its quote and no set of quotes can be traded against another at a profit.
"""

from __future__ import annotations

import math
import zlib
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from wheel_assets.fetch.normalise.quotes import quote_quality
from wheel_assets.fetch.sample.listing import Expiration

RATE = 0.04  # continuously compounded, as WHEEL_RATE__VALUE is by default; no dividends

# Shape of the smile and how it flattens with time, see `implied_volatility`.
SKEW, CURVATURE = -0.25, 0.7

# Volatility forgets today's level at this speed a year, and tends to this part of the stock's own.
REVERSION, LONG_RUN = 3.0, 0.92

# Period in days and height, over the stock's volatility, of the waves its price rides on.
WAVES = ((9, 0.03), (41, 0.07), (127, 0.15), (397, 0.22))
DAILY_SHOCK = 0.02


class Stock(NamedTuple):
    """A made-up stock: the price it swings about, dollars a share, and its volatility a year."""

    anchor: float
    volatility: float


class Market(NamedTuple):
    """The state of one stock at one close: its price and its short-term volatility a year."""

    spot: float
    volatility: float
    long_run: float


def market_at(symbol: str, stock: Stock, session: date) -> Market:
    """The stock's state at the close of a session: found from the date alone, near that of the day before.

    Waves of fixed phase take the place of a random walk, which would have to be stored or replayed.
    """
    phases = random_of(symbol).uniform(size=len(WAVES))
    shock = float(np.clip(random_of(symbol, session).normal(), -2, 2)) * DAILY_SHOCK
    turns = [session.toordinal() / period + phase for (period, _), phase in zip(WAVES, phases, strict=True)]
    swings = [height * math.sin(2 * math.pi * turn) for (_, height), turn in zip(WAVES, turns, strict=True)]
    spot = round(stock.anchor * math.exp(stock.volatility * (sum(swings) + shock)), 2)
    # Falling prices make options dearer: the leverage effect.
    return Market(spot, stock.volatility * math.exp(-0.4 * sum(swings[:3]) - shock), stock.volatility * LONG_RUN)


def implied_volatility(log_moneyness: np.ndarray, years: float, market: Market) -> np.ndarray:
    """Volatility a year by ln(strike / forward), at one time to expiration.

    SSVI with the power-law function, free of static arbitrage since CURVATURE * (1 + |SKEW|) <= 2;
    Gatheral and Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014),
    definition 4.1 and remark 4.4. At the money the variance reverts to its long run.
    """
    now, later = market.volatility**2, market.long_run**2
    variance = later * years + (now - later) * (1 - math.exp(-REVERSION * years)) / REVERSION
    slope = CURVATURE / math.sqrt(variance * (1 + variance)) * log_moneyness
    return np.sqrt(variance / 2 * (1 + SKEW * slope + np.sqrt((slope + SKEW) ** 2 + 1 - SKEW**2)) / years)


def fair_values(strikes: np.ndarray, volatility: np.ndarray, spot: float, years: float) -> np.ndarray:
    """Shape (2, strikes): calls, then puts, dollars a share; Black and Scholes, no put below its exercise value.

    With that floor the values are a lower bound of the American ones (no dividends: for calls they
    are equal), still falling (calls), rising (puts) and convex in the strike.
    """
    deviation = volatility * math.sqrt(years)
    d1 = np.log(spot * math.exp(RATE * years) / strikes) / deviation + deviation / 2
    discounted = strikes * math.exp(-RATE * years)
    calls = np.maximum(spot * _normal_cdf(d1) - discounted * _normal_cdf(d1 - deviation), 0)
    return np.stack([calls, np.maximum(calls - spot + discounted, np.maximum(strikes - spot, 0))])


def quotes(symbol: str, market: Market, session: date, expiration: Expiration) -> dict[str, np.ndarray]:
    """Everything quoted for one expiration, by column of `tables.OPTION_CHAINS`, calls before puts, strikes rising."""
    random = random_of(symbol, session, expiration.day)
    strikes, years = expiration.strikes, (expiration.day - session).days / 365
    log_moneyness = np.log(strikes / market.spot) - RATE * years
    volatility = implied_volatility(log_moneyness, years, market)
    distance = log_moneyness / (volatility * math.sqrt(years))
    fair = fair_values(strikes, volatility, market.spot, years)
    bid, ask = _bid_ask(fair, distance, years, random)
    columns = {
        "option_type": np.repeat(np.array(["call", "put"], dtype=object), len(strikes)).reshape(fair.shape),
        "strike": np.broadcast_to(strikes, fair.shape),
        "bid": bid,
        "ask": ask,
        **_activity(fair, distance, expiration, random),
        **_sizes(bid, ask, random),
        "quote_quality": quote_quality(bid, ask),
    }
    iv = np.round(volatility * random.normal(1, 0.002, fair.shape), 4)
    columns["iv"] = np.where(np.isin(columns["quote_quality"], ("ok", "wide")), iv, np.nan)
    return {name: values.ravel() for name, values in columns.items()}


def _bid_ask(fair: np.ndarray, distance: np.ndarray, years: float, random: Generator) -> tuple[np.ndarray, np.ndarray]:
    """A bid below and an ask above every fair value; wider for dear, far and long-dated contracts.

    Rounding goes outwards too: to cents, from 3 dollars on to nickels. At last bids are lowered and
    asks raised until neither rises (calls) or falls (puts) with the strike.
    """
    half = (0.004 + 0.018 * np.sqrt(fair)) * (1 + 0.2 * np.minimum(abs(distance), 4) ** 2) * (1 + 0.6 * years)
    low, high = fair - half * random.uniform(1, 1.4, fair.shape), fair + half * random.uniform(1, 1.4, fair.shape)
    bid, ask = np.floor(low / _tick(low)) * _tick(low), np.ceil(high / _tick(high)) * _tick(high)
    bid = np.stack([np.minimum.accumulate(bid[0]), np.minimum.accumulate(bid[1, ::-1])[::-1]])
    ask = np.stack([np.maximum.accumulate(ask[0, ::-1])[::-1], np.maximum.accumulate(ask[1])])
    unquoted = (bid <= 0) & (random.uniform(size=fair.shape) < 0.2)
    return np.where(unquoted, np.nan, np.round(np.maximum(bid, 0), 2)), np.where(unquoted, np.nan, np.round(ask, 2))


def _activity(fair: np.ndarray, distance: np.ndarray, listed: Expiration, random: Generator) -> dict[str, np.ndarray]:
    """Open interest, most just out of the money and at round strikes; volume and last trade after it."""
    strikes = listed.strikes
    roundness = np.select([strikes % 5 == 0, strikes % 2.5 == 0, strikes % 1 == 0], [3.0, 1.6, 1.0], 0.35)
    crowd = {"weekly": 1200, "monthly": 4000, "leaps": 2500}[listed.kind]
    peak = np.exp(-((distance - np.array([[0.7], [-0.7]])) ** 2) / 3)
    open_interest = np.floor(crowd * roundness * peak * random.lognormal(0, 0.5, fair.shape))
    volume = np.floor(open_interest * 0.1 * random.lognormal(-0.5, 1.0, fair.shape))
    last = fair * np.where(volume > 0, random.normal(1, 0.02, fair.shape), random.uniform(0.8, 1.3, fair.shape))
    last = np.maximum(np.round(last / _tick(last)) * _tick(last), 0.01)
    last = np.where(open_interest > 0, np.round(last, 2), np.nan)
    return {"open_interest": open_interest, "volume": volume, "last": last}


def _sizes(bid: np.ndarray, ask: np.ndarray, random: Generator) -> dict[str, np.ndarray]:
    """Contracts offered on each side; none where there is no price."""
    sizes = random.integers(1, 200, (2, *bid.shape)).astype(float)
    return {"bid_size": np.where(bid > 0, sizes[0], np.nan), "ask_size": np.where(ask > 0, sizes[1], np.nan)}


def _tick(price: np.ndarray) -> np.ndarray:
    return np.where(price < 3, 0.01, 0.05)


def random_of(*key: object) -> Generator:
    """A generator of its own for each key: nothing depends on what was drawn before."""
    return np.random.default_rng(zlib.crc32(repr(tuple(map(str, key))).encode()))


def _normal_cdf(x: np.ndarray) -> np.ndarray:
    """From the standard library: a number at a time is enough here."""
    return np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in x])
