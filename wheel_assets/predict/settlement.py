"""Outcomes of predictions: where each contract ended and whether its strike was touched, from daily prices.

A contract settles at the close of its expiration date; at the strike it is out of the money, because the clearing house
exercises automatically only what is at least a cent in the money (OCC rule 805). Touches are found in the highs and
lows of the sessions from the prediction to the end. In the session of the prediction itself, a high or low may have
come before it: a strike that this session reached is not scored at all, or touches would count more often than misses.
For quotes from its last minutes that session is over.

What cannot be known is not guessed: the reasons below are the values of the status columns.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import pandas as pd

from wheel_assets.market.arrays import Bools, Floats
from wheel_assets.market.calendar import OPEN, closes_in_new_york, last_finished_day, last_sessions, new_york_times

SCORED = "scored"
REASONS = {
    "settles_early": "AM-settled: its settlement value, a special opening quotation, is not cached",
    "too_late": "predicted after the end of trading: nothing to predict",
    "no_probability": "the model gave no probability: no contract of the expiration had a volatility",
    "no_price": "no close of the expiration date in price_history and no chain from about that close",
    "other_scale": "the price history does not fit the price at the prediction: a split since",
    "touched_already": "already in the money when predicted: nothing to predict",
    "no_history": "price_history lacks a session from the prediction to the expiration, or the prediction its spot",
    "first_day_unclear": "the session of the prediction reached the strike, perhaps before it was made",
}
LAST_MINUTES = timedelta(minutes=15)  # of a session: vendors' last quotes are often from just before the close
LONGEST_BREAK = timedelta(days=5)  # between two sessions; more is a gap in the history
OTHER_SCALE = 1.25  # how far a price may lie outside its session's range: the smallest common split is 5 for 4


_SINCE_MIDNIGHT = timedelta(hours=OPEN.hour, minutes=OPEN.minute)  # when sessions open


class Range(NamedTuple):
    """Lowest and highest price of each window, and whether every session of it is there."""

    low: Floats
    high: Floats
    complete: Bools


def last_expired(now: datetime) -> date:
    """The newest expiration date that is over at `now` (naive UTC).

    >>> last_expired(datetime(2026, 12, 18, 20, 59))
    datetime.date(2026, 12, 17)
    >>> last_expired(datetime(2026, 12, 18, 21, 0))
    datetime.date(2026, 12, 18)
    """
    return last_finished_day(now.replace(tzinfo=UTC))


def settled(said: pd.DataFrame, sessions: pd.DataFrame, spots: pd.DataFrame) -> pd.DataFrame:
    """Outcome of each prediction; the columns of the inputs are those of `cache.upkeep.forecasts.Forecasts`.

    One row per row of `said`: `outcome` (a number for each symbol and expiration), `settled_by`, `price` (dollars a
    share), `in_the_money`, `itm_status`, `touched`, `touch_status`. The two answers mean something only
    where their status is `scored`; otherwise that is one of `REASONS`.
    """
    pairs = said[["symbol", "expiration"]].astype({"symbol": object})
    outcome = pairs.groupby(["symbol", "expiration"], sort=False).ngroup().to_numpy()
    ended = settlements(pairs.drop_duplicates(), sessions, spots)
    price, settled_by = (ended[name].to_numpy()[outcome] for name in ("price", "settled_by"))
    strike, is_put = said["strike"].to_numpy(), said["is_put"].to_numpy(dtype=bool)
    local = new_york_times(said["timestamp"])
    early, other_scale = said["settles_early"].to_numpy(dtype=bool), ~_same_scale(said, local, sessions)
    itm_unsaid, touch_unsaid = (said[name].isna().to_numpy() for name in ("prob_itm", "prob_touch"))
    too_late = (local >= closes_in_new_york(said["expiration"])).to_numpy()
    before = {"settles_early": early, "too_late": too_late, "other_scale": other_scale}
    touched, touch_reasons = _touched(said, local, sessions)
    return pd.DataFrame(
        {
            "outcome": outcome,
            "settled_by": settled_by,
            "price": price,
            "in_the_money": np.where(is_put, price < strike, price > strike),
            "itm_status": _status(before | {"no_probability": itm_unsaid, "no_price": np.isnan(price)}),
            "touched": touched,
            "touch_status": _status(before | {"no_probability": touch_unsaid} | touch_reasons),
        }
    )


def settlements(pairs: pd.DataFrame, sessions: pd.DataFrame, spots: pd.DataFrame) -> pd.DataFrame:
    """Settlement `price` (dollars a share) of each symbol and expiration and its source, `settled_by`; may be missing.

    In this order: the close of the history (`close`), the first chain between that close and the next session
    (`chain_after_close`), the last chain of the day's `LAST_MINUTES` (`chain_before_close`). An earlier chain is not
    used: a prediction would be scored against the price that it was made from.
    """
    asked = pd.MultiIndex.from_frame(pairs)
    price, settled_by = np.full(len(pairs), np.nan), np.full(len(pairs), None, dtype=object)
    closes = sessions.set_index(["symbol", "date"])["close"]
    for name, prices in {"close": closes, **_chain_prices(spots)}.items():
        found = prices.reindex(asked).to_numpy(dtype=float)
        new = np.isnan(price) & ~np.isnan(found)
        price[new], settled_by[new] = found[new], name
    return pairs.assign(price=price, settled_by=settled_by)


def _chain_prices(spots: pd.DataFrame) -> dict[str, pd.Series]:
    """Spot prices of the chains, one per symbol and session."""
    local = new_york_times(spots["timestamp"])
    day = last_sessions((local - _SINCE_MIDNIGHT).dt.normalize())  # at the weekend Friday's prices stand
    left = closes_in_new_york(day) - local
    prices = spots.assign(day=day, left=left).sort_values("timestamp", kind="stable")
    over, nearly = prices["left"] <= timedelta(0), prices["left"] <= LAST_MINUTES
    after, before = (prices[part].groupby(["symbol", "day"])["spot_price"] for part in (over, nearly & ~over))
    return {"chain_after_close": after.first(), "chain_before_close": before.last()}


def _touched(said: pd.DataFrame, local: pd.Series, sessions: pd.DataFrame) -> tuple[Bools, dict[str, Bools]]:
    """Whether each strike was touched after the prediction, and by reason where it is not scored."""
    day = local.dt.normalize()
    next_day = day + pd.Timedelta(days=1)
    over, begun = local >= closes_in_new_york(day) - LAST_MINUTES, local - day > _SINCE_MIDNIGHT
    whole = _ranges(said, next_day.where(begun, day), sessions)
    first = _ranges(said.assign(expiration=day), day, sessions)
    strike, spot, is_put = said["strike"].to_numpy(), said["spot"].to_numpy(), said["is_put"].to_numpy(dtype=bool)
    touched, at_first = (np.where(is_put, r.low <= strike, r.high >= strike) for r in (whole, first))
    in_part, later = (begun & ~over).to_numpy(), (next_day.where(begun, day) <= said["expiration"]).to_numpy()
    return touched, {
        "touched_already": np.where(is_put, spot <= strike, spot >= strike),
        "no_history": (later & ~whole.complete) | (in_part & ~first.complete) | np.isnan(spot),
        "first_day_unclear": in_part & at_first,
    }


def _ranges(said: pd.DataFrame, first: pd.Series, sessions: pd.DataFrame) -> Range:
    """Price range of the sessions from `first` to the expiration of each row; each distinct window is computed once."""
    rows = pd.DataFrame({"symbol": said["symbol"].astype(object), "first": first, "last": said["expiration"]})
    window = rows.groupby(list(rows), sort=False).ngroup().to_numpy()
    distinct = rows.drop_duplicates()
    low, high, complete = np.full(len(distinct), np.nan), np.full(len(distinct), np.nan), np.zeros(len(distinct), bool)
    for symbol, bars in sessions.groupby("symbol"):
        at = np.flatnonzero(distinct["symbol"] == symbol)
        low[at], high[at], complete[at] = _ranges_of(distinct.iloc[at], bars)
    return Range(low[window], high[window], complete[window])


def _ranges_of(windows: pd.DataFrame, bars: pd.DataFrame) -> Range:
    """The ranges of windows of one symbol, whose bars are in order of date."""
    day, first, last = (dates.to_numpy("datetime64[D]") for dates in (bars["date"], windows["first"], windows["last"]))
    inside = (day >= first[:, None]) & (day <= last[:, None])
    low = np.where(inside, bars["low"].to_numpy(), np.inf).min(axis=1)
    high = np.where(inside, bars["high"].to_numpy(), -np.inf).max(axis=1)
    after_gap = np.diff(day, prepend=day[0]) > LONGEST_BREAK
    whole = (day[0] <= first) & np.isin(last, day) & ~(inside & after_gap).any(axis=1)
    return Range(low, high, whole & np.isfinite(low) & np.isfinite(high))


def _same_scale(said: pd.DataFrame, local: pd.Series, sessions: pd.DataFrame) -> Bools:
    """Whether the price at the prediction fits the history's range of that day; True where that is unknown."""
    days = pd.DataFrame({"symbol": said["symbol"].astype(object), "date": local.dt.normalize()})
    bars = sessions.assign(date=sessions["date"].astype(days["date"].dtype))
    day = days.merge(bars, how="left", on=["symbol", "date"])
    spot = said["spot"].to_numpy()
    outside = (spot > day["high"].to_numpy() * OTHER_SCALE) | (spot < day["low"].to_numpy() / OTHER_SCALE)
    return np.asarray(~outside)


def _status(reasons: dict[str, Bools]) -> pd.Categorical[str]:
    """The first reason that holds, or `scored`."""
    codes = np.select(list(reasons.values()), range(1, len(reasons) + 1), 0).astype(np.int8)
    return pd.Categorical.from_codes(codes, pd.Index([SCORED, *reasons]))
