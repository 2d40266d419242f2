"""Usable prices and the status of quotes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks.contracts import possible_prices
from wheel_assets.market.arrays import Floats

if TYPE_CHECKING:
    import pandas as pd


def quoted_prices(values: pd.Series) -> Floats:
    """A column of prices as floats, dollars a share; NaN where it is not a possible price.

    >>> import pandas as pd
    >>> quoted_prices(pd.Series([1.5, 0.0, -999.0, float("inf")])).tolist()
    [1.5, nan, nan, nan]
    """
    return possible_prices(values.to_numpy(dtype=float, na_value=np.nan))


def mid_prices(bid: Floats, ask: Floats) -> Floats:
    """Middle of bid and ask, dollars a share, of their shape; NaN unless bid > 0 and ask >= bid.

    >>> mid_prices(np.array([1.0, 0.0, 2.0]), np.array([1.5, 0.1, 1.0])).tolist()
    [1.25, nan, nan]
    """
    return np.where((bid > 0) & (ask >= bid), 0.5 * (bid + ask), np.nan)


def quote_status(bid: Floats, ask: Floats) -> NDArray[np.object_]:
    """Status by quote, of their shape: `ok`, `missing`, `no_bid`, `no_ask` or `crossed`; a locked quote is ok.

    >>> quote_status(np.array([1.0, 0.0, np.nan]), np.array([1.0, 0.1, np.nan])).tolist()
    ['ok', 'no_bid', 'missing']
    """
    has_bid, has_ask = bid > 0, ask > 0
    cases = [~has_bid & ~has_ask, ~has_bid, ~has_ask, ask < bid]
    return np.select(cases, ["missing", "no_bid", "no_ask", "crossed"], "ok").astype(object)
