"""Databento's CSV into contracts and quotes, and the price of the underlying that OPRA does not carry.

Every kind of "nothing" is handled: an empty cell, the largest integer of a type, or that integer as
a price. The expiration is read from the option symbol: the vendor's own is midnight UTC of the day,
which any local time would put on the day before.
"""

from __future__ import annotations

import io
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wheel_assets.errors import UnexpectedAnswer
from wheel_assets.fetch.http.response import Response
from wheel_assets.fetch.normalise.quotes import non_negative, numbers
from wheel_assets.market.osi import parse_osi_column

# The largest integers of 32 and 64 bits, and the latter as a price in billionths, all mean "nothing".
_NOTHING_FROM = 2**31 - 1
_DEFINITION = ("instrument_id", "raw_symbol", "instrument_class")
_QUOTE = ("ts_recv", "instrument_id", "price", "bid_px_00", "ask_px_00", "bid_sz_00", "ask_sz_00")
_STATISTIC = ("instrument_id", "stat_type", "quantity")
_OPEN_INTEREST = 9
_PAIRS = 5
_MOST_APART = 0.03
_DAYS_A_YEAR = 365.0


def contracts(answer: Response) -> pd.DataFrame:
    """instrument_id and code of every option defined that day."""
    rows = _table(answer, _DEFINITION)
    rows = rows[rows["instrument_class"].isin(["C", "P"])].drop_duplicates("instrument_id", keep="last")
    return rows[["instrument_id", "raw_symbol"]].rename(columns={"raw_symbol": "code"})


def last_quotes(answer: Response) -> pd.DataFrame:
    """The newest quote of each instrument_id: quoted (UTC), bid, ask, last, bid_size, ask_size.

    A contract without an update in the window has no row.
    """
    rows = _table(answer, _QUOTE)
    rows["quoted"] = pd.to_datetime(rows.pop("ts_recv"), utc=True, errors="coerce", format="ISO8601")
    rows = rows.sort_values("quoted", kind="stable").drop_duplicates("instrument_id", keep="last")
    names = {"bid_px_00": "bid", "ask_px_00": "ask", "price": "last", "bid_sz_00": "bid_size", "ask_sz_00": "ask_size"}
    amounts = {ours: (_amounts if "sz" in name else _prices)(rows[name]) for name, ours in names.items()}
    return rows.rename(columns=names).assign(**amounts)


def quoted_price(quotes: pd.DataFrame) -> float | None:
    """The price of the one instrument in `last_quotes`: the middle of its two-sided quote, else its last trade."""
    bid, ask, last = (quotes[name].to_numpy(dtype="float64") for name in ("bid", "ask", "last"))
    prices = np.where((bid > 0) & (ask >= bid), (bid + ask) / 2, last)
    found = prices[prices > 0]
    return float(found[-1]) if found.size else None


def open_interest(answer: Response) -> pd.DataFrame:
    """instrument_id and open_interest; each venue repeats the same figure, so one of them counts."""
    rows = _table(answer, _STATISTIC)
    rows = rows[numbers(rows["stat_type"]) == _OPEN_INTEREST]
    known: pd.DataFrame = rows[["instrument_id"]].assign(open_interest=_amounts(rows["quantity"])).dropna()
    return known.drop_duplicates("instrument_id", keep="last")


def parity_spot(quotes: pd.DataFrame, day: date, rate: float) -> tuple[float, date] | None:
    """The underlying's price implied by puts and calls of one strike, and the expiration it is from.

    S = C - P + K exp(-r T) on mid prices (Hull, Options, Futures, and Other Derivatives, 11.4), at
    the strikes where call and put are worth nearly the same; the median of the nearest expiration
    that has five of them within 3 % of each other, for stale quotes do not agree. Dividends before
    that day, and early exercise, are neglected. `quotes` has code, bid, ask; None where no expiration
    has enough pairs.
    """
    options = parse_osi_column(quotes["code"])
    mid = (quotes["bid"] + quotes["ask"]) / 2
    two_sided = (quotes["bid"] > 0) & (quotes["ask"] >= quotes["bid"]) & (options["expiration"] > pd.Timestamp(day))
    options = options.assign(mid=mid)[two_sided].drop_duplicates("option_symbol")
    keys = ["root", "expiration", "strike"]
    pairs = options.pivot_table(index=keys, columns="option_type", values="mid", aggfunc="first").dropna().reset_index()
    expirations = sorted(pairs["expiration"].unique()) if {"call", "put"} <= set(pairs) else []
    for expiration in map(pd.Timestamp, expirations):
        same_day = pairs[pairs["expiration"] == expiration]
        if len(same_day) >= _PAIRS:
            same_day = same_day.loc[(same_day["call"] - same_day["put"]).abs().nsmallest(_PAIRS).index]
            discount = np.exp(-rate * (expiration - pd.Timestamp(day)).days / _DAYS_A_YEAR)
            spots = same_day["call"] - same_day["put"] + same_day["strike"] * discount
            if np.ptp(spots) <= _MOST_APART * spots.median():
                return float(spots.median()), expiration.date()
    return None


def _prices(column: pd.Series) -> NDArray[np.float64]:
    """Dollars. A price without a decimal point is in billionths, as Databento writes it where not asked for better."""
    unit = np.where(column.str.contains(".", regex=False), 1.0, 1e9)
    return _amounts(pd.Series(numbers(column) / unit))


def _amounts(column: pd.Series) -> NDArray[np.float64]:
    """Prices or counts, NaN where the vendor has none."""
    floats = non_negative(column)
    floats[floats >= _NOTHING_FROM] = np.nan
    return floats


def _table(answer: Response, columns: tuple[str, ...]) -> pd.DataFrame:
    """The CSV as text; raises UnexpectedAnswer where it is damaged or lacks a column."""
    try:
        rows = pd.read_csv(io.StringIO(answer.csv_text()), dtype=str, keep_default_na=False)
    except ValueError as error:
        raise answer.error(UnexpectedAnswer, "Databento sent a damaged CSV", f"{error}") from None
    missing = [name for name in columns if name not in rows]
    if missing:
        raise answer.error(UnexpectedAnswer, f"Databento's CSV has no {', '.join(missing)}", f"it has {list(rows)[:8]}")
    return rows[list(columns)]
