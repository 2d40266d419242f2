"""The model: one expiration of one underlying in, everything it says about each contract out.

1. All volatilities of the expiration give one smile and its distribution (`smile`), mean the forward.
2. From the market's view to a real-world one: where the volatility realised of late is known, the variance
   expected is the mean of the implied and the realised one, and the distribution is narrowed or widened
   to it about the same forward. Implied volatility has exceeded what came on average (Carr, Wu, *Variance risk
   premiums*, Review of Financial Studies 22, 2009); half-way is what is believed of it. No drift is
   believed in: beating the forward is not predicted. Without it the market's view stands as it is.
3. Touching: log-normal first passage at the strike's own volatility, scaled so that finishing in the money is
   as probable as the smile says. Already in the money counts as touched.
4. Days held are those to the end of trading: nothing is closed early, and early assignment is not modelled.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from wheel_assets.greeks.contracts import Floats
from wheel_assets.greeks.units import DAYS_PER_YEAR, ONE_POINT
from wheel_assets.predict.distribution import touch_probability
from wheel_assets.predict.outcomes import Outcomes, Sale, outcomes
from wheel_assets.predict.smile import fitted_smile, implied_distribution

WEIGHT_OF_REALISED = 0.5
SAID = ("prob_itm", "prob_touch", *Outcomes._fields, "days_held", "smile_volatility", "prob_itm_flat")


class Slice(NamedTuple):
    """The contracts of one expiration, an array each; units as in `wheel_assets.greeks.units`.

    `is_put` is 1 or 0; `half_spread` is half of ask less bid, `commission` dollars a share.
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


def predicted(contracts: Slice) -> Floats:
    """What `SAID` names, one row each, one column a contract; NaN where no contract has a volatility."""
    c = contracts
    spot, years, forward = float(c.spot[0]), float(c.years[0]), _forward(c)
    quoted = np.isfinite(c.iv) & np.isfinite(c.half_spread) & (c.vega > 0)
    if not quoted.any() or not forward > 0:
        return np.full((len(SAID), c.strike.size), np.nan)
    error = c.half_spread[quoted] / c.vega[quoted] * ONE_POINT * np.sqrt(years)
    smile = fitted_smile(forward, c.strike[quoted], c.iv[quoted] * np.sqrt(years), error)
    stretch = _stretch(smile.at_the_money / np.sqrt(years), float(c.realised_volatility[0]))
    distribution = implied_distribution(smile, stretch)
    is_put = c.is_put > 0
    below = distribution.probability_below(c.strike)
    prob_itm = np.where(is_put, below, 1 - below)
    deviation = smile.deviation(c.strike)
    flat = ndtr(np.where(is_put, 1, -1) * (np.log(c.strike / forward) / deviation + 0.5 * deviation))
    sale = Sale(
        c.premium, c.commission, c.strike, np.where(is_put, c.strike, forward), np.where(is_put, c.strike, spot)
    )
    touch = _touch(spot, forward, c.strike, stretch * deviation, is_put, prob_itm)
    days, volatility = np.full_like(flat, years * DAYS_PER_YEAR), deviation / np.sqrt(years)
    return np.array([prob_itm, touch, *outcomes(sale, distribution), days, volatility, flat])


def _forward(contracts: Slice) -> float:
    """Forward of the expiration, dollars a share; NaN where it has ended or nothing is known of it."""
    c = contracts
    return float(c.spot[0] * np.exp((c.rate[0] - c.dividend_yield[0]) * c.years[0])) if c.years[0] > 0 else np.nan


def _stretch(implied: float, realised: float) -> float:
    """What the implied deviation is multiplied by; 1 where the realised volatility is not known."""
    if not realised > 0:
        return 1.0
    return float(np.sqrt(1 - WEIGHT_OF_REALISED + WEIGHT_OF_REALISED * (realised / implied) ** 2))


def _touch(
    spot: float, forward: float, strike: Floats, deviation: Floats, is_put: np.ndarray, prob_itm: Floats
) -> Floats:
    """Probability of trading at the strike before expiration, at least that of finishing beyond it."""
    beyond = ndtr(np.where(is_put, 1, -1) * (np.log(strike / forward) / deviation + 0.5 * deviation))
    touched = touch_probability(spot, forward, strike, deviation)
    scaled = np.clip(prob_itm * touched / np.maximum(beyond, 1e-300), prob_itm, 1.0)
    return np.where(np.where(is_put, spot <= strike, spot >= strike), 1.0, scaled)
