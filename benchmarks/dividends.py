"""How exact American options with cash dividends are, on whole chains valued by QuantLib.

    python benchmarks/dividends.py > benchmarks/results/dividends.txt

needs QuantLib (the `test` extra). Each chain is quoted a cent to each side of QuantLib's finite-difference value of
American options with a cash dividend on its ex-date (spot model: the price falls by the dividend). `value_chain` then
values it twice: told of the dividend by the events, and left to what the options imply. Errors are its volatility less
the true one, in points, and its delta less the true one, at strikes 1 and 2 deviations out of the money (what the
wheel sells), at the money, and 1 in. Last, contracts drawn at random, dividends of 0.1 to 3 % paid anywhere in 1 to 90
days: the largest error of the formulas themselves, out of the money and at it.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import QuantLib as ql  # noqa: N813

from wheel_assets.greeks import value_chain
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.dividends import Dividends, implied_volatility, sensitivities
from wheel_assets.market.arrays import Floats
from wheel_assets.tables import EVENTS, OPTION_CHAINS

SPOT, RATE, VOLATILITY = 100.0, 0.04, 0.3
TODAY = ql.Date(8, 1, 2027)
QUOTED = pd.Timestamp("2027-01-08 21:00")  # 16:00 in New York
DEVIATIONS = (2, 1, 0, -1)  # out of the money
# days to expiration, ex-date in days, dollars
CASES = [(7, 3, 0.3), (14, 10, 3.0), (28, 3, 0.5), (28, 25, 1.5), (28, 26, 0.5), (45, 40, 1.0), (91, 45, 0.5)]


def option(put: bool, strike: float, days: int, ex_day: int, dividend: float) -> tuple[float, float]:
    """Value and delta of an American option with one cash dividend."""
    ql.Settings.instance().evaluationDate = TODAY
    count = ql.Actual365Fixed()
    no_yield, rate = (ql.YieldTermStructureHandle(ql.FlatForward(TODAY, level, count)) for level in (0.0, RATE))
    surface = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), VOLATILITY, count))
    process = ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(SPOT)), no_yield, rate, surface)
    payoff = ql.PlainVanillaPayoff(ql.Option.Put if put else ql.Option.Call, strike)
    american = ql.VanillaOption(payoff, ql.AmericanExercise(TODAY, TODAY + days))
    paid = ql.DividendVector([TODAY + ex_day], [dividend])
    american.setPricingEngine(ql.FdBlackScholesVanillaEngine(process, paid, 400, 800))
    return american.NPV(), american.delta()


def chain(days: int, ex_day: int, dividend: float) -> tuple[pd.DataFrame, Floats]:
    """A chain of one expiration, quoted a cent to each side of the true value, and the true deltas."""
    step = VOLATILITY * np.sqrt(days / 365) / 4
    strikes = np.round(SPOT * np.exp(step * np.arange(-8, 9)), 2)
    rows = [
        (kind, strike, *option(kind == "put", strike, days, ex_day, dividend))
        for kind in ("call", "put")
        for strike in strikes
    ]
    frame = pd.DataFrame(rows, columns=["option_type", "strike", "value", "delta"])
    day = QUOTED.normalize() + pd.Timedelta(days=days)
    code = f"TEST  {day:%y%m%d}" + frame["option_type"].str[0].str.upper()
    frame["option_symbol"] = code + (frame["strike"] * 1000).round().astype(int).astype(str).str.zfill(8)
    quotes = {"bid": (frame["value"] - 0.01).clip(lower=0), "ask": frame["value"] + 0.01, "expiration": day}
    fixed = {
        "timestamp": QUOTED,
        "symbol": "TEST",
        "spot_price": SPOT,
        "multiplier": 100,
        "quote_quality": "ok",
        "source": "test",
    }
    empty = dict.fromkeys(("last", "bid_size", "ask_size", "volume", "open_interest", "iv"), np.nan)
    conformed = OPTION_CHAINS.conform(frame.drop(columns=["value", "delta"]).assign(**quotes, **fixed, **empty))
    return conformed, frame["delta"].to_numpy()


def known(ex_day: int, dividend: float) -> pd.DataFrame:
    """The dividend as the table of events tells it."""
    day = QUOTED.normalize() + pd.Timedelta(days=ex_day)
    told = {"timestamp": QUOTED, "symbol": "TEST", "kind": "ex_dividend", "date": day, "amount": dividend}
    unsaid = {"time_of_day": None, "estimated": False, "announced_until": None, "source": "test"}
    return EVENTS.conform(pd.DataFrame([told | unsaid]))


def report(days: int, ex_day: int, dividend: float) -> None:
    """One line for the calls and one for the puts of a chain, told of the dividend and not."""
    quotes, delta = chain(days, ex_day, dividend)
    for told, events in (("known", known(ex_day, dividend)), ("implied", None)):
        found = value_chain(quotes, risk_free_rate=RATE, events=events)
        for kind, sign in (("call", 1), ("put", -1)):
            rows = [np.flatnonzero(found["option_type"] == kind)[8 + 4 * sign * out] for out in DEVIATIONS]
            points = 100 * (found["iv"].to_numpy()[rows] - VOLATILITY)
            deltas = (found["delta"].to_numpy() - delta)[rows]
            numbers = "".join(f"{x:9.2f}" for x in points) + "".join(f"{x:9.3f}" for x in deltas)
            sys.stdout.write(f"{days:4d}{ex_day:7d}{dividend:9.2f}  {told:8s}{kind:5s}{numbers}\n")


def report_formulas(count: int = 150) -> None:
    """The largest errors of the formulas on contracts at random."""
    random = np.random.default_rng(7)
    points, deltas = [], []
    for _ in range(count):
        days = int(random.integers(2, 100))
        ex_day, put = int(random.integers(1, min(days, 91))), bool(random.integers(2))
        dividend = SPOT * np.exp(random.uniform(np.log(0.001), np.log(0.03)))
        out = random.uniform(0, 1.7) * (-1 if put else 1)
        strike = float(SPOT * np.exp(out * VOLATILITY * np.sqrt(days / 365)))
        value, delta = option(put, strike, days, ex_day, float(dividend))
        one = Contracts.of(put, SPOT, strike, days / 365, RATE, 0.0)
        paid = Dividends(np.array([[ex_day / 365]]), np.array([[dividend]]))
        points += [100 * (implied_volatility(one, paid, np.array([value]))[0] - VOLATILITY)]
        deltas += [sensitivities(one, paid, np.array([VOLATILITY])).delta[0] - delta]
    worst = f"{np.abs(points).max():.2f} points of volatility, {np.abs(deltas).max():.4f} of delta"
    sys.stdout.write(f"\nFormulas, {count} contracts at random, out of the money and at it: at most {worst}\n")


def main() -> None:
    """Print the report."""
    sys.stdout.write(f"Spot {SPOT:g}, rate {RATE:.0%}, volatility {VOLATILITY:.0%}, QuantLib {ql.__version__}\n")
    sys.stdout.write(f"{'':35s}{'volatility, points':>36s}{'delta':>36s}\n")
    heads = "".join(f"{name:>9s}" for name in ("2 out", "1 out", "at", "1 in"))
    sys.stdout.write(f"days ex-day  dollars               {heads}{heads}\n")
    for case in CASES:
        report(*case)
    report_formulas()


if __name__ == "__main__":
    main()
