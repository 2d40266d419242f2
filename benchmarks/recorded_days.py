"""How right the probabilities are on recorded chains: the product's own functions, as of each day, without look-ahead.

    python benchmarks/recorded_days.py FOLDER [SYMBOL ...] > benchmarks/results/recorded_days.txt

FOLDER holds `SYMBOL/YYYY-MM-DD.json.gz`, chains in Cboe's delayed-quote shape, one a session, and
`SYMBOL/bars.json.gz`, daily prices. Each chain is read, valued and predicted with the close of its own day as spot (a
recorder may stamp a later one, which would let every forecast see the future) and the prices known by then, and scored
against the close of its expiration. Contracts count whose |delta| is 0.02 to 0.6 and which are out of the money.

Contracts of one symbol and expiration are one outcome: the intervals count them once. `mirrored` counts each outcome
as it came and once mirrored about the forward, so that a month that rose flatters nobody. Differences are Brier scores
of `prob_itm` less those of the rival on the same contracts; below 0 is better. `history` is the step towards realised
volatility that is shown beside the market's view and not used.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtr

from wheel_assets.fetch.cboe import vendor_chain
from wheel_assets.fetch.http.response import Answer
from wheel_assets.greeks import value_chain
from wheel_assets.market.arrays import Floats
from wheel_assets.market.calendar import NEW_YORK, SESSIONS_PER_YEAR
from wheel_assets.predict import predict_chain, realised_volatility
from wheel_assets.predict.calibration import brier_difference, mirrored, score

RATE = 0.04
FORECASTS = {"prob_itm": "prob_itm", "history": "prob_itm_history", "|delta|": "abs_delta", "N(d2)": "n_d2"}
DAYS, DELTAS = (0, 7, 14, 28, 60), (0.02, 0.1, 0.2, 0.3, 0.6)


def bars_of(folder: Path) -> pd.DataFrame:
    """The daily prices of a symbol."""
    rows = json.loads(gzip.decompress((folder / "bars.json.gz").read_bytes()))["data"]
    bars = pd.DataFrame(rows).assign(symbol=folder.name)
    return bars.assign(date=pd.to_datetime(bars["date"]))


def chain_of(path: Path, symbol: str, spot: float | None) -> pd.DataFrame:
    """A recorded chain, its spot replaced by the close of its day, or as it was recorded."""
    answer = Answer(
        "recorded", path.name, 200, {"Content-Type": "application/json"}, gzip.decompress(path.read_bytes())
    )
    now = datetime.combine(datetime.fromisoformat(path.name[:10]), time(16, 15), NEW_YORK).astimezone(UTC)
    chain = vendor_chain(answer, symbol).rows(now).frame
    return chain if spot is None else chain.assign(spot_price=spot)


def predictions_of(folder: Path) -> Iterator[pd.DataFrame]:
    """What was predicted on each day, and what came of it."""
    bars = bars_of(folder)
    close = bars.set_index("date")["close"]
    for path in sorted(folder.glob("20*.json.gz")):
        day = pd.Timestamp(path.name[:10])
        chain = chain_of(path, folder.name, close[day])
        greeks = value_chain(chain, risk_free_rate=RATE)
        known = realised_volatility(bars[bars["date"] <= day])
        said = predict_chain(chain, greeks, realised_volatility=known)
        names = ("years", "dividend_yield", "iv", "delta", "spot_price", "event_move")
        columns = {name: greeks[name].to_numpy() for name in names}
        quiet = quiet_volatility(close[close.index <= day])
        yield said.assign(**columns, abs_delta=greeks["delta"].abs(), ended=said["expiration"].map(close), quiet=quiet)


def quiet_volatility(close: pd.Series, sessions: int = 63) -> float:
    """Realised volatility without the days of announcements: moves beyond 3.5 robust deviations are left out."""
    moves = np.diff(np.log(close.to_numpy()[-sessions - 1 :]))
    typical = 1.4826 * np.median(np.abs(moves))
    return float(np.sqrt(np.mean(moves[np.abs(moves) <= 3.5 * typical] ** 2) * SESSIONS_PER_YEAR))


def scorable(said: pd.DataFrame) -> pd.DataFrame:
    """The contracts that a seller looks at and whose end is known, with their forward, group and outcomes."""
    forward = said["spot_price"] * np.exp((RATE - said["dividend_yield"]) * said["years"])
    sign = np.where(said["option_type"] == "put", 1.0, -1.0)
    deviation = said["iv"] * np.sqrt(said["years"])
    flat = ndtr(sign * (np.log(said["strike"] / forward) / deviation + 0.5 * deviation))
    group = said["symbol"] + said["expiration"].dt.strftime("%Y%m%d")
    out = sign * (said["strike"] - forward) < 0
    rows = said.assign(forward=forward, n_d2=flat, group=group)[out & said["ended"].notna()]
    return rows[rows["abs_delta"].between(DELTAS[0], DELTAS[-1]) & rows["prob_itm_history"].notna()]


def table(rows: pd.DataFrame) -> Iterator[str]:
    """Scores of every forecast, paired differences, reliability."""
    numbers = (rows[name].to_numpy(dtype=float) for name in ("ended", "forward", "strike"))
    came = mirrored(*numbers, (rows["option_type"] == "put").to_numpy())
    group, twice = rows["group"].to_numpy(), np.tile(rows["group"].to_numpy(), 2)
    yield f"{'':10}{'Brier':>9}{'log loss':>10}{'mirrored':>10}{'log loss':>10}{'reliability':>13}"
    for name, column in FORECASTS.items():
        p = rows[column].to_numpy()
        plain, both = score(p, came[:, 0] > 0, group), score(np.tile(p, 2), came.T.ravel() > 0, twice)
        losses = f"{plain.brier:9.4f}{plain.log_loss:10.4f}{both.brier:10.4f}{both.log_loss:10.4f}"
        yield f"{name:10}{losses}{both.reliability:13.5f}"
    mine = rows["prob_itm"].to_numpy()
    for name, column in list(FORECASTS.items())[1:]:
        for way, outcomes in (("as it came", came[:, :1]), ("mirrored", came)):
            d = brier_difference(mine, rows[column].to_numpy(), outcomes, group)
            yield f"prob_itm less {name:8} {way:11}{d.mean:+.4f} [{d.low:+.4f}, {d.high:+.4f}]"
    yield f"{'said':>14}{'mean':>8}{'happened':>10}{'95 % interval':>18}{'count':>8}{'outcomes':>10}  (mirrored)"
    for part in score(np.tile(mine, 2), came.T.ravel() > 0, twice).bins:
        interval = f"{part.interval_low:.1%} to {part.interval_high:.1%}"
        edges = f"{part.low:.0%} to {part.high:.0%}"
        yield f"{edges:>14}{part.mean_forecast:8.1%}{part.observed:10.1%}{interval:>18}{part.count:8}{part.groups:10}"


def cuts(rows: pd.DataFrame) -> Iterator[str]:
    """Mirrored differences by days to expiration, by delta, by symbol, and by half of the month."""
    days, middle = rows["years"] * 365, rows["timestamp"].median()
    parts = {f"{low} to {high} days": (days > low) & (days <= high) for low, high in zip(DAYS, DAYS[1:], strict=False)}
    parts |= {
        f"|delta| {low} to {high}": rows["abs_delta"].between(low, high)
        for low, high in zip(DELTAS, DELTAS[1:], strict=False)
    }
    parts |= {symbol: rows["symbol"] == symbol for symbol in rows["symbol"].unique()}
    parts |= {"first half": rows["timestamp"] <= middle, "second half": rows["timestamp"] > middle}
    yield f"mirrored Brier of prob_itm less that of{'|delta|':>14}{'N(d2)':>28}{'history':>28}"
    for name, which in parts.items():
        some = rows[which]
        if some["group"].nunique() < 2:
            continue
        numbers = (some[column].to_numpy(dtype=float) for column in ("ended", "forward", "strike"))
        came = mirrored(*numbers, (some["option_type"] == "put").to_numpy())
        cells = []
        for column in ("abs_delta", "n_d2", "prob_itm_history"):
            d = brier_difference(*(some[c].to_numpy() for c in ("prob_itm", column)), came, some["group"].to_numpy())
            cells.append(f"{d.mean:+.4f} [{d.low:+.4f}, {d.high:+.4f}]")
        yield f"{name:20}{len(some):7}{some['group'].nunique():4}  " + "".join(f"{cell:>28}" for cell in cells)


def market_alone(rows: pd.DataFrame, number: float) -> Floats:
    """The variance that the smile has at each strike."""
    return (rows["iv"] ** 2 * rows["years"]).to_numpy()


def cheaper(rows: pd.DataFrame, number: float) -> Floats:
    """The market's less a premium for variance that is the same at every maturity."""
    return market_alone(rows, 0) * (1 - number)


