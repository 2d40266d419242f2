"""The words and cells of the answer, read from its document alone; `markdown` and `terminal` draw them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wheel_assets.market.calendar import new_york_text
from wheel_assets.recommend.wording import dollars, percent, price

Cells = tuple[str, ...]

ADVICE_COLUMNS: Cells = ("#", "type into the broker", "credit", "set aside", "a year", "assigned", "breakeven")
INPUT_COLUMNS: Cells = ("input", "key", "source", "age", "limit", "from", "why")
NUMBERS = frozenset({"#", "credit", "set aside", "a year", "assigned", "breakeven", "age", "limit"})

MOST_NOTES = 8


def banner(document: Mapping[str, Any]) -> str:
    """A warning that cannot be overlooked where any number is invented; empty otherwise."""
    return "SAMPLE DATA: made-up quotes or holdings, not a market. Do not trade on this." if document["sample"] else ""


def headline(document: Mapping[str, Any]) -> str:
    """Whose account, what it is worth, what is free, when."""
    when = new_york_text(datetime.fromisoformat(document["as_of"]))
    worth, free = _text(dollars, document["portfolio_value"]), _text(dollars, document["free_cash"])
    return f"Account {document['account']} · portfolio {worth} · free cash {free} · as of {when}"


def warnings(document: Mapping[str, Any]) -> list[str]:
    """What has to be known before anything is typed, data that is older than its limit included."""
    return [*document["warnings"], *(_too_old(entry) for entry in document["inputs"] if _is_too_old(entry))]


def advice_cells(document: Mapping[str, Any]) -> list[Cells]:
    """One row for each thing to do or hold; `none` rows are in the reasons only."""
    return [_advice_row(row) for row in document["advice"] if row["action"] != "none"]


def reasons(document: Mapping[str, Any]) -> list[str]:
    """Why, of every row."""
    return [f"{row['rank']}. {row['reason']}" for row in document["advice"]]


def not_done(document: Mapping[str, Any]) -> list[str]:
    """What was looked for and not found, and why: only what no row says already."""
    idle = {row["symbol"] for row in document["advice"] if row["action"] == "none" and not row["option_symbol"]}
    said = [
        f"No {entry['option_type']} on {entry['symbol']}. {entry['reason']}"
        for entry in document["declined"]
        if entry["symbol"] not in idle
    ]
    counts: Counter[str] = Counter()
    for entry in document["rejected"]:
        counts[entry["meaning"]] += entry["count"]
    if counts:
        listed = ", ".join(f"{number:,} {meaning}" for meaning, number in counts.most_common())
        said.append(f"{counts.total():,} contracts refused: {listed}.")
    return said


def notes(document: Mapping[str, Any]) -> list[str]:
    """What is peculiar about the data, each once, with all symbols that it is true of.

    Beyond `MOST_NOTES` only how many more there are.
    """
    about: dict[str, list[str]] = {}
    for entry in document["inputs"]:
        for note in entry.get("notes") or ():
            said = note.removeprefix(f"{entry['key']}: ")
            keys = about.setdefault(said, [])
            if said != note and entry["key"] not in keys:
                keys.append(entry["key"])
    every = [f"{', '.join(keys)}: {said}" if keys else said for said, keys in about.items()]
    more = len(every) - MOST_NOTES
    return every[:MOST_NOTES] + ([f"and {more} more, which --json lists"] if more > 0 else [])


def input_cells(document: Mapping[str, Any]) -> list[Cells]:
    """One row an input: how old it may be, how old it is, whether it was pulled for this answer."""
    return [_input_row(entry) for entry in document["inputs"]]


def _advice_row(row: Mapping[str, Any]) -> Cells:
    return (
        str(row["rank"]),
        row["order"] or f"({row['action']} {row['quantity']} {row['contract']})",
        _text(dollars, row["credit"]),
        _text(dollars, row["collateral"]),
        _text(percent, row["annualized_return"]),
        _text(percent, row["prob_itm"]),
        _text(price, row["breakeven"]),
    )


def _input_row(entry: Mapping[str, Any]) -> Cells:
    pulled = {"cache_hit": "cache", "cache_stale": "cache", "cache_miss": "pulled"}
    return (
        str(entry["table"]),
        str(entry["key"]),
        str(entry.get("source") or ""),
        _text(_minutes, entry.get("age_minutes")),
        _text(_minutes, entry.get("max_age_minutes")),
        pulled.get(str(entry.get("outcome")), str(entry.get("outcome") or "")),
        str(entry.get("reason") or "").replace("_", " "),
    )


def _is_too_old(entry: Mapping[str, Any]) -> bool:
    age, limit = entry.get("age_minutes"), entry.get("max_age_minutes")
    return age is not None and limit is not None and age > limit


def _too_old(entry: Mapping[str, Any]) -> str:
    age, limit = _minutes(entry["age_minutes"]), _minutes(entry["max_age_minutes"])
    return f"old data: {entry['table']} of {entry['key']} is {age} old, over its limit of {limit}"


def _minutes(number: float) -> str:
    return f"{number:.1f} min" if number < 10 else f"{number:,.0f} min"


def _text(text: Any, value: float | None) -> str:
    """The number as text; empty where there is none."""
    return "" if value is None or not math.isfinite(value) else text(value)
