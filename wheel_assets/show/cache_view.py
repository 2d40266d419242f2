"""The words and cells of what the cache has to tell, read from the document of `stats.stats` alone.

`terminal` prints them, the asset `cache_inspection` shows them in the browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wheel_assets.show.units import age, size

Cells = tuple[str, ...]

# Column by column: its heading, and what it tells.
KEY_COLUMNS = {
    "table": "what is cached",
    "key": "symbol or account; all where a table has one for all",
    "state": "fresh, too old, or made of inputs that have been replaced since",
    "age": "since it was cached",
    "limit": "age at which it is made anew when it is asked for",
    "rows": "contracts or holdings",
    "size": "estimated, in the file",
    "source": "where the data came from",
    "hits": "how often it was used again",
    "last used, UTC": "when it was last read or made",
}
TABLE_COLUMNS = {
    "table": "what is cached",
    "snapshots": "how many fetches or computations are kept",
    "rows": "of all of them",
    "oldest": "age",
    "newest": "age",
}
STATES = {"fresh": "fresh", "too_old": "too old", "input_superseded": "inputs replaced", "absent": "other settings"}
NAMED = 4  # keys that the summary calls by name; the others are in the table


def summary(document: Mapping[str, Any], budget_usd: float) -> list[str]:
    """A line each: how much is fresh and what is not, how large it is, of what use it was, what it cost."""
    limit = f"of {size(document['limit_mb'] * 1e6)}" if document["limit_mb"] else "without limit"
    rate = "" if document["hit_rate"] is None else f": {document['hit_rate']:.0%} served from here"
    return [
        *_freshness(document["keys"]),
        f"{size(document['db_size_mb'] * 1e6)} {limit} on disk, {size(document['used_mb'] * 1e6)} in use",
        f"{document['hits']:,} hits, {document['misses']:,} misses{rate}",
        f"${document['cost_usd']:.2f} of ${budget_usd:g} this month, {document['api_calls']:,} API calls",
    ]


def key_cells(document: Mapping[str, Any]) -> list[Cells]:
    """One row a table and key, in the order of `KEY_COLUMNS`."""
    return [
        (
            key["table"],
            key["key"],
            STATES[key["state"]],
            age(key["age_minutes"]),
            age(key["max_age_minutes"]),
            f"{key['rows']:,}",
            size(key["bytes"]),
            key["source"],
            f"{key['hits']:,}",
            key["last_used_at"][:16].replace("T", " "),
        )
        for key in document["keys"]
    ]


def table_names(document: Mapping[str, Any]) -> list[str]:
    """The tables that a document tells of."""
    return [name.removesuffix("_count") for name in document if name.endswith("_count")]


def table_cells(document: Mapping[str, Any]) -> list[Cells]:
    """One row a table, in the order of `TABLE_COLUMNS`."""
    return [
        (
            name,
            f"{document[f'{name}_count']:,}",
            f"{document[f'{name}_rows']:,}",
            age(_minutes_of(document[f"{name}_oldest_days"])),
            age(document[f"{name}_newest_minutes"]),
        )
        for name in table_names(document)
    ]


def _freshness(keys: list[Mapping[str, Any]]) -> list[str]:
    if not keys:
        return ["The cache is empty."]
    stale = [f"{STATES[key['state']]}: {key['table']} {key['key']}" for key in keys if key["state"] != "fresh"]
    more = [f"and {len(stale) - NAMED} more"] if len(stale) > NAMED else []
    return [f"{len(keys) - len(stale)} of {len(keys)} keys are fresh", *stale[:NAMED], *more]


def _minutes_of(days: float | None) -> float | None:
    return None if days is None else days * 1440
