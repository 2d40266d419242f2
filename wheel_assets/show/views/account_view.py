"""The view model of what is held: what else could be done with each option, and how the whole account stands a fall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wheel_assets.recommend.wording import dollars, percent, price, strike_text
from wheel_assets.show.answer_view import Cells, signed_dollars

CHOICE_COLUMNS: Cells = ("position", "roll", "hold", "be assigned", "close")
EXPOSURE_COLUMNS: Cells = ("if at once", "now", "after the advice")
NUMBERS = frozenset(EXPOSURE_COLUMNS[1:])

# The net Greeks of `portfolio.exposure.Exposure`, as a person asks for them.
_GREEKS = {
    "theta": "a day goes by",
    "vega": "volatility rises by a point",
    "delta": "all shares rise by 1 %, at today's delta",
}
_SCALE = {"delta": 0.01}


def choice_cells(document: Mapping[str, Any]) -> list[Cells]:
    """One row an open option, in the order of `CHOICE_COLUMNS`; first what is advised."""
    return [
        (f"{row['quantity']} {row['contract']}: {row['action']}", *_choices(row["choices"]))
        for row in document["advice"]
        if row.get("choices")
    ]


def exposure_cells(document: Mapping[str, Any]) -> list[Cells]:
    """What the account gains or loses in each case, in the order of `EXPOSURE_COLUMNS`; empty where it is not known."""
    exposure = document.get("exposure") or {}
    if not {"before", "after"} <= exposure.keys():
        return []
    sides = [exposure["before"], exposure["after"]]
    cases = [(name.replace("%", " %"), [side["stress"].get(name) for side in sides]) for name in sides[0]["stress"]]
    cases += [(label, [_scaled(side.get(name), name) for side in sides]) for name, label in _GREEKS.items()]
    return [(label, *("" if each is None else signed_dollars(round(each)) for each in both)) for label, both in cases]


def not_counted(document: Mapping[str, Any]) -> str:
    """What the exposure leaves out, in one line; empty where it leaves out nothing."""
    missing = (document.get("exposure") or {}).get("not_counted")
    return f"Without {', '.join(missing)}: no price or no implied volatility." if missing else ""


def _scaled(value: float | None, name: str) -> float | None:
    return None if value is None else value * _SCALE.get(name, 1.0)


def _choices(entries: list[Mapping[str, Any]]) -> list[str]:
    by_name = {entry["choice"]: entry for entry in entries}
    return [words(by_name[name]) if name in by_name else "" for name, words in _WORDS.items()]


def _roll(entry: Mapping[str, Any]) -> str:
    if not entry["into"]:
        return str(entry["why"]).partition(" (")[0]
    return _listed(
        f"into {entry['into']}",
        _text(signed_dollars, entry["credit"]),
        _text(percent, entry["annualized_return"], " a year"),
        _text(percent, entry["prob_itm"], " assigned"),
    )


def _hold(entry: Mapping[str, Any]) -> str:
    return _listed(
        f"{entry['days']} days",
        _text(dollars, entry["left_to_earn"], " left to earn"),
        _text(percent, entry["prob_itm"], " assigned"),
    )


def _assignment(entry: Mapping[str, Any]) -> str:
    verb = "buy" if entry["shares"] > 0 else "sell"
    return _listed(
        f"{verb} {abs(entry['shares']):g} at {strike_text(entry['price'])}",
        _text(price, entry["effective_price"], " with premium"),
        _text(signed_dollars, entry["result"]),
    )


def _close(entry: Mapping[str, Any]) -> str:
    return _listed(_text(dollars, entry["cost"], " to pay"), _text(signed_dollars, entry["result"], " in all"))


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "roll": _roll,
    "hold": _hold,
    "assignment": _assignment,
    "close": _close,
}


def _text(text: Callable[[float], str], value: float | None, unit: str = "") -> str:
    return "" if value is None else f"{text(value)}{unit}"


def _listed(*parts: str) -> str:
    return ", ".join(filter(None, parts))
