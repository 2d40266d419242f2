"""The view model of the answer: its words and cells, read from its document alone.

`markdown`, `terminal` and `html` draw them, so that none of them says more or less than another.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from wheel_assets.greeks.quotes import URGENT
from wheel_assets.market.calendar import new_york_text
from wheel_assets.recommend.wording import dollars, percent, price
from wheel_assets.sanitise import masked_account
from wheel_assets.show.humanize import age

Cells = tuple[str, ...]

ORDER_COLUMNS: Cells = ("#", "type into the broker", "limit", "credit", "assigned", "why")
ADVICE_COLUMNS: Cells = ("#", "type into the broker", "credit", "set aside", "a year", "assigned", "breakeven")
INPUT_COLUMNS: Cells = ("input", "key", "source", "age", "max age", "from", "why")
NUMBERS = frozenset({"#", "credit", "set aside", "a year", "assigned", "breakeven", "age", "max age"})

MOST_NOTES = 8
POSITIONS = "positions"


def banner(document: Mapping[str, Any]) -> str:
    """A warning that cannot be overlooked where any number is invented; empty otherwise."""
    return "SAMPLE DATA: made-up quotes or holdings, not a market. Do not trade on this." if document["sample"] else ""


def headline(document: Mapping[str, Any]) -> str:
    """Whose account, what it is worth, what is free, when."""
    when = new_york_text(datetime.fromisoformat(document["as_of"]))
    worth, free = _text(dollars, document["portfolio_value"]), _text(dollars, document["free_cash"])
    return f"Account {masked_account(document['account'])} · portfolio {worth} · free cash {free} · as of {when}"


def warnings(document: Mapping[str, Any]) -> list[str]:
    """What has to be known before anything is typed: of the account, of what could not be judged, of old data."""
    unjudged = [row["reason"] for row in document["advice"] if row["action"] == "none" and row["option_symbol"]]
    missing = [f"{entry['symbol']} not evaluated: {entry['reason']}" for entry in document["not_evaluated"]]
    shown = " ".join(document["warnings"])
    news = [reason for reason in unjudged if reason.rstrip(".") not in shown]
    lines = [*document["warnings"], *missing, *news, *_old_data(document["inputs"])]
    lines += [*_of_the_prices(document), *_of_the_account(document)]
    return [_once(line) for line in lines]


def _of_the_prices(document: Mapping[str, Any]) -> list[str]:
    """What the options say that has to be known: another share price than the quoted one, a move that is priced in."""
    shown = [note for entry in document["inputs"] for note in entry.get("notes") or () if _urgent(note)]
    return list(dict.fromkeys(shown))


def _urgent(note: str) -> bool:
    return any(words in note for words in URGENT)


def _of_the_account(document: Mapping[str, Any]) -> list[str]:
    """What is unusual about the positions: how old they are, what of the cash is not known, whose they may be."""
    notes = [note for entry in document["inputs"] if entry["table"] == POSITIONS for note in entry.get("notes") or ()]
    return list(dict.fromkeys(notes))


def _once(line: str) -> str:
    """A warning that does not say twice that something was not judged.

    >>> _once("NOT JUDGED: U 18 Dec 2026 28 put: not judged: U was not asked about")
    'NOT JUDGED: U 18 Dec 2026 28 put: U was not asked about'
    """
    if not line.startswith("NOT JUDGED"):
        return line
    said = line.replace(": not judged: ", ": ", 1).replace(": cannot be judged: ", ": ", 1)
    return re.sub(r"( was not evaluated): .*", r"\1", said)  # why stands in a line of its own


def to_do(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows with an order."""
    return [row for row in document["advice"] if row["order"]]


def to_hold(document: Mapping[str, Any]) -> list[str]:
    """What to keep, a phrase a contract: how many, and how probably it is assigned."""
    rows = [row for row in document["advice"] if row["action"] == "hold"]
    return [f"{row['quantity']} {row['contract']}{_in_brackets(_text(percent, row['prob_itm']))}" for row in rows]


def order_cells(document: Mapping[str, Any]) -> list[Cells]:
    """One row an order, in the order of `ORDER_COLUMNS`."""
    return [
        (
            str(row["rank"]),
            order_legs(row),
            limit(row),
            _text(signed_dollars, row["credit"]),
            _text(percent, row["prob_itm"]),
            clause(row["reason"]),
        )
        for row in to_do(document)
    ]


