"""Statistics of the cache as one plain document: sizes, ages, hits, misses and cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from wheel_assets.cache.inspection import lookup_results
from wheel_assets.cache.policy import API_FINGERPRINTS, CacheKey, LookupResult, Node
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.ledger import RESERVATION
from wheel_assets.cache.upkeep.maintenance import used_bytes
from wheel_assets.sanitise import masked_account
from wheel_assets.tables import DOCUMENTS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MaxAge = Callable[[str], timedelta | None]  # maximum age by table name; None: age does not matter
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class KeyStats:
    """The newest snapshot of a cache key; `hits` are those of all its snapshots."""

    table: str
    key: str
    created_at: str
    age_minutes: float | None
    max_age_minutes: float | None
    state: str
    rows: int
    bytes: int
    source: str
    snapshots: int
    hits: int
    last_used_at: str


def stats(store: Store, max_age: MaxAge = lambda table: None, nodes: Sequence[Node] = ()) -> dict[str, Any]:
    """Statistics of the cache in plain values; times are ISO, UTC.

    By table: `<table>_count` snapshots of `<table>_rows` rows, `<table>_oldest_days` and
    `<table>_newest_minutes` (None where there are none). Sizes: `db_size_mb` on the disk, `used_mb`
    of that in use, `limit_mb` (None: no limit). `hits` counts reads that a snapshot answered,
    `misses` the snapshots themselves, each of which was made because it was missing; both of what is
    still in the cache. `keys` has the newest snapshot of each key: whether it is `fresh`,
    `too_old`, `input_superseded` or `absent`: made with other settings or another version than now.
    `nodes` are the tables as a run would request them. `api_calls` and `cost_usd` are this calendar month's (UTC).
    """
    store.write_touches()
    now = store.clock()
    with store.file.attached() as connection:
        newest = _newest(connection)
        tables = _tables(connection, list(store.tables), now)
        used, (calls, cost) = used_bytes(connection), _this_month(connection, now)
        size = store.file.size
    index, _ = store.index([(line["table_name"], line["key"]) for line in newest])
    results = lookup_results(nodes, index, now=now, max_age=max_age)
    hits, misses = (sum(table[name] for table in tables.values()) for name in ("hits", "count"))
    limits = store.maintenance.limits
    by_table = {f"{name}_{what}": value for name, table in tables.items() for what, value in table.items()}
    return {
        "path": str(store.path),
        **{name: value for name, value in by_table.items() if not name.endswith("_hits")},
        "db_size_mb": round(size / 1e6, 3),
        "used_mb": round(used / 1e6, 3),
        "limit_mb": limits.max_bytes / 1e6 if limits else None,
        "hits": hits,
        "misses": misses,
        "hit_rate": round(hits / (hits + misses), 4) if hits + misses else None,
        "api_calls": calls,
        "cost_usd": round(cost, 4),
        "keys": [asdict(key) for key in _keys(newest, results)],
    }


def _tables(connection: DuckDBPyConnection, names: Sequence[str], now: datetime) -> dict[str, dict[str, Any]]:
    """Count, rows, age of the oldest and the newest, and hits, by table."""
    query = """
        SELECT table_name, count(*), sum(rows)::BIGINT, min(created_at), max(created_at), sum(hits)::BIGINT
        FROM snapshots GROUP BY table_name
    """
    found = {row[0]: row[1:] for row in connection.execute(query).fetchall()}
    tables = {}
    for name in names:
        count, rows, oldest, newest, hits = found.get(name, (0, 0, None, None, 0))
        tables[name] = {
            "count": count,
            "rows": rows,
            "oldest_days": oldest and round((now - oldest).total_seconds() / DAY_SECONDS, 5),
            "newest_minutes": newest and _minutes(now - newest),
            "hits": hits,
        }
    return tables


def _newest(connection: DuckDBPyConnection) -> list[dict[str, Any]]:
    """The newest line of the index of each table and key, with the hits of all.

    Without the stored document of an asset's answer: it lives and dies with the asset's own snapshot, which is listed.
    """
    cursor = connection.execute(
        """
        SELECT table_name, key, max(snapshot_id) AS snapshot_id, arg_max(created_at, snapshot_id) AS created_at,
               arg_max(rows, snapshot_id) AS rows, arg_max(bytes, snapshot_id) AS bytes,
               arg_max(source, snapshot_id) AS source, arg_max(inputs, snapshot_id) AS inputs,
               count(*) AS snapshots, sum(hits)::BIGINT AS hits, max(last_used_at) AS last_used_at
        FROM snapshots WHERE table_name <> ? OR recipe IN (?, ?)
        GROUP BY table_name, key ORDER BY table_name, key
        """,
        [DOCUMENTS.name, *API_FINGERPRINTS],
    )
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _keys(newest: Sequence[Mapping[str, Any]], results: Mapping[CacheKey, LookupResult]) -> list[KeyStats]:
    """Each cache key with its freshness; a key added or removed meanwhile is left out."""
    found: list[KeyStats] = []
    for line in newest:
        result = results.get((line["table_name"], line["key"]))
        if result is None:
            continue
        times = {name: line[name].isoformat() for name in ("created_at", "last_used_at")}
        same = {name: line[name] for name in ("rows", "bytes", "source", "snapshots", "hits")}
        found.append(
            KeyStats(
                table=result.table,
                key=masked_account(result.key),
                age_minutes=_minutes(result.age),
                max_age_minutes=_minutes(result.max_age),
                state=str(result.reason),
                **same,
                **times,
            )
        )
    return found


def _this_month(connection: DuckDBPyConnection, now: datetime) -> tuple[int, float]:
    """How many API calls this calendar month, and what they cost in dollars."""
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    query = 'SELECT count(*) FILTER (endpoint <> ?), coalesce(sum(cost_usd), 0) FROM api_calls WHERE "at" >= ?'
    calls, cost = connection.execute(query, [RESERVATION, first]).fetchall()[0]
    return calls, float(cost)


def _minutes(time: timedelta | None) -> float | None:
    return None if time is None else round(time.total_seconds() / 60, 2)
