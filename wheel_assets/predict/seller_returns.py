"""Returns of a seller who holds to expiration.

The profit of one share of a sold contract is

    profit = premium - commission + min(price at expiration, strike) - base

where `base` is the strike for a cash-secured put and the forward for a covered call. *The shares of a covered call are
counted*, because they are where its losses come from, but only beyond the carry (rate less dividends) that the
collateral earns anyway; the interest on the cash of a put is left out for the same reason. Both are thus profits in
excess of holding the collateral, and a put and a call of one strike, equivalent by put-call parity, get the same
result. Rejected: a covered call without its shares (its worst outcomes would be rallies), and counting interest (it
would hide that selling below value loses).

Returns are profit over collateral for the whole period: over the strike for a put, the spot for a call. Under the
market's own distribution the mean is negative: selling at the bid costs half the spread.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from wheel_assets.market.arrays import Floats
from wheel_assets.predict.distribution import Distribution

WORST = 0.05


class Sale(NamedTuple):
    """Sold contracts of one expiration, dollars a share.

    `premium` is before `commission`; shares are marked from `base`; `collateral` is what returns are over.
    """

    premium: Floats
    commission: Floats
    strike: Floats
    base: Floats
    collateral: Floats


class SellerReturns(NamedTuple):
    """Returns over collateral (decimal, whole period) and probability of profit, after and before commission.

    `return_5` is the 5 % quantile of the return; `cvar_95` the mean of the returns below it.
    """

    expected_return: Floats
    cvar_95: Floats
    prob_profit: Floats
    return_5: Floats
    return_50: Floats
    return_95: Floats
    expected_return_before_commission: Floats
    cvar_95_before_commission: Floats
    prob_profit_before_commission: Floats
    return_5_before_commission: Floats
    return_50_before_commission: Floats
    return_95_before_commission: Floats


def seller_returns(sale: Sale, distribution: Distribution) -> SellerReturns:
    """Mean, tail and percentiles of the seller's return, decimal of the collateral, shape (contracts,) each."""
    capped = {
        "expected_return": mean_capped(distribution, sale.strike, 1.0),
        "cvar_95": mean_capped(distribution, sale.strike, WORST),
        **{f"return_{part}": np.minimum(distribution.quantile(part / 100), sale.strike) for part in (5, 50, 95)},
    }
    found: dict[str, Floats] = {}
    for name, premium in {"": sale.premium - sale.commission, "_before_commission": sale.premium}.items():
        margin = premium - sale.base
        found |= {f"{kind}{name}": (margin + price) / sale.collateral for kind, price in capped.items()}
        found[f"prob_profit{name}"] = _prob_profit(distribution, sale.strike, -margin)
    return SellerReturns(**found)


def _prob_profit(distribution: Distribution, strike: Floats, breakeven: Floats) -> Floats:
    """Probability of ending above the break-even; 0 where even the best outcome, the strike, does not reach it."""
    above = np.where(breakeven < strike, 1 - distribution.probability_below(breakeven), 0.0)
    return np.where(np.isnan(breakeven), np.nan, above)


def mean_capped(distribution: Distribution, strike: Floats, lowest: float) -> Floats:
    """Mean of min(price, strike) over the `lowest` share of outcomes (1.0 is all), dollars a share."""
    cap = np.minimum(strike, distribution.quantile(lowest))
    capped = cap * (lowest - distribution.probability_below(cap))
    return (distribution.mean_below(cap) + capped) / lowest
