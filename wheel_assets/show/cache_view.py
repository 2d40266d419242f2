"""Words and cells for the state of the cache, read from the document of `stats.stats` alone.

`terminal` prints them, the asset `cache_inspection` shows them in the browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wheel_assets.show.freshness import SERVED, et, key_cell
from wheel_assets.show.humanize import age, size

Cells = tuple[str, ...]

# Column by column: its heading, and what it means.
KEY_COLUMNS = {
    "table": "what is cached",
    "key": "symbol or account; all where a table has one for all",
    "state": "until when it is fresh; since when it is stale, or that its inputs have been renewed since",
    "rows": "contracts or holdings",
    "size": "estimated, in the file",
    "hits": "how often it was used again",
    "last used": "when it was last read or made",
    "source": "where the data came from",
}
TABLE_COLUMNS = {
    "table": "what is cached",
    "snapshots": "how many fetches or computations are kept",
    "rows": "of all of them",
    "oldest": "age",
    "newest": "age",
}
NAMED = 4  # keys that the summary calls by name; the others are in the table


def summary(document: Mapping[str, Any], budget_usd: float, now: datetime) -> list[str]:
    """A line each: how much is fresh and what is not, how large it is, of what use it was, what it cost.

    `now` is naive UTC, here and below.
    """
    limit = f"of {size(document['limit_mb'] * 1e6)}" if document["limit_mb"] else "without limit"
    rate = "" if document["hit_rate"] is None else f": {document['hit_rate']:.0%} served from here"
    return [
        _freshness(document["keys"], now),
        f"{size(document['db_size_mb'] * 1e6)} {limit} on disk, {size(document['used_mb'] * 1e6)} in use",
        f"{document['hits']:,} hits, {document['misses']:,} misses{rate}",
        f"${document['cost_usd']:.2f} of ${budget_usd:g} this month, {document['api_calls']:,} API calls",
    ]


def key_cells(document: Mapping[str, Any], now: datetime) -> list[Cells]:
    """One row a table and key, in the order of `KEY_COLUMNS`."""
    return [
        (
            key["table"],
            key["key"],
            str(key_cell(key, now)),
            f"{key['rows']:,}",
            size(key["bytes"]),
            f"{key['hits']:,}",
            et(datetime.fromisoformat(key["last_used_at"]), now),
            key["source"],
        )
        for key in document["keys"]
    ]


def table_names(document: Mapping[str, Any]) -> list[str]:
    """The tables of a document."""
    return [name.removesuffix("_count") for name in document if name.endswith("_count")]


def empty_tables(document: Mapping[str, Any]) -> list[str]:
    """The tables of which nothing is cached."""
    return [name for name in table_names(document) if not document[f"{name}_count"]]


def table_cells(document: Mapping[str, Any]) -> list[Cells]:
    """One row a table that is not empty, in the order of `TABLE_COLUMNS`."""
    return [
        (
            name,
            f"{document[f'{name}_count']:,}",
            f"{document[f'{name}_rows']:,}",
            age(_minutes_of(document[f"{name}_oldest_days"])),
            age(document[f"{name}_newest_minutes"]),
        )
        for name in table_names(document)
        if document[f"{name}_count"]
    ]


def _freshness(keys: list[Mapping[str, Any]], now: datetime) -> str:
    if not keys:
        return "The cache is empty."
    stale = [f"{key['table']} {key['key']}" for key in keys if key_cell(key, now).state not in SERVED]
    more = f" and {len(stale) - NAMED} more" if len(stale) > NAMED else ""
    listed = f"; stale: {', '.join(stale[:NAMED])}{more}" if stale else ""
    return f"{len(keys) - len(stale)} of {len(keys)} keys are fresh{listed}"


def _minutes_of(days: float | None) -> float | None:
    return None if days is None else days * 1440
