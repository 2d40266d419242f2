"""The spot price implied by the options of a symbol, and whether it contradicts the quoted one.

A put and a call of one strike fix the present value of the shares at expiration: strike * discount + call - put. The
median of the three pairs nearest the money of an expiration, over the quoted spot, less 1, is the expiration's gap; the
median over the expirations of the next 45 days is the symbol's. On recorded chains of ten symbols over 27 days a gap
beyond 0.75 % caught every spot that was more than 1 % off, without a false alarm.

A gap has one of three causes, and only the first is a wrong spot. They grow differently with time:

- a spot that is late or of something else: the same at every expiration;
- a borrow fee (or a steady yield): proportional to time;
- a cash dividend: nothing before its ex-date, all of it after. Where even the first expiration lies after the ex-date,
  the in-the-money calls decide: since they can be exercised today, they do not trade below spot less strike, unless
  the shares are really cheaper than quoted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.dividends import Dividends
from wheel_assets.greeks.quotes import CONTRADICTED
from wheel_assets.greeks.quotes.forward import Pairs, nearest_pairs
from wheel_assets.market.arrays import Floats
from wheel_assets.market.calendar import DAYS_PER_YEAR

if TYPE_CHECKING:
    import pandas as pd

Rows = NDArray[np.intp]

PAIRS = 3
CANDIDATES = 12  # pairs nearest the quoted spot, of which those nearest the money of the options are taken
WITHIN = 45 / DAYS_PER_YEAR  # years
CONTRADICTION = 0.0075  # of the quoted spot
LARGEST = 0.2  # logarithm of implied over quoted; shares have fallen by 14 % between a quote and the spot stamped on it


SpotMismatch = Literal["implied", "refuse"]
QUOTED, IMPLIED = "quoted", "implied"


class Spots(NamedTuple):
    """Spot used (dollars a share), its source and whether it is refused, one element a contract; notes for the user."""

    price: Floats
    source: NDArray[np.object_]
    refused: NDArray[np.bool_]
    notes: tuple[str, ...]


class Gap(NamedTuple):
    """Implied over quoted spot of one symbol, less 1; `contradicts` where neither carry nor dividend explains it."""

    size: float
    contradicts: bool


def checked_spots(
    chain: pd.DataFrame, contracts: Contracts, mid: Floats, expiration: Rows, paid: Dividends, mismatch: SpotMismatch
) -> Spots:
    """The quoted spots; those that the options contradict are replaced by the implied one, or refused (`mismatch`).

    A gap beyond `LARGEST` is always refused: spot and options are then not of one share. `mid` is dollars a share, NaN
    where a quote is not usable; `paid` are the known dividends.
    """
    price, refused = contracts.spot.copy(), np.zeros(len(chain), dtype=bool)
    source = np.full(len(chain), QUOTED, dtype=object)
    notes = []
    series = chain.groupby(["symbol", "timestamp"], sort=False).ngroup().to_numpy()
    for number in range(series.max(initial=-1) + 1):
        rows = np.flatnonzero(series == number)
        some = contracts.rows(rows)
        gap = spot_gap(some, mid[rows], expiration[rows], paid.rows(rows).value(some.rate))
        if gap is None or not gap.contradicts:
            continue
        implied = some.spot * (1 + gap.size)
        refused[rows] = mismatch == "refuse" or abs(np.log(max(1 + gap.size, 1e-9))) > LARGEST
        price[rows] = np.where(refused[rows], some.spot, implied)
        source[rows] = np.where(refused[rows], QUOTED, IMPLIED)
        what = f"{chain['symbol'].iloc[rows[0]]}: the quoted share price {some.spot[0]:,.2f} {CONTRADICTED}"
        consequence = "the symbol is left out" if refused[rows[0]] else "everything is valued at that"
        notes.append(f"{what}, which imply {implied[0]:,.2f}; {consequence}")
    return Spots(price, source, refused, tuple(notes))


def spot_gap(contracts: Contracts, mid: Floats, expiration: Rows, carried: Floats | float = 0.0) -> Gap | None:
    """Gap between the spot that one symbol's options imply and the quoted one; None without a usable pair.

    `contracts` share the quoted spot, `mid` is NaN where there is no price, `expiration` numbers the expirations from
    0. `carried` is the present value of the known dividends until each contract ends, dollars a share.
    """
    near = ~np.isnan(mid) & (contracts.years > 0) & (contracts.years <= WITHIN)
    pairs = _nearest_the_money(contracts, mid, nearest_pairs(contracts, near, expiration, CANDIDATES))
    if pairs.call.size == 0:
        return None
    # A call may be exercised before the ex-date, so its price may contain any part of the dividend, from none to all.
    kept = np.where(contracts.is_put, 0.0, carried)
    bounds = [_at_once(*_gaps(contracts, mid + extra, pairs)) for extra in (0.0, kept)]
    size = 0.0 if min(bounds) <= 0 <= max(bounds) else min(bounds, key=abs)
    if abs(size) <= CONTRADICTION:
        return Gap(size, False)
    # What is left is a dividend before the first expiration, or a wrong spot: calls that could be exercised now decide.
    near &= ~contracts.is_put | (contracts.strike < contracts.spot)
    worthless = np.where(np.isnan(mid) & contracts.is_put, 0.0, mid)  # a put without a bid: hardly any time value
    every = nearest_pairs(contracts, near | np.isnan(mid) & contracts.is_put, expiration, contracts.strike.size)
    return Gap(size, not (size < 0 and _worth_exercising(contracts, worthless, every, size)))


def _nearest_the_money(contracts: Contracts, mid: Floats, pairs: Pairs) -> Pairs:
    """The `PAIRS` pairs of each expiration with the closest call and put prices, independent of the quoted spot."""
    order = np.lexsort((np.abs(mid[pairs.call] - mid[pairs.put]), pairs.expiration))
    group = pairs.expiration[order]
    first = order[np.arange(group.size) - np.searchsorted(group, group) < PAIRS]
    return Pairs(*(column[first] for column in pairs))


def _gaps(contracts: Contracts, price: Floats, pairs: Pairs) -> tuple[Floats, Floats]:
    """Years and gap of each expiration, soonest first."""
    call = contracts.rows(pairs.call)
    implied = (call.strike * call.discount + price[pairs.call] - price[pairs.put]) / call.spot - 1
    each = [pairs.expiration == number for number in np.unique(pairs.expiration)]
    years = np.array([call.years[rows][0] for rows in each])
    order = np.argsort(years)
    return years[order], np.array([np.median(implied[rows]) for rows in each])[order]


def _at_once(years: Floats, gaps: Floats) -> float:
    """The part of the gap that does not grow with time: the median less the slope's share.

    The slope is the median of those between any two expirations (Theil, 1950; Sen, JASA 63, 1968).
    """
    typical = float(np.median(gaps))
    soonest = float(min(gaps[:2], key=abs))
    if years[0] == years[-1]:
        return typical
    if abs(soonest) < 0.5 * min(CONTRADICTION, abs(typical)):
        return soonest
    first, second = np.nonzero(years[:, None] < years)
    slope = np.median((gaps[second] - gaps[first]) / (years[second] - years[first]))
    at_once = float(np.median(gaps - slope * years))
    return at_once if abs(typical - at_once) > 0.5 * CONTRADICTION else typical


def _worth_exercising(contracts: Contracts, mid: Floats, quoted: Pairs, gap: float) -> bool:
    """Whether in-the-money calls trade at what exercising them at the quoted spot pays: then the spot is right.

    Only calls whose put, and with it their time value, is small against the gap are used.
    """
    call, time_value = contracts.rows(quoted.call), mid[quoted.put]
    telling = (call.strike < call.spot * (1 + gap)) & (time_value < 0.25 * abs(gap) * call.spot)
    if not telling.any():
        return False
    beyond = (mid[quoted.call] - time_value - call.spot + call.strike) / call.spot
    return bool(np.median(beyond[telling]) > 0.25 * gap)
