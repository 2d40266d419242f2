"""The prediction model: all expirations of one underlying in, the predictions for each contract out.

1. All volatilities of an expiration give one smile (`smile`); the smiles of all expirations are made to agree
   (`term_structure`). Each gives the market's distribution, its mean the forward.
2. The market's distribution is used as it is. A second one, which mixes in the realised volatility of the shares
   (`realised`, where `price_history` is cached), is only shown, as `prob_itm_history`. Its weight `BELIEVED` in
   everything else is 0 until it is shown to help: on 27 recorded days of ten symbols, weight 1/2 made the mirrored
   Brier score worse by .0028 [.0017, .0041] (docs/numbers.md). Its total variance until the end, T years of sessions
   from now, is

       (1 - w) * implied variance + w * realised variance a year * T,    w = 1/2 * (1 - exp(-k T)) / (k T)

   about the same forward: two forecasts with equal weights (Bates, Granger, Operational Research Quarterly 20, 1969),
   declining with time, because variance reverts to its mean (Heston, Review of Financial Studies 6, 1993), by half
   after `HALF_LIFE` (Engle, Patton, Quantitative Finance 1, 2001). Known weakness: an earnings announcement within the
   63 sessions is spread over expirations that contain one and those that do not. The realised volatility is capped at
   twice and half the implied one; beyond, the past does not describe the company any more (a takeover, a halt).
   *No drift is assumed*: beating the forward is not predicted. With an equity premium of 5 % a year a share ends a
   month 0.4 % higher than that on average.
3. Touch probability: a price that finishes beyond the strike must touch it first, so
   P(touch) = P(beyond) / P(beyond, given the touch). The ratio is that of log-normal first passage at the strike's own
   volatility, corrected by what today's smile implies over the log-normal for finishing beyond a strike that is at the
   money (the smile moves with the price: Derman, *Regimes of volatility*, Risk, April 1999). In the money counts as
   touched.
4. Every return is of a sale *held to the end of trading*, `days_held`. It can end sooner only after the strike is first
   touched: by assignment (an out-of-the-money option is not exercised), closing or rolling there. So the average time
   a sale is really held lies between `days_to_touch` and `days_held`. The effect of early assignment on returns
   (interest on the strike, a dividend, the shares afterwards) is not modelled, nor is taking profits early.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from wheel_assets.greeks.normal import cumulative_normal
from wheel_assets.greeks.units import ONE_POINT
from wheel_assets.market.arrays import Bools, Floats
from wheel_assets.market.calendar import DAYS_PER_YEAR, SESSIONS_PER_YEAR
from wheel_assets.predict.distribution import Distribution, share_of_time_touched, touch_probability
from wheel_assets.predict.seller_returns import Sale, SellerReturns, seller_returns
from wheel_assets.predict.smile import Smile, fitted_smile, implied_distribution
from wheel_assets.predict.term_structure import without_calendar_arbitrage

BELIEVED = 0.0  # weight of the realised volatility in all predictions but `prob_itm_history`
SHOWN = 0.5  # its weight there for a horizon of zero
HALF_LIFE = 73 / SESSIONS_PER_YEAR
DEEP = 1.0  # deviations in the money; beyond, a price is nearly all intrinsic and used only where there is no other
MOST_APART = 2.0  # realised over implied volatility, or the other way round
MEANINGS = {
    "prob_itm": "probability of finishing in the money",
    "prob_touch": "probability of trading at the strike before the end; 1 if it is in the money",
    "prob_itm_market": "prob_itm under the market's own distribution, which is the one used",
    "prob_itm_history": "prob_itm with the realised volatility mixed in; not used, missing without a price history",
    "prob_itm_flat": "the textbook's N(d2), for a put N(-d2), at the smile's volatility of the strike",
    "days_held": "calendar days to the end of trading, for which every return holds the sale",
    "days_to_touch": "expected calendar days until the strike is first touched or trading ends",
    "smile_volatility": "implied volatility of the smile at the strike, decimal a year",
    "implied_volatility": "of the smile at the forward, decimal a year: beside `realised_volatility` of the inputs",
    "stretch": "factor of prob_itm_history on the market's deviations; 1 without a history",
    "expected_return": "mean profit over collateral, decimal, whole period",
    "cvar_95": "mean of the worst 5 % of returns",
    "prob_profit": "probability of any profit",
    "return_5": "return that 5 % of the outcomes fall short of",
    "return_50": "median return",
    "return_95": "return that 95 % of the outcomes fall short of",
} | {name: f"{name.removesuffix('_before_commission')} without commission" for name in SellerReturns._fields[6:]}
SAID = tuple(MEANINGS)
_TINY = 1e-300


class Slice(NamedTuple):
    """The contracts of one expiration, an array each; units as in `wheel_assets.greeks.units`.

    `is_put` is 1 or 0; `half_spread` is half of ask less bid, `commission` dollars a share, `realised_volatility`
    decimal a year of 252 sessions, `sessions` how many are left.
    """

    is_put: Floats
    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    dividend_yield: Floats
    iv: Floats
    vega: Floats
    half_spread: Floats
    premium: Floats
    commission: Floats
    realised_volatility: Floats
    sessions: Floats


def predicted(expirations: Sequence[Slice]) -> list[Floats]:
    """Predictions of each expiration: arrays of shape (len(SAID), contracts), a row for each name in `SAID`.

    `expirations` are those of one underlying and root by rising time; NaN where no contract has a volatility.
    """
    fitted = [_smile(contracts) for contracts in expirations]
    agreed = iter(without_calendar_arbitrage([smile for smile in fitted if smile is not None]))
    return [
        _said(contracts, next(agreed)) if smile is not None else np.full((len(SAID), contracts.strike.size), np.nan)
        for contracts, smile in zip(expirations, fitted, strict=True)
    ]


def _smile(contracts: Slice) -> Smile | None:
    """The smile of an expiration; None where it has ended or no contract has a volatility."""
    c = contracts
    years = float(c.years[0])
    quoted = np.isfinite(c.iv) & np.isfinite(c.half_spread) & (c.vega > 0)
    if not (years > 0 and quoted.any()):
        return None
    forward = float(c.spot[0] * np.exp((c.rate[0] - c.dividend_yield[0]) * years))
    deviation = c.iv * np.sqrt(years)
    error = c.half_spread / np.where(quoted, c.vega, np.nan) * ONE_POINT * np.sqrt(years)
    depth = np.log(c.strike / forward) * np.where(c.is_put > 0, 1, -1) / np.median(deviation[quoted])
    used = quoted & (depth < DEEP) if (depth[quoted] < DEEP).any() else quoted
    return fitted_smile(forward, c.strike[used], deviation[used], error[used])


def _said(contracts: Slice, smile: Smile) -> Floats:
    """The rows of `SAID`."""
    c, is_put, forward = contracts, contracts.is_put > 0, smile.forward
    years, spot = float(c.years[0]), float(c.spot[0])
    deviation = smile.deviation(c.strike)
    at_the_money = float(smile.deviation(np.array([forward]))[0])
    realised, sessions = float(c.realised_volatility[0]), float(c.sessions[0])
    stretch, shown = (real_world_stretch(at_the_money, realised, sessions, weight) for weight in (BELIEVED, SHOWN))
    views = [implied_distribution(smile, by) for by in (1.0, stretch, shown)]
    of_market, prob_itm, of_history = (_in_the_money(is_put, view.probability_below(c.strike)) for view in views)
    distribution = views[1]
    touch, share = _touch(c, forward, stretch * deviation, prob_itm, _once_there(smile, distribution, stretch, is_put))
    base, collateral = np.where(is_put, c.strike, forward), np.where(is_put, c.strike, spot)
    days = years * DAYS_PER_YEAR
    said = seller_returns(Sale(c.premium, c.commission, c.strike, base, collateral), distribution)._asdict() | {
        "prob_itm": prob_itm,
        "prob_touch": touch,
        "prob_itm_market": of_market,
        "prob_itm_history": of_history if realised > 0 else np.full(c.strike.shape, np.nan),
        "prob_itm_flat": _flat(forward, c.strike, deviation, is_put),
        "days_held": np.full(c.strike.shape, days),
        "days_to_touch": days * (1 - share),
        "smile_volatility": deviation / np.sqrt(years),
        "implied_volatility": np.full(c.strike.shape, at_the_money / np.sqrt(years)),
        "stretch": np.full(c.strike.shape, shown),
    }
    return np.array([said[name] for name in SAID])


def real_world_stretch(implied: float, realised: float, sessions: float, at_once: float = SHOWN) -> float:
    """Factor on the market's log distances that mixes in the realised volatility; 1 where that is unknown.

    `implied` is the deviation at the money, volatility times root of years; `realised` volatility is decimal a year
    of 252 sessions, `sessions` are those left, `at_once` is the weight at a horizon of zero. See step 2 of the module.

    >>> round(real_world_stretch(implied=0.4, realised=0.2, sessions=252), 4)
    0.9261
    """
    if not (realised > 0 and sessions > 0):
        return 1.0
    years = sessions / SESSIONS_PER_YEAR
    reverted = np.log(2) * years / HALF_LIFE
    weight = at_once * -np.expm1(-reverted) / reverted
    apart = np.clip(realised * np.sqrt(years) / implied, 1 / MOST_APART, MOST_APART)
    return float(np.sqrt(1 - weight + weight * apart**2))


def _in_the_money(is_put: Bools, below: Floats) -> Floats:
    return np.where(is_put, below, 1 - below)


def _flat(forward: float, strike: Floats, deviation: Floats, is_put: Bools) -> Floats:
    """Probability of finishing beyond the strike under a flat smile at the strike's deviation: N(d2) or N(-d2)."""
    return cumulative_normal(np.where(is_put, 1, -1) * (np.log(strike / forward) / deviation + 0.5 * deviation))


