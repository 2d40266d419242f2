"""How exact and how fast the pricing is, beside QuantLib and vollib, in one run.

    python benchmarks/pricing.py [--market] > benchmarks/results/pricing.txt

needs QuantLib and vollib (the `test` extra), and three minutes; some more with `--market`, the whole US market of
1,500,000 contracts. Times are medians, because the mean of a few runs is mostly about what else the machine did;
ratios compare runs within this process only. The loops of the other libraries run over a sample of 400 contracts:
their seconds for a chain are the time of one contract times the number of contracts, and no more was run. QuantLib's
American loop finds the volatility alone, without a Greek.
What it does not show: cold starts. The line `value_chain` is a frame of that many contracts, with implied forwards.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pandas as pd
import QuantLib as ql  # noqa: N813
from reference_pricers import (
    QuantLibMarket,
    one_by_one,
    quantlib_american_loop,
    quantlib_european_loop,
    quantlib_prices,
    vollib_loop,
)

from wheel_assets.greeks import american, european, value_chain
from wheel_assets.greeks.boundary import STANDARD, Scheme
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.implied import american_volatility
from wheel_assets.greeks.units import ONE_POINT
from wheel_assets.greeks.valuation import THREADS, valued
from wheel_assets.market.arrays import Floats
from wheel_assets.market.calendar import DAYS_PER_YEAR

RATE, DIVIDEND, SPOT = 0.04, 0.012, 100.0
FINEST = Scheme(12, 16, 32, 10)
FRAME_SIZE = 10_000  # contracts; the whole market comes symbol by symbol


def say(line: str = "") -> None:
    """A line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def median_seconds(runs: Mapping[str, Callable[[], object]], repeats: int = 5) -> dict[str, float]:
    """Median time of each call; the calls take turns, so that what else the machine does meets all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) for name, each in seconds.items()}


def random_contracts(size: int, rates: tuple[float, float], yields: tuple[float, float]) -> tuple[Contracts, Floats]:
    """Contracts at random, log-uniform in moneyness (0.5-2), days (1-730) and volatility (5-300 %)."""
    rng = np.random.default_rng(5)

    def log_uniform(low: float, high: float) -> Floats:
        return np.exp(rng.uniform(np.log(low), np.log(high), size))

    years = np.round(log_uniform(1, 730)) / 365
    spot, volatility = 100 * log_uniform(0.5, 2), log_uniform(0.05, 3)
    rate, dividend = rng.uniform(*rates, size), rng.uniform(*yields, size)
    return Contracts.of(rng.random(size) < 0.5, spot, 100.0, years, rate, dividend), volatility


def accuracy_grid(size: int = 1500) -> tuple[Contracts, Floats]:
    """Random contracts of the promised range."""
    return random_contracts(size, (0.0, 0.08), (0.0, 0.06))


def real_shaped(contracts: int, slices: int) -> tuple[Contracts, Floats]:
    """Chains of `slices` expirations, strikes spread over four deviations, a skewed smile."""
    each = contracts // (2 * slices)
    days = np.resize([3, 7, 14, 21, 28, 45, 63, 91, 147, 210, 336, 700], slices)
    years = np.repeat(days / 365.0, each)
    level = np.repeat(np.linspace(0.15, 0.8, slices), each)
    z = np.tile(np.linspace(-2.5, 1.8, each), slices)
    strike = np.round(SPOT * np.exp(level * np.sqrt(years) * z), 2)
    volatility = level * (1 - 0.08 * z + 0.02 * z * z)
    is_put = np.arange(2 * years.size) < years.size
    return Contracts.of(is_put, SPOT, *(np.tile(x, 2) for x in (strike, years)), RATE, DIVIDEND), np.tile(volatility, 2)


def report_accuracy(market: QuantLibMarket) -> None:
    """Errors against QuantLib's most precise American engine."""
    contracts, volatility = accuracy_grid()
    exact = ql.QdFpAmericanEngine(market.process, ql.QdFpAmericanEngine.highPrecisionScheme())
    reference = quantlib_prices(market, exact, contracts, volatility)
    bumped = [
        quantlib_prices(market, exact, contracts._replace(spot=contracts.spot * (1 + step)), volatility)
        for step in (1e-4, -1e-4)
    ]
    delta = (bumped[0] - bumped[1]) / (2e-4 * contracts.spot)
    alive = reference - contracts.intrinsic > 1e-3
    found = american.sensitivities(contracts, volatility)
    vega = american.sensitivities(contracts, volatility, FINEST).vega / ONE_POINT
    allowed = alive & (vega * 1e-4 > 1e-5 * 100)
    sigma = american_volatility(contracts, reference).volatility
    say(f"Accuracy: {reference.size} American options against QuantLib QdFp high precision")
    say("moneyness 0.5-2, 1-730 days, volatility 5-300 %, rate 0-8 %, yield 0-6 %")
    say(f"{'':34s}{'largest':>10s}{'99 %':>10s}{'median':>10s}{'promised':>10s}")
    _errors("price, of the strike", np.abs(american.price(contracts, volatility) - reference) / 100, "1e-4")
    _errors(f"volatility ({allowed.sum()} with vega for it)", np.abs(sigma - volatility)[allowed], "1e-4")
    _errors("delta", np.abs(found.delta - delta)[alive], "1e-3")
    report_other_greeks(market, contracts, volatility)
    _errors("price, finest scheme", np.abs(american.price(contracts, volatility, FINEST) - reference) / 100, "")
    report_corners(market)
    report_methods(market, contracts, volatility, reference)