def totals(document: Mapping[str, Any]) -> str:
    """What all orders come to together, and the cash behind the new puts among them; empty where there is none."""
    credits = [row["credit"] for row in to_do(document) if row["credit"] is not None]
    if not credits:
        return ""
    secured = document["new_collateral"]
    aside = f", {dollars(secured)} newly set aside" if secured else ""
    return f"All filled: {signed_dollars(round(math.fsum(credits), 2))}{aside}"


def order_legs(row: Mapping[str, Any]) -> str:
    """What to type into the broker but for the limit, one line a leg.

    >>> order_legs({"order": "BUY TO CLOSE 1 U 18 Dec 2026 28 put, LIMIT 0.10"})
    'BUY TO CLOSE 1 U 18 Dec 2026 28 put'
    """
    return "\n".join(row["order"].split(", ")[:-1])


def limit(row: Mapping[str, Any]) -> str:
    """The limit price and, where there is one, how far it may be moved to get filled; a roll's is a net credit.

    >>> limit({"action": "open_csp", "limit_price": 0.55, "limit_floor": 0.5})
    '0.55 to 0.50'
    >>> limit({"action": "roll", "limit_price": 0.3})
    '0.30 net'
    """
    start = row.get("limit_start") or row["limit_price"]
    ends = dict.fromkeys(_text(price, end) for end in (start, row.get("limit_floor") or row["limit_price"]))
    return " to ".join(filter(None, ends)) + (" net" if row["action"] == "roll" else "")


def clause(reason: str) -> str:
    """Why, in a clause: what stands between the order and the first semicolon of a reason.

    >>> clause("Buy back 1 U put at 0.30 or less: hardly anything is left to earn; 3 days left.")
    'hardly anything is left to earn'
    """
    _, _, why = reason.partition(": ")
    return (why or reason).partition("; ")[0].rstrip(".")


def idle(document: Mapping[str, Any]) -> list[str]:
    """The evaluated symbols on which there is nothing to open."""
    missing = {entry["symbol"] for entry in document["not_evaluated"]}
    rows = [row for row in document["advice"] if row["action"] == "none" and not row["option_symbol"]]
    return [row["symbol"] for row in rows if row["symbol"] not in missing]


def inputs_line(document: Mapping[str, Any]) -> str:
    """How many inputs, the age of the oldest, how many were pulled for this answer.

    >>> read = {"table": "greeks", "key": "U", "age_minutes": 3.0, "outcome": "cache_miss"}
    >>> inputs_line({"inputs": [read, read | {"key": "F"}]})
    '2 inputs, oldest 3 min, 2 pulled'
    """
    inputs = document["inputs"]
    ages = [entry["age_minutes"] for entry in inputs if entry.get("age_minutes") is not None]
    pulled = sum(entry.get("outcome") == "cache_miss" for entry in inputs)
    parts = [f"{len(inputs)} inputs", *([f"oldest {age(max(ages))}"] if ages else []), f"{pulled or 'none'} pulled"]
    return ", ".join(parts) if inputs else ""


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
    """What is unusual about the market's data, each once, with all symbols that it is true of.

    Beyond `MOST_NOTES` only how many more there are.
    """
    about: dict[str, list[str]] = {}
    for entry in document["inputs"]:
        for note in (entry["table"] != POSITIONS and entry.get("notes")) or ():
            if _urgent(note):  # stands at the top
                continue
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
        _text(age, entry.get("age_minutes")),
        _text(age, entry.get("max_age_minutes")),
        pulled.get(str(entry.get("outcome")), str(entry.get("outcome") or "")),
        str(entry.get("reason") or "").replace("_", " "),
    )


def _old_data(inputs: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line a table whose data is over its limit and was not renewed, with all keys that it is true of."""
    old: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in inputs:
        age_minutes, most = entry.get("age_minutes"), entry.get("max_age_minutes")
        if age_minutes is not None and most is not None and age_minutes > most and entry.get("outcome") != "cache_miss":
            old[entry["table"]].append(entry)
    return [
        f"old data: {table} of {', '.join(entry['key'] for entry in entries)} is "
        f"{age(max(entry['age_minutes'] for entry in entries))} old, over its limit of "
        f"{age(max(entry['max_age_minutes'] for entry in entries))}"
        for table, entries in old.items()
    ]


def signed_dollars(amount: float) -> str:
    """Dollars that are received with a plus, dollars that are paid with a minus.

    >>> signed_dollars(57.0), signed_dollars(-30.65)
    ('+$57', '-$30.65')
    """
    return f"{'+' if amount > 0 else ''}{dollars(amount)}"


def _in_brackets(text: str) -> str:
    return f" ({text})" if text else ""


def _text(text: Any, value: float | None) -> str:
    """The number as text; empty where there is none."""
    return "" if value is None or not math.isfinite(value) else text(value)
