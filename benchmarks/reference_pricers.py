"""QuantLib and vollib, contract by contract: what the benchmarks measure us against. Needs the `test` extra."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import QuantLib as ql  # noqa: N813
from vollib.black_scholes_merton.greeks import analytical
from vollib.black_scholes_merton.implied_volatility import implied_volatility as vollib_volatility

from wheel_assets.greeks.contracts import Contracts
from wheel_assets.market.arrays import Floats

GREEKS = ("delta", "gamma", "theta", "vega", "rho")


class QuantLibMarket:
    """One Black-Scholes-Merton process whose four inputs are set contract by contract."""

    def __init__(self) -> None:
        self.today = ql.Date(20, 11, 2026)
        ql.Settings.instance().evaluationDate = self.today
        days = ql.Actual365Fixed()
        self.spot, self.dividend, self.rate, self.volatility = (ql.SimpleQuote(0.1) for _ in range(4))
        curves = [
            ql.YieldTermStructureHandle(ql.FlatForward(self.today, ql.QuoteHandle(quote), days))
            for quote in (self.dividend, self.rate)
        ]
        surface = ql.BlackConstantVol(self.today, ql.NullCalendar(), ql.QuoteHandle(self.volatility), days)
        volatility = ql.BlackVolTermStructureHandle(surface)
        self.process = ql.BlackScholesMertonProcess(ql.QuoteHandle(self.spot), *curves, volatility)

    def option(self, contract: Contracts, style: type, engine: ql.PricingEngine) -> ql.VanillaOption:
        """The option of one contract, its market set."""
        put, spot, strike, years, rate, dividend = (column[0] for column in contract)
        for quote, value in ((self.spot, spot), (self.rate, rate), (self.dividend, dividend)):
            quote.setValue(float(value))
        last = self.today + round(float(years) * 365)
        exercise = ql.AmericanExercise(self.today, last) if style is ql.AmericanExercise else style(last)
        kind = ql.Option.Put if put else ql.Option.Call
        option = ql.VanillaOption(ql.PlainVanillaPayoff(kind, float(strike)), exercise)
        option.setPricingEngine(engine)
        return option


def one_by_one(contracts: Contracts) -> Iterator[Contracts]:
    """Single contracts."""
    for row in range(contracts.strike.size):
        yield contracts.rows(slice(row, row + 1))


def quantlib_prices(
    market: QuantLibMarket, engine: ql.PricingEngine, contracts: Contracts, volatility: Floats
) -> Floats:
    """American prices by one of QuantLib's engines."""
    prices = []
    for contract, sigma in zip(one_by_one(contracts), volatility, strict=True):
        market.volatility.setValue(float(sigma))
        prices.append(market.option(contract, ql.AmericanExercise, engine).NPV())
    return np.array(prices)


def quantlib_european_loop(market: QuantLibMarket, contracts: Contracts, prices: Floats) -> None:
    """Implied volatility and five Greeks, contract by contract."""
    engine = ql.AnalyticEuropeanEngine(market.process)
    for contract, price in zip(one_by_one(contracts), prices, strict=True):
        option = market.option(contract, ql.EuropeanExercise, engine)
        market.volatility.setValue(option.impliedVolatility(float(price), market.process, 1e-7, 100, 1e-4, 8.0))
        for name in GREEKS:
            getattr(option, name)()


def quantlib_american_loop(market: QuantLibMarket, contracts: Contracts, prices: Floats) -> None:
    """Implied volatility alone, contract by contract."""
    engine = ql.QdFpAmericanEngine(market.process)
    for contract, price in zip(one_by_one(contracts), prices, strict=True):
        option = market.option(contract, ql.AmericanExercise, engine)
        with contextlib.suppress(RuntimeError):  # its finite differences cannot bracket prices near intrinsic
            option.impliedVolatility(float(price), market.process, 1e-4, 100, 1e-4, 8.0)


def vollib_loop(contracts: Contracts, prices: Floats) -> None:
    """Implied volatility and five Greeks, contract by contract."""
    for contract, price in zip(one_by_one(contracts), prices, strict=True):
        put, spot, strike, years, rate, dividend = (column[0].item() for column in contract)
        flag = "p" if put else "c"
        sigma = vollib_volatility(float(price), spot, strike, years, rate, dividend, flag)
        for name in GREEKS:
            getattr(analytical, name)(flag, spot, strike, years, rate, sigma, dividend)
