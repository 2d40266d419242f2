"""The plain conditions under which a short American option may be assigned before it expires."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.dividends import Dividends
from wheel_assets.market.arrays import Floats

DIVIDEND, INTEREST = "dividend", "interest"


def early_exercise(contracts: Contracts, paid: Dividends, time_value: Floats) -> NDArray[np.object_]:
    """Reason to expect early exercise of each option by its holder: `dividend`, `interest` or None.

    `dividend`: an in-the-money call whose time value is below the largest dividend still to come, less the interest on
    the strike that exercising on the eve of the ex-date forgoes. `interest`: an in-the-money put whose time value is
    below the interest on its strike for the whole life, less the dividends still to come. `time_value` is dollars a
    share; NaN gives None. Source: Hull, *Options, Futures, and Other Derivatives*, 7th edition, sections 9.5, 9.6
    and 13.12.
    """
    c = contracts
    left = c.years[:, None] - paid.years
    forgone = -np.expm1(-np.maximum(c.rate[:, None] * left, 0.0)) * c.strike[:, None]
    best = np.where(paid.amount > 0, paid.amount - forgone, 0.0).max(axis=1, initial=0.0)
    call = ~c.is_put & (c.spot > c.strike) & (best > 0) & (time_value < best)
    interest = -np.expm1(-c.rate * c.years) * c.strike - paid.amount.sum(axis=1)
    put = c.is_put & (c.spot < c.strike) & (time_value < interest)
    reasons: NDArray[np.object_] = np.array([None, DIVIDEND, INTEREST], dtype=object)[call + 2 * put]
    return reasons
