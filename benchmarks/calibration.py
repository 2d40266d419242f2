"""How right the probabilities are: where the truth is known, and over recorded prices.

    python benchmarks/calibration.py FOLDER > benchmarks/results/recorded_days.txt
    python benchmarks/calibration.py [--market URL] [--weeks N] > benchmarks/results/calibration.txt

With a FOLDER of recorded days the product's forecasts of each day are scored, see `recorded_days`. Without one it needs
QuantLib (the `test` extra): first, option chains priced in worlds whose probabilities are known (mixtures of
log-normals, jumps, Heston), quoted in ticks of five cents: the mean and the worst error of `prob_itm` over the
contracts a seller looks at (3 to 50 % likely to finish in the money), beside N(d2) at the contract's own volatility
and |delta|; then the same with one quote in twelve stale, and `prob_touch` beside a simulation.

With `--market`, a server that speaks Cboe's protocol, the chain that it holds is put N weeks back, week by week: its
quotes and strikes in proportion to the share price of then. Predictions are made from it with the prices that
were known then, stored as of then, and scored by `wheel outcomes` against the prices that came. The share prices are
real; of the quotes only their smile and term structure are, for the level of volatility is the last day's all along:
it flatters whoever looks at past prices, and is no evidence for a step away from the market's view.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from itertools import product
from math import factorial
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import QuantLib as ql  # noqa: N813
from scipy.special import ndtr

from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.fetch.cboe import CboeMarket
from wheel_assets.fetch.source import MarketSource
from wheel_assets.greeks import value_chain
from wheel_assets.market.arrays import Floats
from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.predict import predict_chain, realised_volatility
from wheel_assets.tables import OPTION_CHAINS, PREDICTIONS

SPOT, RATE, TICK = 100.0, 0.04, 0.05
QUOTED = pd.Timestamp("2026-11-20 21:00")
SYMBOLS = ("SPY", "SMCI", "PLTR")
LOOKED_AT = (0.03, 0.5)


class World(Protocol):
    """Undiscounted prices of puts, and the probability of ending below a strike."""

    def put(self, strike: Floats) -> Floats: ...
    def below(self, strike: Floats) -> Floats: ...


class Mixture:
    """Of log-normals: weight, mean in proportion, volatility."""

    def __init__(self, years: float, *parts: tuple[float, float, float]) -> None:
        weight, mean, volatility = np.array(parts).T
        self.weight = weight / weight.sum()
        self.forward = SPOT * np.exp(RATE * years) * mean / (self.weight @ mean)
        self.deviation = volatility * np.sqrt(years)

    def _d2(self, strike: Floats) -> Floats:
        return np.log(self.forward / strike[:, None]) / self.deviation - 0.5 * self.deviation

    def put(self, strike: Floats) -> Floats:
        """Black's formula, part by part."""
        d2 = self._d2(strike)
        return (strike[:, None] * ndtr(-d2) - self.forward * ndtr(-d2 - self.deviation)) @ self.weight

    def below(self, strike: Floats) -> Floats:
        """N(-d2), part by part."""
        return ndtr(-self._d2(strike)) @ self.weight


def jumps(
    years: float, a_year: float = 2, mean: float = -0.1, spread: float = 0.12, volatility: float = 0.2
) -> Mixture:
    """Merton, Journal of Financial Economics 3, 1976: a mixture by the number of jumps."""
    lift, expected = np.exp(mean + 0.5 * spread**2), a_year * years
    parts = [
        (expected**n / factorial(n), float(lift**n), float(np.sqrt(volatility**2 + n * spread**2 / years)))
        for n in range(20)
    ]
    return Mixture(years, *parts)


class Heston:
    """Heston 1993, parameters of an equity index; by QuantLib's semi-analytic engine."""

    parameters = {"v0": 0.04, "kappa": 1.5, "theta": 0.06, "sigma": 0.6, "rho": -0.7}

    def __init__(self, years: float) -> None:
        today = ql.Date(20, 11, 2026)
        ql.Settings.instance().evaluationDate = today
        flat = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, ql.Actual365Fixed()))
        forward = ql.QuoteHandle(ql.SimpleQuote(SPOT * np.exp(RATE * years)))
        process = ql.HestonProcess(flat, flat, forward, *self.parameters.values())
        self.engine = ql.AnalyticHestonEngine(ql.HestonModel(process), 192)
        self.exercise = ql.EuropeanExercise(today + round(years * 365))

    def put(self, strike: Floats) -> Floats:
        """One by one."""
        options = [ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Put, float(k)), self.exercise) for k in strike]
        for option in options:
            option.setPricingEngine(self.engine)
        return np.array([option.NPV() for option in options])

    def below(self, strike: Floats) -> Floats:
        """The slope of the put price by strike."""
        bump = 1e-3 * strike
        return (self.put(strike + bump) - self.put(strike - bump)) / (2 * bump)


