"""Scores of the cached predictions whose contracts have expired, as one plain document."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from wheel_assets.cache.upkeep.forecasts import EVERYTHING, ForecastFilter, read_forecasts
from wheel_assets.market.indices import AM_SETTLED_ROOTS
from wheel_assets.predict.calibration import Score, brier_difference, compared, mirrored, score
from wheel_assets.predict.settlement import REASONS, SCORED, last_expired, settled

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.cache.store.store import Store
    from wheel_assets.market.arrays import Bools, Floats

CAVEAT = (
    "Contracts of one symbol and expiration are not independent: one price decides them all. The intervals therefore "
    "count each such outcome once, and are still too narrow where symbols move together or expirations overlap; with "
    "few outcomes no score means much. The same contract counts once for every snapshot in which it was predicted."
)
NOTHING_YET = (
    "No prediction can be scored yet. Needed: predictions of contracts that have expired since, and the price of the "
    "underlying at expiration: materialize price_history after the close of that day, or have a chain from about then."
)
NONE_OF_THESE = "None of the selected predictions can be scored; without --symbol, --model and --since more are."


def outcomes(store: Store, which: ForecastFilter = EVERYTHING) -> dict[str, Any]:
    """Scores of the cached predictions beside textbook rivals, in plain values: NaN is None, times are UTC.

    `in_the_money` and `touched` are the two events; each has `scored` predictions of `contracts` on distinct
    `outcomes` (symbol and expiration), how many were `not_scored` by reason, and `scores`, see `calibration.Score`: of
    `prob_itm` beside `prob_itm_market`, `prob_itm_history`, `abs_delta` and `n_d2`, of `prob_touch` beside
    `twice_abs_delta`. `paired` has the Brier score of the first less that of each rival on the contracts that both
    know, with an interval over outcomes, as it came and mirrored about the forward (`calibration.mirrored`). `common`
    scores are of the contracts that all of them know; `by_right` has those of the first for puts and calls, `by_model`
    by version of the model. `settled_by` counts where the prices at expiration came from. `pending` predictions have
    not expired. `message` is None, or what is missing where nothing could be scored.
    """
    now = store.clock()
    last = last_expired(now)
    found = read_forecasts(store, last, AM_SETTLED_ROOTS, which)
    happened = settled(found.said, found.sessions, found.spots)
    delta = np.abs(found.said["delta"].to_numpy())
    said = {
        name: found.said[name].to_numpy() for name in ("prob_itm", "prob_itm_market", "prob_itm_history", "prob_touch")
    }
    touch = {"prob_touch": said.pop("prob_touch"), "twice_abs_delta": np.minimum(2 * delta, 1.0)}
    itm = said | {"abs_delta": delta, "n_d2": found.said["prob_itm_flat"].to_numpy()}
    in_the_money = _event(found.said, itm, happened["in_the_money"], happened["itm_status"], happened["outcome"])
    scored = (happened["itm_status"] == SCORED).to_numpy()
    numbers = (found.said[name].to_numpy()[scored] for name in ("forward", "strike", "is_put"))
    both_ways = mirrored(happened["price"].to_numpy()[scored], *numbers)
    in_the_money["paired"] = _paired(
        {name: values[scored] for name, values in itm.items()}, both_ways, happened["outcome"].to_numpy()[scored]
    )
    document = {
        "at": now.isoformat(),
        "last_expiration": last.isoformat(),
        "in_the_money": in_the_money,
        "touched": _event(found.said, touch, happened["touched"], happened["touch_status"], happened["outcome"]),
        "settled_by": _counts(happened["settled_by"][happened["itm_status"] == SCORED]),
        "expired": len(found.said),
        "pending": found.pending,
        "repeated": found.repeated,
        "model_versions": _counts(found.said["model_version"]),
        "caveat": CAVEAT,
    }
    nothing = NOTHING_YET if which == EVERYTHING else NONE_OF_THESE
    return {**document, "message": None if in_the_money["scored"] else nothing}


def _event(
    said: pd.DataFrame,
    forecasts: dict[str, Floats],
    happened: pd.Series,
    status: pd.Series,
    outcome: pd.Series,
) -> dict[str, Any]:
    """The scores of one event (in the money, or touched)."""
    rows = (status == SCORED).to_numpy()
    scored = {name: values[rows] for name, values in forecasts.items()}
    truth, groups = happened.to_numpy(dtype=bool)[rows], outcome.to_numpy()[rows]
    terms = said.loc[rows, ["symbol", "expiration", "strike", "is_put"]]
    right = np.where(terms["is_put"].to_numpy(dtype=bool), "put", "call")
    audited = (next(iter(scored.values())), truth, groups)
    counts = _counts(status)
    scores = compared(scored, truth, groups)
    return {
        "scored": int(rows.sum()),
        "contracts": len(terms.drop_duplicates()),
        "outcomes": len(np.unique(groups)),
        "not_scored": {name: counts[name] for name in REASONS if name in counts},
        "scores": [{"forecast": name, "common": common, **_plain(found)} for name, common, found in scores],
        "by_right": _by(right, *audited),  # a market that only rose hides in both together
        "by_model": _by(said["model_version"].to_numpy()[rows], *audited),
    }


def _paired(forecasts: dict[str, Floats], both_ways: Floats, groups: np.ndarray) -> list[dict[str, Any]]:
    """The first forecast against each rival on the contracts that both have: as it happened, and mirrored."""
    (name, mine), *rivals = forecasts.items()
    differences = []
    for rival, theirs in rivals:
        for way, came in (("as it came", both_ways[:, :1]), ("mirrored", both_ways)):
            rows = ~np.isnan(mine) & ~np.isnan(theirs) & ~np.isnan(came).any(axis=1)
            if rows.any():
                found = asdict(brier_difference(mine[rows], theirs[rows], came[rows], groups[rows]))
                numbers = {key: _number(value) for key, value in found.items()}
                differences.append({"forecast": name, "against": rival, "way": way, **numbers})
    return differences


def _by(label: np.ndarray, forecast: Floats, happened: Bools, groups: np.ndarray) -> dict[str, Any]:
    """The audited forecast's scores by label."""
    parts = {str(name): label == name for name in np.unique(label.astype(str))}
    return {name: _plain(score(forecast[of], happened[of], groups[of])) for name, of in parts.items()}


def _plain(score: Score) -> dict[str, Any]:
    numbers = {name: _number(value) for name, value in asdict(score).items() if name != "bins"}
    return {**numbers, "bins": [{name: _number(value) for name, value in asdict(b).items()} for b in score.bins]}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)


def _counts(values: pd.Series) -> dict[str, int]:
    return {str(value): int(count) for value, count in values.value_counts().items() if count}
