"""Numbers of vendors as floats and integers; the quality of a quote.

Vendors write "no value" in many ways: null, "", "NaN", "-", ".", inf, -999. Here they all become NaN.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

# A quote is `wide` where ask - bid is over half of the mid and over ten cents: its mid says little
# about the value. Ten cents, because two ticks of a cheap option are not a sign of no market.
WIDE_SPREAD_OF_MID = 0.50
WIDE_SPREAD_DOLLARS = 0.10

NO_VALUE = (-999.0,)


def numbers(values: Iterable[Any], no_value: Iterable[float] = NO_VALUE) -> NDArray[np.float64]:
    """Floats of a vendor's values, shape (values,); NaN for text that is no number, nulls and infinities.

    `no_value` lists the numbers by which the vendor says "none".

    >>> numbers([1, "2.5", "NaN", None, -999.0, "-", float("inf")])
    array([1. , 2.5, nan, nan, nan, nan, nan])
    """
    import pandas as pd

    series = values if isinstance(values, pd.Series) else pd.Series(list(values), dtype="object")
    if series.dtype == object:
        series = series.where(series.map(_is_plain))
    elif series.dtype == bool:
        series = series.astype("float64") * np.nan
    floats = pd.to_numeric(series, errors="coerce").to_numpy(dtype="float64", na_value=np.nan, copy=True)
    floats[~np.isfinite(floats) | np.isin(floats, list(no_value))] = np.nan
    return floats


def rows_frame(rows: list[Any], names: Collection[str]) -> pd.DataFrame:
    """The named values of JSON objects as rows; anything else is a row without values.

    A name that no row has makes no column. Other values are ignored, however many a vendor sends.

    >>> rows_frame([{"bid": 1.5, "other": 0}, None], ["bid", "ask"]).to_dict("list")
    {'bid': [1.5, nan]}
    """
    import pandas as pd

    picked = [{name: row[name] for name in names if name in row} if isinstance(row, dict) else {} for row in rows]
    try:
        return pd.DataFrame(picked)
    except OverflowError:  # an integer beyond any float; slower, and met in damaged answers only
        return pd.DataFrame(picked, dtype="object")


def non_negative(values: Iterable[Any]) -> NDArray[np.float64]:
    """Like `numbers`, for prices (dollars) and volatilities (decimal a year): NaN for a negative one.

    >>> non_negative(["1.5", -0.2]).tolist()
    [1.5, nan]
    """
    floats = numbers(values)
    floats[floats < 0] = np.nan
    return floats


def counts(values: Iterable[Any]) -> pd.Series:
    """Whole non-negative numbers (sizes, volumes) as a column of dtype Int64; missing for anything else.

    >>> counts([3, "12", -1, 2.5]).tolist()
    [3, 12, <NA>, <NA>]
    """
    import pandas as pd

    floats = non_negative(values)
    floats[(floats > 2**53) | (floats != np.floor(floats))] = np.nan
    return pd.Series(floats).astype("Int64")


def quote_quality(bid: ArrayLike, ask: ArrayLike) -> NDArray[np.object_]:
    """Quality of each quote, one of `tables.QUOTE_QUALITIES`; prices in dollars a share, NaN or 0 for none.

    >>> list(quote_quality([1.0, 0.0, 1.2, 0.2, float("nan")], [1.1, 0.1, 1.1, 0.9, 0.0]))
    ['ok', 'no_bid', 'crossed', 'wide', 'missing']
    """
    bid, ask = np.asarray(bid, dtype="float64"), np.asarray(ask, dtype="float64")
    no_bid, no_ask = ~(bid > 0), ~(ask > 0)
    with np.errstate(invalid="ignore", over="ignore"):  # an infinite price is some vendor's nonsense
        spread, mid = ask - bid, (bid + ask) / 2
    conditions = {
        "missing": no_bid & no_ask,
        "no_bid": no_bid,
        "no_ask": no_ask,
        "crossed": spread < 0,
        "locked": spread == 0,
        "wide": (spread > WIDE_SPREAD_OF_MID * mid) & (spread > WIDE_SPREAD_DOLLARS),
    }
    return np.select(list(conditions.values()), list(conditions), default="ok").astype(object)


def _is_plain(value: Any) -> bool:
    """Whether it can be a number at all: not a truth value, a list, or an integer beyond any float."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 10**300
    return isinstance(value, str | float | np.number)