def worlds(years: float) -> dict[str, World]:
    """The worlds by name."""
    return {
        "log-normal, 30 %": Mixture(years, (1, 1, 0.3)),
        "log-normal, 150 %": Mixture(years, (1, 1, 1.5)),
        "fear of a crash": Mixture(years, (0.85, 1.03, 0.15), (0.15, 0.83, 0.5)),
        "earnings, ± 8 %": Mixture(years, (0.5, 1.08, 0.2), (0.5, 0.92, 0.2)),
        "jumps (Merton)": jumps(years),
        "Heston": Heston(years),
    }


def quoted_chain(world: World, days: int, symbol: str = "SPXW") -> pd.DataFrame:
    """European options of every strike from 60 to 150, quoted two cents in a hundred wide, in ticks."""
    strike, discount = np.arange(60.0, 150.1, 1.0), np.exp(-RATE * days / 365)
    put = world.put(strike) * discount
    value = np.concatenate([put, put + SPOT - strike * discount])
    half = np.maximum(0.01 * value, 0.01)
    chain = pd.DataFrame({"strike": np.tile(strike, 2), "option_type": np.repeat(["put", "call"], strike.size)})
    chain["bid"] = np.maximum(np.floor((value - half) / TICK) * TICK, 0)
    chain["ask"] = np.ceil((value + half) / TICK) * TICK
    expiration = QUOTED.normalize() + pd.Timedelta(days=days)
    rest = {"timestamp": QUOTED, "symbol": symbol, "spot_price": SPOT, "multiplier": 100, "quote_quality": "ok"}
    return _conformed(chain.assign(expiration=expiration, source="made", **rest))