def cheaper_when_short(rows: pd.DataFrame, number: float) -> Floats:
    """The market's less a premium that halves from 7 days to 28."""
    return market_alone(rows, 0) * (1 - number * np.exp2(-(rows["years"].to_numpy() * 365 - 7) / 21))


def like_for_like(rows: pd.DataFrame, number: float) -> Floats:
    """Quiet realised variance weighed into what of the market's is no event; the event's is kept."""
    market = market_alone(rows, 0)
    event = np.minimum(rows["event_move"].fillna(0.0).to_numpy() ** 2, 0.9 * market)
    quiet = np.clip(
        rows["quiet"].to_numpy() ** 2 * rows["years"].to_numpy(), 0.25 * (market - event), 4 * (market - event)
    )
    return event + (1 - number) * (market - event) + number * quiet


STEPS = {
    "a premium for variance": (cheaper, (-0.2, -0.1, 0.0, 0.1, 0.2, 0.3)),
    "the same, by maturity": (cheaper_when_short, (-0.3, -0.15, 0.0, 0.15, 0.3)),
    "like for like, events apart": (like_for_like, (-0.25, 0.0, 0.25, 0.5, 0.75)),
}


def steps(rows: pd.DataFrame) -> Iterator[str]:
    """Each step's mirrored Brier score less that of no step, N(d2) both, where its number was chosen and where not."""
    put = (rows["option_type"] == "put").to_numpy()
    sign, moneyness = np.where(put, 1.0, -1.0), np.log(rows["strike"] / rows["forward"]).to_numpy()

    def said(variance: Floats) -> Floats:
        deviation = np.sqrt(variance)
        return ndtr(sign * (moneyness / deviation + 0.5 * deviation))

    numbers = (rows[column].to_numpy(dtype=float) for column in ("ended", "forward", "strike"))
    came, group = mirrored(*numbers, put), rows["group"].to_numpy()
    ends = np.sort(rows["expiration"].unique())
    first = (rows["expiration"] <= ends[(ends.size - 1) // 2]).to_numpy()
    none = said(market_alone(rows, 0))
    yield f"{'step away from the market':30}{'number':>8}{'where it was chosen':>32}{'on the other half':>32}"
    for name, (step, tried) in STEPS.items():
        found = {number: said(step(rows, number)) for number in tried}
        best = min(tried, key=lambda n: brier_difference(found[n][first], none[first], came[first], group[first]).mean)  # noqa: B023
        cells = []
        for part in (first, ~first):
            d = brier_difference(found[best][part], none[part], came[part], group[part])
            cells.append(f"{d.mean:+.4f} [{d.low:+.4f}, {d.high:+.4f}]")
        yield f"{name:30}{best:8.2f}" + "".join(f"{cell:>32}" for cell in cells)


def report(folder: Path, symbols: Sequence[str] = ()) -> Iterator[str]:
    """All tables, of these symbols or of all that the folder holds."""
    folders = [folder / symbol for symbol in symbols or symbols_in(folder)]
    rows = scorable(pd.concat([day for each in folders for day in predictions_of(each)], ignore_index=True))
    days, names = rows["timestamp"].dt.normalize().nunique(), ", ".join(rows["symbol"].unique())
    yield f"{names}: {days} days, {len(rows)} contract-days, {rows['group'].nunique()} outcomes"
    yield from ("", *table(rows), "", *cuts(rows), "", *steps(rows))


def symbols_in(folder: Path) -> list[str]:
    """The symbols that a folder of recorded days holds, by name."""
    return sorted(path.parent.name for path in folder.glob("*/bars.json.gz"))


def asked_days(description: str | None) -> tuple[Path, list[str]]:
    """The folder of recorded days that a command line names, and its symbols; all that it holds if none are named."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("symbols", nargs="*")
    asked = parser.parse_args()
    return asked.folder, asked.symbols or symbols_in(asked.folder)


def main() -> None:
    """Print the tables."""
    sys.stdout.writelines(f"{line}\n" for line in report(*asked_days(__doc__)))


if __name__ == "__main__":
    main()