CORNERS = {  # rates, yields, promised
    "the promised range": ((0.0, 0.08), (0.0, 0.06), "1e-5"),
    "yields of 6 to 100 %": ((0.0, 0.08), (0.06, 1.0), "1e-4"),
    "yields of -100 to 0 %": ((0.0, 0.08), (-1.0, 0.0), "1e-4"),
    "rates of -3 to 0 %": ((-0.03, 0.0), (-0.06, 0.06), "1e-4"),
    "a rate of 0": ((0.0, 0.0), (-0.5, 0.5), "1e-4"),
}


def report_corners(market: QuantLibMarket, size: int = 4000) -> None:
    """Errors of the price in and beyond the promised range; contracts with two boundaries on their own line."""
    precise = ql.QdFpAmericanEngine(market.process, ql.QdFpAmericanEngine.accurateScheme())
    differences = ql.FdBlackScholesVanillaEngine(market.process, 400, 800)
    twice_bound: list[tuple[Contracts, Floats]] = []
    say()
    say(f"{'Price, of strike or spot, the greater':44s}{'largest':>10s}{'99 %':>10s}{'median':>10s}{'promised':>10s}")
    for name, (rates, yields, promised) in CORNERS.items():
        contracts, volatility = random_contracts(size, rates, yields)
        low, lower = np.where(
            contracts.is_put, (contracts.rate, contracts.dividend_yield), (contracts.dividend_yield, contracts.rate)
        )
        two = (low < 0) & (lower < low)
        twice_bound.append((contracts.rows(two), volatility[two]))
        _corner(market, precise, f"{name} ({np.sum(~two)})", contracts.rows(~two), volatility[~two], promised)
    contracts = Contracts(*map(np.concatenate, zip(*(each for each, _ in twice_bound), strict=True)))
    volatility = np.concatenate([each for _, each in twice_bound])
    some = slice(0, volatility.size, 5)
    name = f"two boundaries, not modelled ({volatility[some].size})"
    _corner(market, differences, name, contracts.rows(some), volatility[some], "none")


def _corner(
    market: QuantLibMarket, engine: ql.PricingEngine, name: str, contracts: Contracts, volatility: Floats, promised: str
) -> None:
    reference = np.maximum(quantlib_prices(market, engine, contracts, volatility), contracts.intrinsic)
    error = np.abs(american.price(contracts, volatility) - reference) / np.maximum(contracts.spot, contracts.strike)
    quantiles = "".join(f"{value:10.1e}" for value in (error.max(), np.quantile(error, 0.99), np.median(error)))
    say(f"{name:44s}{quantiles}{promised:>10s}")


