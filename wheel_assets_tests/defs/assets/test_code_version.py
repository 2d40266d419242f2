"""Numbers and code version change together: a cache must not take yesterday's formulas for today's.

Stored Greeks are used again while the code version of their asset is the same. So what `value_chain` makes of one
fixed chain stands here beside each version: when a change of the formulas breaks this test, raise the version in
`defs/greeks.py` and add what the new one makes of it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from wheel_assets.defs.assets.greeks import greeks as asset
from wheel_assets.greeks import ZeroCurve, value_chain
from wheel_assets.tables import OPTION_CHAINS

CURVE = ZeroCurve((0.25, 1.0), (0.045, 0.035))
NUMBERS = ["dividend_yield", "iv", "delta", "gamma", "theta", "vega", "rho"]
# By version: contracts with a volatility, and the sums of the numbers.
MADE = {
    "5": (96, [2.24481755, 48.9878449, 4.12727882, 1.47429872, -4.63398711, 15.1560575, -0.963481243]),
    "4": (96, [2.18217508, 49.0293021, 4.12288344, 1.47373853, -4.63843359, 15.1601194, -0.927810348]),
    "3": (96, [2.05185872, 49.2909573, 3.98804392, 1.47044098, -4.66305592, 15.1692299, -0.426372221]),
    "2": (96, [2.06221546, 49.1968876, 3.98799445, 1.47044785, -4.63406185, 15.173197, -0.42617572]),
}


def _chain() -> pd.DataFrame:
    """Quotes that no formula of ours had a hand in: intrinsic value and a bell of time value around the forward."""
    days, strikes, kinds = (7, 28, 91, 364), np.arange(70.0, 131.0, 5.0), ("call", "put")
    index = pd.MultiIndex.from_product([days, strikes, kinds], names=["days", "strike", "option_type"])
    chain = index.to_frame(index=False)
    years, sign = chain["days"] / 365, np.where(chain["option_type"] == "call", 1, -1)
    inside = sign * (100 * np.exp(0.02 * years) - chain["strike"])
    deviation = 40 * np.sqrt(years)
    value = np.maximum(inside, 0) + 0.4 * deviation * np.exp(-np.abs(inside) / deviation)
    quoted = pd.Timestamp("2026-11-20 21:00")
    quotes = {"bid": np.floor(value * 99) / 100, "ask": np.ceil(value * 101) / 100, "timestamp": quoted}
    terms = {
        "expiration": quoted.normalize() + pd.to_timedelta(chain["days"], "D"),
        "symbol": "ABCD",
        "spot_price": 100.0,
    }
    rest = {"option_symbol": "ABCD  261127C00100000", "multiplier": 100, "quote_quality": "ok", "source": "test"}
    empty = dict.fromkeys(("last", "bid_size", "ask_size", "volume", "open_interest", "iv"), np.nan)
    return OPTION_CHAINS.conform(chain.drop(columns="days").assign(**quotes, **terms, **rest, **empty))


def test_what_this_version_makes_of_a_fixed_chain():
    (version,) = asset.code_versions_by_key.values()
    made = value_chain(_chain(), risk_free_rate=CURVE)
    found = [(made["status"] == "ok").sum(), *made[NUMBERS].sum()]
    valued, sums = MADE[version]
    assert found == pytest.approx([valued, *sums], rel=1e-6), "the numbers changed: raise the code version"
