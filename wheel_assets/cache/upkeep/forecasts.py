"""Past predictions and the cached prices that settle them, read in one attach of the file."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd

from wheel_assets.cache.store.store import Store

# A snapshot with the same predictions as an older one (same quotes, same model) carries no new information.
_SNAPSHOTS = """
    WITH said AS (
        SELECT snapshot_id, bit_xor(hash(prediction_id)) AS what, count(*) FILTER (expiration > $last) AS pending
        FROM predictions WHERE coalesce(model_version = $model, true) GROUP BY snapshot_id
    )
    SELECT snapshot_id, key AS symbol, rows, pending,
           row_number() OVER (PARTITION BY key, "timestamp", rows, what ORDER BY snapshot_id) > 1 AS repeated
    FROM snapshots JOIN said USING (snapshot_id)
    WHERE table_name = 'predictions' AND coalesce("timestamp" >= $since, true)
      AND coalesce(list_contains($symbols::VARCHAR[], key), true)
    ORDER BY snapshot_id
"""
_FORECASTS = """
    SELECT snapshot_id, model_version, "timestamp", expiration, strike, option_type = 'put' AS is_put,
           prob_itm, prob_touch,
           list_contains($roots, rtrim(left(option_symbol, 6))) AS settles_early,
           TRY_CAST(saw[1] AS DOUBLE) AS delta, TRY_CAST(saw[2] AS DOUBLE) AS spot,
           TRY_CAST(saw[2] AS DOUBLE) * exp(
               (TRY_CAST(saw[3] AS DOUBLE) - TRY_CAST(saw[4] AS DOUBLE)) * TRY_CAST(saw[5] AS DOUBLE)
           ) AS forward,
           TRY_CAST(says[1] AS DOUBLE) AS prob_itm_flat, TRY_CAST(says[2] AS DOUBLE) AS prob_itm_market,
           TRY_CAST(says[3] AS DOUBLE) AS prob_itm_history
    FROM (
        SELECT * EXCLUDE (prob_itm_market, prob_itm_history),
               input_features ->> ['$.delta', '$.spot', '$.rate', '$.dividend_yield', '$.years'] AS saw,
               predictions.predictions ->> ['$.prob_itm_flat', '$.prob_itm_market', '$.prob_itm_history'] AS says
        FROM predictions
        WHERE expiration <= $last AND snapshot_id IN (SELECT unnest($ids::BIGINT[]))
          AND coalesce(model_version = $model, true)
    )
"""
# The newest history of a session counts: vendors correct their bars.
_SESSIONS = """
    SELECT symbol, "date", arg_max(high, snapshot_id) AS high, arg_max(low, snapshot_id) AS low,
           arg_max("close", snapshot_id) AS "close"
    FROM price_history GROUP BY symbol, "date" ORDER BY symbol, "date"
"""
_SPOTS = 'SELECT DISTINCT symbol, "timestamp", spot_price FROM option_chains ORDER BY symbol, "timestamp"'


@dataclass(frozen=True)
class ForecastFilter:
    """Selection of predictions, None for all. `since` is the earliest time of the quotes, naive UTC."""

    symbols: tuple[str, ...] | None = None
    model: str | None = None
    since: datetime | None = None


EVERYTHING = ForecastFilter()


@dataclass(frozen=True)
class Forecasts:
    """Predictions of expired contracts, and the cached prices since; times naive UTC.

    `said`: a row a contract and prediction snapshot: symbol, model_version, timestamp, expiration, strike, is_put,
    prob_itm, prob_touch, settles_early, delta, spot, forward, prob_itm_flat, prob_itm_market, prob_itm_history.
    `sessions`: symbol, date, high,
    low, close, one row each. `spots`: symbol, timestamp, spot_price of every cached chain. `pending` predictions have
    not expired, `repeated` ones were stored before.
    """

    said: pd.DataFrame
    sessions: pd.DataFrame
    spots: pd.DataFrame
    pending: int
    repeated: int


def read_forecasts(
    store: Store, last: date, early_roots: Collection[str], which: ForecastFilter = EVERYTHING
) -> Forecasts:
    """Forecasts of contracts that expired on `last` or before, read in one attach of the file.

    `early_roots` are the option roots marked `settles_early` (AM-settled). Raises StoreError.
    """
    with store.file.attached() as connection:
        asked = {"last": last, "model": which.model}
        of_whom = {"since": which.since, "symbols": which.symbols and list(which.symbols)}
        snapshots = connection.execute(_SNAPSHOTS, asked | of_whom).df()
        fresh = snapshots[~snapshots["repeated"]]
        chosen = {"ids": fresh["snapshot_id"].tolist(), "roots": sorted(early_roots)}
        said = connection.execute(_FORECASTS, asked | chosen).df()
        sessions, spots = (connection.execute(query).df() for query in (_SESSIONS, _SPOTS))
    whose = pd.Categorical(fresh["symbol"])
    at = fresh["snapshot_id"].searchsorted(said.pop("snapshot_id"))
    said["symbol"] = pd.Categorical.from_codes(whose.codes[at], dtype=whose.dtype)
    said["model_version"] = said["model_version"].astype("category")
    repeated = int(snapshots.loc[snapshots["repeated"], "rows"].sum())
    return Forecasts(said, sessions, spots, int(fresh["pending"].sum()), repeated)