def staled(chain: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The chain with one quote in twelve a quarter too low or too high, and narrow."""
    mid = 0.5 * (chain["bid"] + chain["ask"])
    stale = (random.uniform(size=len(chain)) < 1 / 12) & (chain["bid"] > 0.3)
    moved = mid * np.where(random.uniform(size=len(chain)) < 0.5, 0.75, 1.25)
    return chain.assign(
        bid=chain["bid"].where(~stale, (moved - 0.01).round(2)), ask=chain["ask"].where(~stale, (moved + 0.01).round(2))
    )


def errors(chain: pd.DataFrame, world: World) -> dict[str, Floats]:
    """Absolute errors of the contracts that a seller looks at, by forecast."""
    greeks = value_chain(chain, risk_free_rate=RATE)
    below, sign = world.below(chain["strike"].to_numpy()), np.where(chain["option_type"] == "put", 1, -1)
    truth = np.where(sign > 0, below, 1 - below)
    deviation = greeks["iv"] * np.sqrt(greeks["years"])
    forward = SPOT * np.exp((RATE - greeks["dividend_yield"]) * greeks["years"])
    flat = ndtr(sign * (np.log(greeks["strike"] / forward) / deviation + 0.5 * deviation))
    said = {"prob_itm": predict_chain(chain, greeks)["prob_itm"], "N(d2)": flat, "|delta|": greeks["delta"].abs()}
    rows = (truth > LOOKED_AT[0]) & (truth < LOOKED_AT[1]) & greeks["iv"].notna().to_numpy()
    return {name: np.abs(np.asarray(values) - truth)[rows] for name, values in said.items()}


def truths() -> Iterator[str]:
    """The table of errors in known worlds, with good quotes and with stale ones."""
    random = np.random.default_rng(1)
    head = "".join(f"{name:>17}" for name in ("prob_itm", "N(d2)", "|delta|", "stale: prob_itm"))
    yield f"{'error of P(in the money), %: mean / worst':42}{head}"
    for days, name in product((7, 30, 90), worlds(1.0)):
        world = worlds(days / 365)[name]
        chain = quoted_chain(world, days)
        found = errors(chain, world) | {"stale": errors(staled(chain, random), world)["prob_itm"]}
        cells = "".join(f"{100 * e.mean():10.2f} /{100 * e.max():5.1f}" for e in found.values())
        yield f"{days:4} days  {name:32}{cells}"


def touches(days: int = 30, paths: int = 40_000, steps: int = 300) -> Iterator[str]:
    """`prob_touch` and twice |delta| against a simulation of Heston's world (full truncation, Lord et al. 2010)."""
    years, p = days / 365, Heston.parameters
    chain = quoted_chain(Heston(years), days)
    greeks = value_chain(chain, risk_free_rate=RATE)
    said = predict_chain(chain, greeks)
    random, step = np.random.default_rng(2), years / steps
    log, variance = np.zeros(paths), np.full(paths, p["v0"])
    low, high = np.zeros(paths), np.zeros(paths)
    for _ in range(steps):
        shocks = random.standard_normal((2, paths))
        positive = np.maximum(variance, 0.0)
        root = np.sqrt(positive * step)
        log += (RATE - 0.5 * positive) * step + root * shocks[0]
        variance += p["kappa"] * (p["theta"] - positive) * step
        variance += p["sigma"] * root * (p["rho"] * shocks[0] + np.sqrt(1 - p["rho"] ** 2) * shocks[1])
        # Seen at steps only; between them the path reaches 0.5826 of a step further (Broadie, Glasserman, Kou 1997).
        low, high = np.minimum(low, log - 0.5826 * root), np.maximum(high, log + 0.5826 * root)
    barrier = np.log(chain["strike"] / SPOT).to_numpy()[:, None]
    put = (chain["option_type"] == "put").to_numpy()[:, None]
    touched = np.where(put, low <= barrier, high >= barrier).mean(axis=1)
    rows = (touched > 0.05) & (touched < 0.95) & greeks["delta"].notna().to_numpy()
    told = {"prob_touch": said["prob_touch"], "2 |delta|": 2 * greeks["delta"].abs().clip(upper=0.5)}
    for name, values in told.items():
        error = 100 * np.abs(values.to_numpy() - touched)[rows]
        yield f"error of P(touch), Heston, {days} days, %: {name:12} mean {error.mean():.2f}, worst {error.max():.1f}"


def put_back(chain: pd.DataFrame, weeks: int, factor: float) -> pd.DataFrame:
    """The chain `weeks` earlier, its strikes and quotes multiplied: what it would have been at that share price."""
    ago, prices = pd.Timedelta(weeks=weeks), ["strike", "bid", "ask", "last", "spot_price"]
    local = chain["timestamp"].dt.tz_localize("UTC").dt.tz_convert(NEW_YORK).dt.tz_localize(None) - ago
    at = local.dt.tz_localize(NEW_YORK).dt.tz_convert("UTC").dt.tz_localize(None)
    scaled = chain.assign(**{name: chain[name] * factor for name in prices})
    scaled["strike"] = scaled["strike"].round(3)
    return _conformed(scaled.assign(timestamp=at, expiration=chain["expiration"] - ago))


def _conformed(chain: pd.DataFrame) -> pd.DataFrame:
    """A chain with the codes of its contracts; what is not known is missing."""
    right, thousandths = chain["option_type"].str[0].str.upper(), (chain["strike"] * 1000).round().astype(int)
    code = chain["symbol"].str.ljust(6) + chain["expiration"].dt.strftime("%y%m%d") + right
    chain = chain.assign(option_symbol=code + thousandths.astype(str).str.zfill(8))
    missing = [column.name for column in OPTION_CHAINS.columns if column.name not in chain]
    return OPTION_CHAINS.conform(chain.assign(**dict.fromkeys(missing, np.nan)))


def held_predictions(
    path: Path, market: MarketSource, now: datetime, weeks: Sequence[int], symbols: Sequence[str] = SYMBOLS
) -> None:
    """Make a cache with the predictions of so many weeks ago, as of then, and the prices until now."""
    clock = [now.replace(tzinfo=None)]
    store = Store(path, clock=lambda: clock[0])
    for symbol in symbols:
        chain, history = market.option_chain(symbol, now).frame, market.price_history(symbol, now).frame
        clock[0] = now.replace(tzinfo=None)
        store.put("price_history", [Entry(symbol, history, "replay")])
        for then, said in predictions_of(chain, history, weeks).items():
            clock[0] = then
            store.put("predictions", [Entry(symbol, PREDICTIONS.conform(said), "replay")])


def predictions_of(chain: pd.DataFrame, history: pd.DataFrame, weeks: Sequence[int]) -> Mapping[datetime, pd.DataFrame]:
    """What would have been predicted so many weeks ago, by the time of the quotes."""
    close = history.set_index("date")["close"]
    last = close.index[-1]
    predictions = {}
    for back in weeks:
        known = close.loc[: last - pd.Timedelta(weeks=back)]
        then = put_back(chain, back, float(known.iloc[-1] / close.iloc[-1]))
        realised = realised_volatility(history[history["date"] <= known.index[-1]])
        greeks = value_chain(then, risk_free_rate=RATE)
        at = then["timestamp"].iloc[0].to_pydatetime()
        predictions[at] = predict_chain(then, greeks, realised_volatility=realised)
    return predictions


def scored(url: str, weeks: int) -> str:
    """What `wheel outcomes` says of the weeks before the last day of a market."""
    market = CboeMarket(url, lambda _: None)
    day = market.price_history(SYMBOLS[0], datetime.now(UTC)).frame["date"].iloc[-1].date()
    now = datetime.combine(day, time(16, 15), NEW_YORK).astimezone(UTC)
    with tempfile.TemporaryDirectory() as folder:
        held_predictions(Path(folder) / "wheel_cache.duckdb", market, now, range(weeks, 0, -1))
        environment = {**os.environ, "WHEEL_CACHE__DIR": folder}
        command = [str(Path(sys.executable).parent / "wheel"), "outcomes"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="recorded days, see recorded_days.py: score them alone")
    parser.add_argument("--market", metavar="URL", help="score predictions over the prices that this server has")
    parser.add_argument("--weeks", type=int, default=26, help="how far back (default 26)")
    asked = parser.parse_args()
    if asked.folder:
        import recorded_days  # beside this script; a test loads the script from elsewhere

        sys.stdout.writelines(f"{line}\n" for line in recorded_days.report(asked.folder))
        return
    for line in (*truths(), "", *touches()):
        sys.stdout.write(line + "\n")
    if asked.market:
        sys.stdout.write(f"\nwheel outcomes, of {asked.weeks} weeks before the last day\n")
        sys.stdout.write(scored(asked.market, asked.weeks))


if __name__ == "__main__":
    main()
