"""The words and cells of what the cache has to tell, read from the document of `stats.stats` alone.

`terminal` prints them, the asset `cache_inspection` shows them in the browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
STATES = {"fresh": "fresh", "too_old": "too old", "input_superseded": "inputs replaced"}
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


def age(minutes: float | None) -> str:
    """A length of time in the unit that a person would take; empty where there is none.

    >>> age(0.3), age(1.5), age(12.4), age(150), age(1440), age(8640), age(None)
    ('18 s', '1.5 min', '12 min', '2.5 h', '24 h', '6 days', '')
    """
    if minutes is None:
        return ""
    if minutes < 1:
        return f"{minutes * 60:.0f} s"
    amount, unit = (minutes, "min") if minutes < 90 else (minutes / 60, "h")
    amount, unit = (amount, unit) if minutes < 2880 else (minutes / 1440, "days")
    return f"{_short(amount)} {unit}"


def size(number_of_bytes: float) -> str:
    """Bytes as a person reads them, by thousands.

    >>> size(0), size(340), size(24_600), size(2_600_000), size(5e9)
    ('0 B', '340 B', '25 kB', '2.6 MB', '5 GB')
    """
    for unit, step in (("B", 1), ("kB", 1e3), ("MB", 1e6)):
        if number_of_bytes < 1000 * step:
            return f"{_short(number_of_bytes / step)} {unit}"
    return f"{_short(number_of_bytes / 1e9)} GB"


def _freshness(keys: list[Mapping[str, Any]]) -> list[str]:
    if not keys:
        return ["The cache is empty."]
    stale = [f"{STATES[key['state']]}: {key['table']} {key['key']}" for key in keys if key["state"] != "fresh"]
    more = [f"and {len(stale) - NAMED} more"] if len(stale) > NAMED else []
    return [f"{len(keys) - len(stale)} of {len(keys)} keys are fresh", *stale[:NAMED], *more]


def _minutes_of(days: float | None) -> float | None:
    return None if days is None else days * 1440


def _short(number: float) -> str:
    """Two digits of a small number, all digits of a large one.

    >>> _short(2.55), _short(2.0), _short(340.4)
    ('2.5', '2', '340')
    """
    return f"{number:.0f}" if number >= 10 else f"{number:.1f}".removesuffix(".0")