def report_other_greeks(market: QuantLibMarket, contracts: Contracts, volatility: Floats, some: int = 500) -> None:
    """Errors of gamma, theta, vega and rho, for a strike of 1, against QuantLib's finite differences."""
    c, sigma = contracts.rows(slice(some)), volatility[:some]
    prices = partial(
        quantlib_prices, market, ql.QdFpAmericanEngine(market.process, ql.QdFpAmericanEngine.accurateScheme())
    )
    middle, deviation = prices(c, sigma), sigma * np.sqrt(c.years)

    def longer(by: float) -> Floats:  # dates are whole days: more time is more of everything that time multiplies
        return prices(c._replace(rate=c.rate * by, dividend_yield=c.dividend_yield * by), sigma * np.sqrt(by))

    def elsewhere(by: float) -> Floats:
        return prices(c._replace(spot=c.spot * (1 + by * deviation)), sigma)

    bend = (elsewhere(0.01) - 2 * middle + elsewhere(-0.01)) / 1e-4  # a part of the deviation, which can be tiny
    slopes = {
        "theta": -(longer(1.001) - longer(0.999)) / (0.002 * c.years) / DAYS_PER_YEAR,
        "vega": (prices(c, sigma * 1.001) - prices(c, sigma * 0.999)) / (0.002 * sigma) * ONE_POINT,
        "rho": (prices(c._replace(rate=c.rate + 1e-5), sigma) - middle) / 1e-5 * ONE_POINT,
    }
    found = american.sensitivities(c, sigma)
    alive = middle - c.intrinsic > 0.05  # a step over the boundary is a kink and no slope
    _errors(
        "gamma x one deviation of spot", np.abs(found.gamma * c.spot * deviation - bend / c.spot / deviation)[alive], ""
    )
    for name, slope in slopes.items():
        _errors(f"{name} ({alive.sum()})", np.abs(getattr(found, name) - slope)[alive] / 100, "")


def _errors(name: str, errors: Floats, promised: str) -> None:
    quantiles = "".join(f"{value:10.1e}" for value in (errors.max(), np.quantile(errors, 0.99), np.median(errors)))
    say(f"{name:34s}{quantiles}{promised:>10s}")


def report_methods(market: QuantLibMarket, contracts: Contracts, volatility: Floats, reference: Floats) -> None:
    """The methods there are to choose from: error against time of one price."""
    process, scheme = market.process, ql.QdFpAmericanEngine
    engines = {
        "QuantLib Bjerksund-Stensland": ql.BjerksundStenslandApproximationEngine(process),
        "QuantLib Barone-Adesi-Whaley": ql.BaroneAdesiWhaleyApproximationEngine(process),
        "QuantLib QD+": ql.QdPlusAmericanEngine(process),
        "QuantLib QdFp fast": scheme(process, scheme.fastScheme()),
        "QuantLib QdFp accurate": scheme(process, scheme.accurateScheme()),
        "QuantLib lattice, 200 steps": ql.BinomialVanillaEngine(process, "crr", 200),
        "QuantLib finite differences 100": ql.FdBlackScholesVanillaEngine(process, 100, 100),
    }
    runs = {name: partial(_working_prices, market, engine, contracts, volatility) for name, engine in engines.items()}
    for ours in (Scheme(4, 4, 8, 2), Scheme(5, 6, 10, 2), STANDARD, Scheme(8, 8, 16, 4), FINEST):
        runs[f"ours, scheme {tuple(ours)}"] = partial(american.price, contracts, volatility, ours)
    say()
    say(f"{'Methods: one American price':34s}{'largest':>10s}{'99 %':>10s}{'no answer':>10s}{'us each':>10s}")
    for name, run in runs.items():
        start = time.perf_counter()
        error = np.abs(run() - reference) / 100
        each = (time.perf_counter() - start) / reference.size * 1e6
        bad = np.isnan(error)
        say(f"{name:34s}{error[~bad].max():10.1e}{np.quantile(error[~bad], 0.99):10.1e}{bad.sum():10d}{each:10.1f}")


