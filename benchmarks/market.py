"""How near our implied volatilities are to the vendor's, on a chain of today, and why they differ where they do.

    python benchmarks/market.py [--base-url URL] [--rate 0.04] [SYMBOL ...]

asks the market of the settings (or `--base-url`, any host that speaks Cboe's protocol) for each symbol's chain
with our own client, once. Compared is what matters to a seller of options: a quote with a volatility (`ok`), a
week or more to live, within 10 % of the spot or a delta of 0.25 to 0.75. One point is 0.01 of volatility.

The differences are then taken apart. Whoever implies a volatility chooses a forward and a clock, and quotes as wide
as these leave both open. So the vendor's choice is looked for: the one forward of each expiration, then the one
number of minutes a symbol, at which our formulas come nearest to his numbers. What a choice explains goes away with
it; what is left is neither. He may also contradict himself: at one strike and expiration a put and a call have one
volatility, if the forward is right.

What it does not show: who is right. The data are not kept; the numbers may be.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from wheel_assets.fetch.cboe import CboeMarket
from wheel_assets.fetch.registry import market_source
from wheel_assets.fetch.source import MarketSource
from wheel_assets.greeks import Contracts, value_chain, volatility_at
from wheel_assets.greeks.units import ONE_POINT
from wheel_assets.greeks.valuation import valued
from wheel_assets.market.arrays import Floats
from wheel_assets.market.calendar import SECONDS_PER_YEAR
from wheel_assets.market.expiration import EUROPEAN_ROOTS, roots
from wheel_assets.settings import load_settings

LEAST_YEARS = 7 / 365 - 1 / SECONDS_PER_YEAR
NEAR, LEAST_DELTA, MOST_DELTA = 0.1, 0.25, 0.75
CLOSE = 0.5  # points
FARTHEST_FORWARD = 0.02  # of the spot, to either side
FARTHEST_MINUTES = 240.0
ROUNDS = 3
SHOWN = (0.5, 0.9, 0.99, 1.0)


def say(line: str = "") -> None:
    """A line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def compared(chain: pd.DataFrame, rate: float) -> pd.DataFrame:
    """The contracts to compare: our columns, and `vendor`, `bid_iv`, `ask_iv`, `spread` and `root`."""
    greeks = value_chain(chain, risk_free_rate=rate)
    sides = {f"{side}_iv": volatility_at(chain, greeks, side).to_numpy() for side in ("bid", "ask")}
    extra = {"vendor": chain["iv"].to_numpy(), "spread": (chain["ask"] - chain["bid"]).to_numpy()}
    root = roots(chain["option_symbol"]).to_numpy()
    rows = greeks.assign(**sides, **extra, root=root)
    near = (rows["strike"] / rows["spot_price"] - 1).abs() < NEAR
    near |= rows["delta"].abs().between(LEAST_DELTA, MOST_DELTA)
    chosen = near & (rows["status"] == "ok") & (rows["years"] >= LEAST_YEARS) & (rows["vendor"] > 0)
    return rows[chosen].reset_index(drop=True)


def points(rows: pd.DataFrame, dividend_yield: Floats, minutes: float = 0.0) -> Floats:
    """Our volatility less the vendor's with another carry and clock, in points; NaN where there is none."""
    terms = (rows["spot_price"], rows["strike"], rows["years"] + 60 * minutes / SECONDS_PER_YEAR)
    contracts = Contracts.of(rows["option_type"] == "put", *terms, rows["risk_free_rate"], dividend_yield)
    iv, _ = valued(contracts, rows["root"].isin(EUROPEAN_ROOTS).to_numpy(), rows["mid"].to_numpy())
    return (iv - rows["vendor"].to_numpy()) / ONE_POINT


def vendors_yields(rows: pd.DataFrame, minutes: float) -> Floats:
    """The dividend yield of each row's expiration at which our volatilities come nearest to the vendor's."""
    out = rows["dividend_yield"].to_numpy().copy()
    for row_numbers in rows.groupby(["root", "expiration"]).indices.values():
        some = rows.iloc[row_numbers]
        reach = FARTHEST_FORWARD / some["years"].iloc[0]
        out[row_numbers] = _nearest(partial(points, some, minutes=minutes), reach)
    return out


def vendors_minutes(rows: pd.DataFrame, dividend_yield: Floats) -> float:
    """The minutes to add to our time to expiration at which our volatilities come nearest to the vendor's."""
    return _nearest(lambda minutes: points(rows, dividend_yield, minutes), FARTHEST_MINUTES)


def _nearest(difference: Callable[[float], Floats], reach: float) -> float:
    """The argument from -reach to reach with the least mean distance."""

    def distance(at: float) -> float:
        return float(np.nanmean(np.abs(difference(at))))

    return float(minimize_scalar(distance, bounds=(-reach, reach), method="bounded", options={"xatol": reach / 2000}).x)


