"""What a quote is good for."""

from __future__ import annotations

import numpy as np
import pytest

from wheel_assets.greeks.quotes.prices import mid_prices, quote_status

NAN = np.nan


@pytest.mark.parametrize(
    ("bid", "ask", "status", "mid"),
    [
        (1.0, 1.2, "ok", 1.1),
        (1.0, 1.0, "ok", 1.0),  # locked is a price
        (0.0, 1.2, "no_bid", NAN),
        (NAN, 1.2, "no_bid", NAN),
        (1.0, NAN, "no_ask", NAN),
        (1.0, 0.0, "no_ask", NAN),
        (NAN, NAN, "missing", NAN),
        (0.0, 0.0, "missing", NAN),
        (1.2, 1.0, "crossed", NAN),
        (-999.0, 1.0, "no_bid", NAN),
    ],
)
def test_a_quote_has_a_mid_or_a_reason(bid, ask, status, mid):
    bids, asks = np.array([bid]), np.array([ask])
    assert quote_status(bids, asks).tolist() == [status]
    np.testing.assert_equal(mid_prices(bids, asks), [mid])
