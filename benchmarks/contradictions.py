"""Whether numbers that contradict each other are noticed: recorded chains as they are, and with errors put in.

    python benchmarks/contradictions.py FOLDER [SYMBOL ...] > benchmarks/results/contradictions.txt

FOLDER as for `recorded_days`. Four tables. Late spots: the share price that a recorder stamped on a chain hours after
its quotes, against the close of the day; with and without the check, how many of the contracts that a seller would
choose by delta (.15 to .30) truly have another one (off by more than .05). False alarms: chains with the close of
their day as spot, which nothing is wrong with. Whole chains: every quote scaled, rights swapped, the spot off; noticed
where a fatal check leaves the symbol out. One quote: in every expiration of 5 to 65 days and each right one quote of
|delta| .03 to .5, is replaced; noticed where it loses its Greeks, by how far that moved its volatility.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from recorded_days import RATE, asked_days, bars_of, chain_of

from wheel_assets.defs.checks.sanity import SANITY
from wheel_assets.greeks import chain as greeks_chain
from wheel_assets.greeks import value_chain
from wheel_assets.greeks.quotes.spot import QUOTED, Spots
from wheel_assets.market.arrays import Floats

FATAL = [test for test in SANITY["greeks"] if test.fatal and not test.of_change]
WRONG_DELTA = 0.05
LATE, TIMELY = 0.01, 0.005  # of the close: a spot that must be noticed, one that must not
MOVES = (0.0, 0.15, 0.3, 1.0, np.inf)  # of the volatility


def swapped(chain: pd.DataFrame) -> pd.DataFrame:
    """Puts for calls."""
    return chain.assign(option_type=np.where(chain["option_type"] == "put", "call", "put"))


def scaled(factor: float, right: str | None = None) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """All quotes, or those of one right, multiplied."""

    def change(chain: pd.DataFrame) -> pd.DataFrame:
        by = np.where((chain["option_type"] == right) | (right is None), factor, 1.0)
        return chain.assign(bid=chain["bid"] * by, ask=chain["ask"] * by)

    return change


def moved_spot(factor: float) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The spot of something else."""
    return lambda chain: chain.assign(spot_price=chain["spot_price"] * factor)


WHOLE = {
    "as recorded, with the day's close": lambda chain: chain,
    "all quotes x 3": scaled(3),
    "all quotes x 100": scaled(100),
    "all quotes x 0.33": scaled(0.33),
    "calls x 2": scaled(2, "call"),
    "puts and calls swapped": swapped,
    "spot 25 % too low": moved_spot(0.75),
    "spot 25 % too high": moved_spot(1.25),
}
ONE = {
    "4.00 / 4.20": lambda quotes, greeks: (4.0, 4.2),
    "x 2": lambda quotes, greeks: (quotes["bid"] * 2, quotes["ask"] * 2),
    "x 3": lambda quotes, greeks: (quotes["bid"] * 3, quotes["ask"] * 3),
    "x 0.5": lambda quotes, greeks: (quotes["bid"] / 2, quotes["ask"] / 2),
    "volatility + 30 %": lambda quotes, greeks: tuple(
        quotes[side] + 30 * greeks["vega"] * greeks["iv"] for side in ("bid", "ask")
    ),
}


def left_out(greeks: pd.DataFrame) -> bool:
    """Whether a fatal check leaves the symbol out."""
    return any(len(test.beyond(test.measured(greeks, {}))) for test in FATAL)


def absorbed(chain: pd.DataFrame) -> pd.DataFrame:
    """The Greeks without the check of the spot: whatever is wrong with it becomes a yield."""

    def unchecked(_: pd.DataFrame, contracts: object, *__: object) -> Spots:
        price: Floats = contracts.spot  # type: ignore[attr-defined]
        return Spots(price, np.full(price.shape, QUOTED, dtype=object), np.zeros(price.shape, dtype=bool), ())

    with mock.patch.object(greeks_chain, "checked_spots", unchecked):
        return value_chain(chain, risk_free_rate=RATE)


def wrong_deltas(said: pd.DataFrame, true: pd.DataFrame) -> tuple[int, int]:
    """Of the puts and calls that a seller would choose by delta, how many have truly another one; and how many."""
    chosen = said["delta"].abs().between(0.15, 0.3) & true["delta"].notna() & said["years"].between(0.02, 0.18)
    other = (true["delta"] - said["delta"]).abs() > WRONG_DELTA
    return int((chosen & other).sum()), int(chosen.sum())


