"""Calibration of probabilities: arrays of forecasts and outcomes in, scores out.

A forecast is a probability from 0 to 1; an outcome is True or False. Forecasts of one symbol and expiration are decided
by the same price, so that many contracts carry little more information than one: `group` labels those that belong
together, and the intervals count every group of a bin once. Counting contracts was rejected: twenty strikes of one
Friday would pass for twenty Fridays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from wheel_assets.market.arrays import Bools, Floats

EDGES = np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0])
LEAST_PROBABILITY = 1e-6  # floor of probabilities in the log loss: a wrong certainty costs 13.8, not infinity
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Bin:
    """Forecasts from `low` to `high`: mean forecast, observed frequency and its 95 % interval."""

    low: float
    high: float
    mean_forecast: float
    observed: float
    count: int
    groups: int
    interval_low: float
    interval_high: float


@dataclass(frozen=True)
class Score:
    """Scores of forecasts of one kind; the skills compare with always forecasting the base rate.

    `brier` and `log_loss`: 0 is perfect. `brier_skill`, `log_loss_skill`: 1 is perfect, 0 is the base rate's own
    score, negative is worse; NaN where everything or nothing happened. `reliability`, `resolution` and
    `uncertainty` are Murphy's parts of the Brier score, see `murphy_parts`.
    """

    count: int
    groups: int
    base_rate: float
    mean_forecast: float
    brier: float
    brier_skill: float
    log_loss: float
    log_loss_skill: float
    reliability: float
    resolution: float
    uncertainty: float
    bins: tuple[Bin, ...]


def brier_score(forecast: Floats, happened: Bools) -> float:
    """Brier score: mean squared error of the probabilities, 0 to 1 (Brier, Monthly Weather Review 78, 1950, halved).

    >>> brier_score(np.array([1.0, 0.5]), np.array([True, False]))
    0.125
    """
    return float(np.mean((forecast - happened) ** 2))


def log_loss(forecast: Floats, happened: Bools) -> float:
    """Log loss: mean of -ln of the probability given to the outcome (Good, JRSS B 14, 1952).

    >>> round(log_loss(np.array([0.5, 1.0]), np.array([False, True])), 4)
    0.3466
    """
    given = np.where(happened, forecast, 1 - forecast)
    return float(np.mean(-np.log(np.maximum(given, LEAST_PROBABILITY)))) + 0.0  # of -0.0 makes 0.0


def wilson_interval(share: Floats, size: np.ndarray) -> tuple[Floats, Floats]:
    """95 % confidence interval of a probability, given the share of successes in `size` independent trials.

    Wilson, Journal of the American Statistical Association 22, 1927.

    >>> [round(float(end), 4) for end in wilson_interval(np.array(0.5), np.array(10))]
    [0.2366, 0.7634]
    """
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    centre = share + z * z / (2 * size)
    reach = z * np.sqrt(share * (1 - share) / size + (z / (2 * size)) ** 2)
    scale = 1 + z * z / size
    return np.clip((centre - reach) / scale, 0.0, 1.0), np.clip((centre + reach) / scale, 0.0, 1.0)


def reliability_table(forecast: Floats, happened: Bools, group: np.ndarray, edges: Floats = EDGES) -> tuple[Bin, ...]:
    """Bins of the forecasts, lowest first, without the empty ones; `edges` rise from 0 to 1, `group` labels each."""
    which = np.clip(np.searchsorted(edges, forecast, side="right") - 1, 0, len(edges) - 2)
    filled, bins, count = np.unique(which, return_inverse=True, return_counts=True)
    mean = np.bincount(bins, forecast) / count
    observed = np.bincount(bins, happened) / count
    _, numbered = np.unique(group, return_inverse=True)
    pairs = np.unique(bins * (numbered.max(initial=0) + 1) + numbered)
    groups = np.bincount(pairs // (numbered.max(initial=0) + 1), minlength=len(filled))
    columns = (edges[filled], edges[filled + 1], mean, observed, count, groups, *wilson_interval(observed, groups))
    return tuple(Bin(*row) for row in zip(*(column.tolist() for column in columns), strict=True))


def murphy_parts(bins: tuple[Bin, ...]) -> tuple[float, float, float]:
    """Reliability, resolution and uncertainty: Brier score = reliability - resolution + uncertainty.

    Murphy, Journal of Applied Meteorology 12, 1973. Exact where all forecasts of a bin are equal; otherwise what
    varies within the bins is missing (Stephenson, Coelho, Jolliffe, Weather and Forecasting 23, 2008).
    """
    count, mean, observed = np.array([(b.count, b.mean_forecast, b.observed) for b in bins]).T
    weight = count / count.sum()
    rate = weight @ observed
    return float(weight @ (mean - observed) ** 2), float(weight @ (observed - rate) ** 2), float(rate * (1 - rate))


def score(forecast: Floats, happened: Bools, group: np.ndarray) -> Score:
    """All scores of at least one forecast, none NaN; `group` is the label of each, see the module."""
    bins = reliability_table(forecast, happened, group)
    rate = float(np.mean(happened))
    brier, loss = brier_score(forecast, happened), log_loss(forecast, happened)
    base = np.full(happened.shape, rate)
    return Score(
        count=len(forecast),
        groups=len(np.unique(group)),
        base_rate=rate,
        mean_forecast=float(np.mean(forecast)),
        brier=brier,
        brier_skill=_skill(brier, brier_score(base, happened)),
        log_loss=loss,
        log_loss_skill=_skill(loss, log_loss(base, happened)),
        **dict(zip(("reliability", "resolution", "uncertainty"), murphy_parts(bins), strict=True)),
        bins=bins,
    )


def compared(forecasts: Mapping[str, Floats], happened: Bools, group: np.ndarray) -> list[tuple[str, bool, Score]]:
    """Scores of competing forecasts as (name, whether on common contracts only, score); a missing forecast is NaN.

    The first forecast is the one under audit. It is scored on all its contracts and, where rivals lack some of them,
    once more with each rival on the contracts that all have. A rival without any forecast is left out.
    """
    known = {name: ~np.isnan(values) for name, values in forecasts.items()}
    mine = next(iter(forecasts), "")
    rivals = [name for name in forecasts if (known[name] & known[mine]).any()]
    if not rivals:
        return []
    common = np.logical_and.reduce([known[name] for name in rivals])
    scored = [(mine, known[mine])] if (known[mine] & ~common).any() else []
    scored += [(name, common) for name in rivals if common.any()]
    return [(name, rows is common, score(forecasts[name][rows], happened[rows], group[rows])) for name, rows in scored]


@dataclass(frozen=True)
class Difference:
    """Brier score of a forecast less a rival's on the same contracts, with a 95 % interval; negative is better.

    The interval is clustered by group, the contracts decided by one price (Liang, Zeger, Biometrika 73, 1986).
    """

    mean: float
    low: float
    high: float
    count: int
    groups: int


def brier_difference(forecast: Floats, rival: Floats, happened: Floats, group: np.ndarray) -> Difference:
    """Difference of two forecasts' Brier scores on at least one contract, no NaN.

    `happened` is 1 or 0, shape (contracts,), or (contracts, n) for n equally weighted outcomes, see `mirrored`.

    >>> brier_difference(np.array([1.0, 0.0]), np.array([0.5, 0.5]), np.array([1.0, 0.0]), np.array([1, 2])).mean
    -0.25
    """
    came = happened.reshape(len(forecast), -1)
    each = ((forecast[:, None] - came) ** 2 - (rival[:, None] - came) ** 2).mean(axis=1)
    mean = float(each.mean())
    _, numbered = np.unique(group, return_inverse=True)
    clusters = np.bincount(numbered, each - mean)
    few = clusters.size / max(clusters.size - 1, 1)
    reach = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * float(np.sqrt(few * (clusters**2).sum())) / each.size
    known = reach if clusters.size > 1 else float("nan")
    return Difference(mean, mean - known, mean + known, each.size, clusters.size)


def mirrored(price: Floats, forward: Floats, strike: Floats, is_put: Bools) -> Floats:
    """Whether options ended in the money (1 or 0), as it happened and mirrored about the forward; shape (contracts, 2).

    `price`, `forward` and `strike` are dollars a share; NaN where the forward is unknown. A month in which shares rose
    favours forecasts with an upward drift. Also counting each outcome as if the price had ended as far from the forward
    on the other side (in logarithms) removes the direction.
    """
    ended = np.column_stack([price, forward * forward / price])
    put = np.asarray(is_put, dtype=bool)[:, None]
    inside = np.where(put, ended < strike[:, None], ended > strike[:, None]).astype(float)
    return np.where(np.isnan(ended), np.nan, inside)


def _skill(loss: float, reference: float) -> float:
    return 1 - loss / reference if reference > 0 else float("nan")