def _working_prices(
    market: QuantLibMarket, engine: ql.PricingEngine, contracts: Contracts, volatility: Floats
) -> Floats:
    """Prices, NaN where the engine refuses."""
    prices = []
    for contract, sigma in zip(one_by_one(contracts), volatility, strict=True):
        try:
            prices.append(quantlib_prices(market, engine, contract, np.array([sigma]))[0])
        except RuntimeError:
            prices.append(np.nan)
    return np.array(prices)


def chain_frame(contracts: Contracts, prices: Floats) -> pd.DataFrame:
    """The columns that `value_chain` reads, quoted a cent to each side."""
    quoted = pd.Timestamp("2026-11-20 21:00")
    days = pd.to_timedelta((contracts.years * 365).round(), "D")
    right = np.where(contracts.is_put, "put", "call")
    rows = {"expiration": quoted.normalize() + days, "strike": contracts.strike, "option_type": right}
    quotes = {"bid": np.maximum(prices - 0.01, 0), "ask": prices + 0.01, "timestamp": quoted, "symbol": "TEST"}
    return pd.DataFrame(rows | quotes | {"option_symbol": "TEST  261127C00100000", "spot_price": SPOT})


def report_speed(market: QuantLibMarket, size: int, slices: int, repeats: int) -> None:
    """Implied volatility and five Greeks of a chain, ours and in the loops of the others."""
    contracts, volatility = real_shaped(size, slices)
    say()
    say(f"Speed: implied volatility and five Greeks, {contracts.strike.size:,} contracts in {slices:,} expirations")
    say(f"{'':44s}{'us each':>10s}{'seconds':>10s}{'ours is faster':>16s}")
    sample = np.random.default_rng(1).permutation(contracts.strike.size)[:400]
    for name, style in (("European", european), ("American", american)):
        blocks = np.array_split(np.arange(volatility.size), 1 + volatility.size // 4096)
        prices = np.concatenate([style.price(contracts.rows(rows), volatility[rows]) for rows in blocks])
        dead = prices < contracts.intrinsic + 0.01
        prices = np.where(dead, np.nan, prices)
        is_european = np.full(prices.size, style is european)
        chosen = sample[~dead[sample]]
        loops = {
            "European": {"vollib loop": vollib_loop, "QuantLib loop": partial(quantlib_european_loop, market)},
            "American": {"QuantLib impliedVolatility loop": partial(quantlib_american_loop, market)},
        }
        runs: dict[str, Callable[[], object]] = {"ours": partial(valued, contracts, is_european, prices)}
        runs |= {
            library: partial(loop, contracts.rows(chosen), prices[chosen]) for library, loop in loops[name].items()
        }
        seconds = median_seconds(runs, repeats)
        ours = seconds.pop("ours") / np.sum(~dead)
        _speed(f"{name}, ours", ours, ours * np.sum(~dead), ours)
        for library, total in seconds.items():
            _speed(f"{name}, {library}", total / chosen.size, total / chosen.size * prices.size, ours)
        if style is american and size <= FRAME_SIZE:
            frame = chain_frame(contracts, prices)
            whole = median_seconds({"frame": partial(value_chain, frame, risk_free_rate=RATE)}, repeats)["frame"]
            say(f"{'value_chain: frame, forwards, American':44s}{whole / np.sum(~dead) * 1e6:10.2f}{whole:10.2f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(f"{THREADS} threads; peak memory of the process so far {peak:,.0f} MB")


def _speed(name: str, each: float, total: float, ours: float) -> None:
    say(f"{name:44s}{each * 1e6:10.2f}{total:10.2f}{each / ours:14,.0f} x")


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--market", action="store_true", help="also 1,500,000 contracts")
    wanted = parser.parse_args()
    market = QuantLibMarket()
    say(f"NumPy {np.__version__}, QuantLib {ql.__version__}, Python {sys.version.split()[0]}")
    report_accuracy(market)
    report_speed(market, 3_000, 12, repeats=7)
    if wanted.market:
        report_speed(market, 1_500_000, 50_000, repeats=1)


if __name__ == "__main__":
    main()
