"""The share price that the options of a symbol imply, and whether it contradicts the one that was quoted.

A put and a call of one strike fix what the shares are worth today to whoever gets them at expiration: strike *
discount + call - put. The median of the three pairs nearest the money of each expiration, over the quoted spot, less
1, is the expiration's gap; the median over the expirations of the next 45 days is the symbol's. On recorded chains of
ten symbols over 27 days a gap beyond 0.75 % caught every spot that was more than 1 % late, without a false alarm.

Three things make a gap, and only one of them is a wrong spot. They grow differently with time:

- a spot that is late or of something else: the same at once and at every expiration;
- a borrow fee (or a steady yield): nothing at once, in proportion to time;
- a cash dividend: nothing before its ex-date, all of it after. Where the first expiration lies after the ex-date
  already, the calls in the money tell: who may exercise today lets none of them go below spot less strike, while
  calls on shares that are really cheaper trade there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.dividends import Dividends
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
    """The spot that each contract is valued at, where it is from, and where none is to be believed."""

    price: Floats
    source: NDArray[np.object_]
    refused: NDArray[np.bool_]
    notes: tuple[str, ...]


class Gap(NamedTuple):
    """Of one symbol the implied spot over the quoted one, less 1; `contradicts` where that is no carry."""

    size: float
    contradicts: bool


def checked_spots(
    chain: pd.DataFrame, contracts: Contracts, mid: Floats, expiration: Rows, paid: Dividends, mismatch: SpotMismatch
) -> Spots:
    """The quoted spots, those that the options contradict replaced by what they imply, or refused.

    A gap beyond `LARGEST` is always refused: a spot and options so far apart are not of one share. `mid` is NaN where
    a quote is not to be believed; `paid` are the known dividends.
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
        told = f"{chain['symbol'].iloc[rows[0]]}: the quoted share price {some.spot[0]:,.2f} contradicts the options"
        consequence = "the symbol is left out" if refused[rows[0]] else "everything is valued at that"
        notes.append(f"{told}, which imply {implied[0]:,.2f}; {consequence}")
    return Spots(price, source, refused, tuple(notes))


def spot_gap(contracts: Contracts, mid: Floats, expiration: Rows, carried: Floats | float = 0.0) -> Gap | None:
    """How far the quoted spot of one symbol is from what its options imply; None where no pair tells.

    `contracts` share the quoted spot, `mid` is NaN where there is no price, `expiration` numbers the expirations from
    0. `carried` is what is known to leave the shares until each contract ends, dollars a share today: dividends.
    """
    near = ~np.isnan(mid) & (contracts.years > 0) & (contracts.years <= WITHIN)
    pairs = _nearest_the_money(contracts, mid, nearest_pairs(contracts, near, expiration, CANDIDATES))
    if pairs.call.size == 0:
        return None
    # Who holds a call may exercise it before the ex-date: its price keeps any part of the dividend, from none to all.
    kept = np.where(contracts.is_put, 0.0, carried)
    bounds = [_at_once(*_gaps(contracts, mid + extra, pairs)) for extra in (0.0, kept)]
    size = 0.0 if min(bounds) <= 0 <= max(bounds) else min(bounds, key=abs)
    if abs(size) <= CONTRADICTION:
        return Gap(size, False)
    near &= ~contracts.is_put | (contracts.strike < contracts.spot)
    worthless = np.where(np.isnan(mid) & contracts.is_put, 0.0, mid)  # a put without a bid: hardly any time value
    every = nearest_pairs(contracts, near | np.isnan(mid) & contracts.is_put, expiration, contracts.strike.size)
    return Gap(size, not (size < 0 and _worth_exercising(contracts, worthless, every, size)))


def _nearest_the_money(contracts: Contracts, mid: Floats, pairs: Pairs) -> Pairs:
    """Of each expiration the `PAIRS` pairs whose call and put are most alike, wherever the quoted spot is."""
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
    """The part of the gap that is there at once: the median, less what grows with time.

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
    """Whether calls in the money are worth what exercising them at the quoted spot pays: then it is no wrong spot.

    Asked of calls whose put, and with it the time value, is worth little beside the gap.
    """
    call, time_value = contracts.rows(quoted.call), mid[quoted.put]
    telling = (call.strike < call.spot * (1 + gap)) & (time_value < 0.25 * abs(gap) * call.spot)
    if not telling.any():
        return False
    beyond = (mid[quoted.call] - time_value - call.spot + call.strike) / call.spot
    return bool(np.median(beyond[telling]) > 0.25 * gap)