def distribution(name: str, difference: Floats) -> None:
    """One line: how large the differences are."""
    size = np.abs(difference[~np.isnan(difference)])
    quantiles = "".join(f"{value:9.2f}" for value in np.quantile(size, SHOWN))
    say(f"  {name:42s}{size.size:7d}{quantiles}{np.mean(size <= CLOSE):10.1%}")


def put_against_call(rows: pd.DataFrame, column: str) -> float:
    """Median distance of a put's volatility from that of the call at its strike, in points."""
    pairs = rows.pivot_table(index=["root", "expiration", "strike"], columns="option_type", values=column)
    return float((pairs["call"] - pairs["put"]).abs().median() / ONE_POINT)


def reasons(rows: pd.DataFrame, other_forward: Floats, other_clock: Floats) -> pd.Series:
    """Why a difference is beyond `CLOSE`: the first choice that brings it within, or what the quote leaves open."""
    explained = [np.abs(difference) <= CLOSE for difference in (other_forward, other_clock)]
    open_quote = rows["ask_iv"] - rows["bid_iv"].fillna(0.0) > 2 * CLOSE * ONE_POINT
    vendor_outside = (rows["vendor"] < rows["bid_iv"]) | (rows["vendor"] > rows["ask_iv"])
    cases = [*explained, open_quote.to_numpy(), vendor_outside.to_numpy()]
    names = (
        "gone with the vendor's forward",
        "gone with his forward and clock",
        f"the quote spans more than {2 * CLOSE:g} point: both fit it",
        "the vendor's volatility is outside of bid and ask",
    )
    return pd.Series(np.select(cases, names, "none of these"), index=rows.index)


def report(symbol: str, chain: pd.DataFrame, rate: float) -> None:
    """The distribution of one symbol's differences, and what makes them go away."""
    rows = compared(chain, rate)
    quoted_at = chain["timestamp"].iloc[0]
    say(f"{symbol}: {len(chain)} contracts, quotes of {quoted_at:%Y-%m-%d %H:%M} UTC, {len(rows)} compared")
    if rows.empty:
        return
    minutes, ours = 0.0, points(rows, rows["dividend_yield"].to_numpy())
    yields = vendors_yields(rows, minutes)
    other_forward = points(rows, yields)
    for _ in range(ROUNDS):
        minutes = vendors_minutes(rows, yields)
        yields = vendors_yields(rows, minutes)
    other_clock = points(rows, yields, minutes)
    distribution("as they are", ours)
    distribution("with the vendor's forwards", other_forward)
    distribution(f"and his clock, {minutes:+.0f} minutes", other_clock)
    carried = rows["spot_price"] * np.exp((rows["risk_free_rate"] - rows["dividend_yield"]) * rows["years"])
    gap = np.abs(carried * np.expm1((rows["dividend_yield"] - yields) * rows["years"])) * 100
    say(
        f"  forwards apart by {gap.median():.1f} cents (median; largest {gap.max():.1f}), "
        f"quotes {100 * rows['spread'].median():.0f} cents wide"
    )
    say(
        f"  put against call at one strike: ours {put_against_call(rows, 'iv'):.2f} points apart (median), "
        f"the vendor's {put_against_call(rows, 'vendor'):.2f}"
    )
    inside = rows["vendor"].between(rows["bid_iv"], rows["ask_iv"])
    say(f"  the vendor's volatility lies between those of bid and ask: {inside.mean():.1%}")
    beyond = np.abs(ours) > CLOSE
    for reason, count in reasons(rows[beyond], other_forward[beyond], other_clock[beyond]).value_counts().items():
        say(f"  beyond {CLOSE} points: {count:4d}, {reason}")


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("symbols", nargs="*", help="the watchlist of the settings if none is named")
    parser.add_argument("--base-url", help="a host that speaks Cboe's protocol, instead of the market of the settings")
    parser.add_argument(
        "--rate", type=float, help="risk-free, decimal a year; the constant of the settings if not named"
    )
    wanted = parser.parse_args()
    settings = load_settings()
    rate = settings.rate.value if wanted.rate is None else wanted.rate
    market: MarketSource = (
        CboeMarket(wanted.base_url, lambda call: None)
        if wanted.base_url
        else market_source(settings, lambda call: None, lambda *_: nullcontext())
    )
    say(f"Our volatility less the vendor's, points; rate {rate:.2%}")
    say(f"{'':44s}{'compared':>7s}{'median':>8s}{'90 %':>9s}{'99 %':>9s}{'largest':>9s}{'within 0.5':>11s}")
    for symbol in wanted.symbols or settings.symbols:
        report(symbol, market.option_chain(symbol, datetime.now(UTC)).frame, rate)


if __name__ == "__main__":
    main()
