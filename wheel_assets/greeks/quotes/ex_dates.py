"""Known cash dividends between the quote and the end of trading."""

from __future__ import annotations

import numpy as np
import pandas as pd

from wheel_assets.greeks.dividends import Dividends
from wheel_assets.market.arrays import Floats
from wheel_assets.market.calendar import SECONDS_PER_YEAR, session_of

LARGEST = 0.25  # of the spot; the clearing house adjusts contracts for a special dividend of that size


def announced(events: pd.DataFrame | None, chain: pd.DataFrame, spot: Floats, years: Floats) -> Dividends:
    """Known dividends of each contract's shares until the end of trading, shape (contracts, dividends).

    `events` has the columns of `tables.EVENTS`; rows of another kind or without a date or an amount are left out.
    `spot` is dollars a share, `years` the time to the end of trading. The price drops at the opening of the ex-date.
    """
    if events is None or events.empty:
        return Dividends.none(len(chain))
    known = events[(events["kind"] == "ex_dividend") & events["date"].notna() & (events["amount"] > 0)]
    known = known.drop_duplicates(["symbol", "date"]).sort_values("date")
    each = {symbol: rows for symbol, rows in known.groupby("symbol") if (chain["symbol"] == symbol).any()}
    count = max((len(rows) for rows in each.values()), default=0)
    paid = Dividends(np.zeros((len(chain), count)), np.zeros((len(chain), count)))
    quoted = chain["timestamp"].to_numpy(dtype="datetime64[us]")
    for symbol, rows in each.items():
        of_symbol = np.flatnonzero(chain["symbol"] == symbol)
        for number, (day, amount) in enumerate(zip(rows["date"], rows["amount"], strict=True)):
            opening = np.datetime64(session_of(day.date()).opens, "us")
            left = (opening - quoted[of_symbol]).astype("timedelta64[s]").astype(float) / SECONDS_PER_YEAR
            due = (left > 0) & (left < years[of_symbol]) & (amount < LARGEST * spot[of_symbol])
            paid.years[of_symbol, number] = np.clip(left, 0.0, years[of_symbol])
            paid.amount[of_symbol, number] = np.where(due, amount, 0.0)
    return paid