def _once_there(smile: Smile, distribution: Distribution, stretch: float, is_put: Bools) -> Floats:
    """Probability of finishing beyond an at-the-money strike under the smile, over that of the log-normal."""
    at = np.array([smile.forward])
    said = _in_the_money(is_put, distribution.probability_below(at))
    return said / _flat(smile.forward, at, stretch * smile.deviation(at), is_put)


def _touch(
    contracts: Slice, forward: float, deviation: Floats, prob_itm: Floats, once_there: Floats
) -> tuple[Floats, Floats]:
    """Touch probability, at least that of finishing beyond the strike, and the mean share of time left at the touch."""
    spot, strike, is_put = float(contracts.spot[0]), contracts.strike, contracts.is_put > 0
    beyond = np.maximum(_flat(forward, strike, deviation, is_put), _TINY)
    touched = touch_probability(spot, forward, strike, deviation)
    probability = np.clip(prob_itm * touched / (beyond * np.maximum(once_there, _TINY)), prob_itm, 1.0)
    scale = probability / np.maximum(touched, _TINY)
    share = np.minimum(share_of_time_touched(spot, forward, strike, deviation) * scale, probability)
    already = np.where(is_put, spot <= strike, spot >= strike)
    return np.where(already, 1.0, probability), np.where(already, 1.0, share)
