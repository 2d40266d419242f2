"""History of fetches from the ledger: latest failures, mean calls and dollars a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wheel_assets.cache.upkeep.ledger import RESERVATION

if TYPE_CHECKING:
    from datetime import datetime

    from wheel_assets.cache.policy import CacheKey
    from wheel_assets.cache.store.store import Store

_FAILED = """
    SELECT calls.key, max(calls."at"), arg_max(calls.error, calls."at") FROM api_calls calls
    WHERE calls.key IS NOT NULL AND calls.endpoint <> ?
    GROUP BY calls.key
    HAVING arg_max(calls.error, calls."at") IS NOT NULL AND max(calls."at") > coalesce(
        (SELECT max(created_at) FROM snapshots WHERE table_name = 'option_chains' AND snapshots.key = calls.key),
        TIMESTAMP '1970-01-01')
"""
_TAKEN = """
    WITH made AS (SELECT source, count(*) AS snapshots FROM snapshots WHERE inputs = [] GROUP BY source)
    SELECT source, count(*) / any_value(snapshots), sum(cost_usd) / any_value(snapshots)
    FROM api_calls JOIN made USING (source) WHERE endpoint <> ? AND error IS NULL GROUP BY source
"""


class FetchCost(NamedTuple):
    """Average calls and dollars a snapshot of a source."""

    calls: float
    cost_usd: float


class Failure(NamedTuple):
    """Time (naive UTC) and reason of a failed refresh."""

    at: datetime
    why: str


def last_failures(store: Store) -> dict[CacheKey, Failure]:
    """Time and reason of the newest failed chain request by cache key; only where nothing was cached since."""
    with store.file.attached() as connection:
        rows = connection.execute(_FAILED, [RESERVATION]).fetchall()
    return {("option_chains", key): Failure(at, str(error).partition(";")[0]) for key, at, error in rows}


def fetch_cost_by_source(store: Store) -> dict[str, FetchCost]:
    """Average cost of one snapshot by source; sources without calls are absent."""
    with store.file.attached() as connection:
        rows = connection.execute(_TAKEN, [RESERVATION]).fetchall()
    return {source: FetchCost(float(calls), float(dollars)) for source, calls, dollars in rows}