def report_spots(days: list[tuple[Path, str, float]]) -> Iterator[str]:
    """Late spots, noticed or not, and what that does to the deltas of the late days."""
    noticed, sums = {"late": [], "timely": [], "between": []}, np.zeros((2, 2), dtype=int)
    for path, symbol, close in days:
        chain = chain_of(path, symbol, None)
        off = abs(float(chain["spot_price"].iloc[0]) / close - 1)
        kind = "late" if off > LATE else "timely" if off < TIMELY else "between"
        found = value_chain(chain, risk_free_rate=RATE)
        noticed[kind].append(not found["spot_source"].eq(QUOTED).all() or left_out(found))
        if kind == "late":
            true = value_chain(chain.assign(spot_price=close), risk_free_rate=RATE)
            sums += [wrong_deltas(absorbed(chain), true), wrong_deltas(found, true)]
    yield f"late by more than 1 %: {sum(noticed['late'])} of {len(noticed['late'])} noticed"
    yield f"within 0.5 %: {sum(noticed['timely'])} of {len(noticed['timely'])} called late"
    yield f"between: {sum(noticed['between'])} of {len(noticed['between'])}"
    for name, (wrong, count) in zip(("without the check", "with it"), sums.tolist(), strict=True):
        yield f"late days, {name}: {wrong} of {count} contracts of delta .15 to .30 off by more than .05"


def report_whole(days: list[tuple[Path, str, float]]) -> Iterator[str]:
    """How many symbol-days are left out for each error, and false alarms."""
    chains = [chain_of(path, symbol, close) for path, symbol, close in days]
    for name, change in WHOLE.items():
        found = [value_chain(change(chain), risk_free_rate=RATE) for chain in chains]
        alarms = sum(int(greeks["status"].eq("arbitrage").sum()) for greeks in found)
        quotes = sum(int(greeks["mid"].notna().sum()) for greeks in found)
        refused = f"{sum(map(left_out, found)):4} of {len(found)} left out"
        yield f"{name:36}{refused}; {alarms} of {quotes} quotes contradicted"


def report_one(days: list[tuple[Path, str, float]], seed: int = 1) -> Iterator[str]:
    """How many single wrong quotes lose their Greeks, by how far they moved the volatility."""
    random, rows = np.random.default_rng(seed), []
    for path, symbol, close in days:
        chain = chain_of(path, symbol, close)
        greeks = value_chain(chain, risk_free_rate=RATE)
        open_ones = (greeks["status"] == "ok") & greeks["delta"].abs().between(0.03, 0.5)
        near = greeks[open_ones & (greeks["years"] * 365).between(5, 65)]
        for name, change in ONE.items():
            draw = near.groupby(["expiration", "option_type"]).sample(1, random_state=int(random.integers(1e9))).index
            bid, ask = (np.round(side, 2) for side in change(chain.loc[draw], greeks.loc[draw]))
            wrong = chain.copy()
            wrong.loc[draw, "bid"], wrong.loc[draw, "ask"] = bid, ask
            found = value_chain(wrong, risk_free_rate=RATE)
            before, others = greeks.loc[draw], greeks.index.difference(draw)
            moved = (0.5 * (bid + ask) - before["mid"]).abs() / (100 * before["vega"] * before["iv"])
            lost = int((found.loc[others, "status"].ne("ok") & greeks.loc[others, "status"].eq("ok")).sum())
            rows.append(pd.DataFrame({"name": name, "moved": moved, "caught": found.loc[draw, "status"] != "ok"}))
            rows[-1]["lost"] = lost / len(draw)
    all_rows = pd.concat(rows)
    parts = pd.cut(all_rows["moved"], MOVES, labels=["below 15 %", "15 to 30 %", "30 to 100 %", "more"])
    yield f"{'one quote':20}" + "".join(f"{label:>20}" for label in parts.cat.categories) + f"{'right ones lost':>20}"
    for name, some in all_rows.groupby("name", sort=False):
        cells = [some.loc[parts[all_rows["name"] == name] == label, "caught"] for label in parts.cat.categories]
        text = "".join(f"{f'{int(cell.sum())} of {len(cell)}':>20}" for cell in cells)
        yield f"{name:20}{text}{some['lost'].sum() / len(some):20.2f}"


def main() -> None:
    """Print the tables."""
    folder, symbols = asked_days(__doc__)
    days = []
    for symbol in symbols:
        close = bars_of(folder / symbol).set_index("date")["close"]
        paths = sorted((folder / symbol).glob("20*.json.gz"))
        days += [(path, symbol, float(close[pd.Timestamp(path.name[:10])])) for path in paths]
    for report in (report_spots, report_whole, report_one):
        sys.stdout.writelines(f"{line}\n" for line in (*report(days), ""))


if __name__ == "__main__":
    main()
