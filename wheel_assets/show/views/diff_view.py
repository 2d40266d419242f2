"""What changed between two answers: orders that came, went or changed, and the inputs behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wheel_assets.recommend.wording import dollars, percent, price

_ORDER = ("quantity", "limit_price")
_MONEY = (("portfolio_value", "portfolio"), ("free_cash", "free cash"))


def diff_document(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """`added`, `removed` and `changed` rows of advice (`contract`, `action`, `reason`), and what `moved`, in words.

    The same row is the same contract with the same action; changed is one with another quantity or limit.
    """
    old, new = _rows(before), _rows(after)
    both = [key for key in new if key in old]
    return {
        "before": before["as_of"],
        "after": after["as_of"],
        "added": [_summary(new[key]) for key in new if key not in old],
        "removed": [_summary(old[key]) for key in old if key not in new],
        "changed": [
            _summary(new[key]) | {"was": {name: old[key][name] for name in _ORDER}}
            for key in both
            if any(old[key][name] != new[key][name] for name in _ORDER)
        ],
        "same": sum(all(old[key][name] == new[key][name] for name in _ORDER) for key in both),
        "moved": [*_spots(before, after), *_money(before, after)],
    }


def _rows(document: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(row["action"], row["option_symbol"] or row["symbol"]): row for row in document["advice"]}


def _summary(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("action", "symbol", "contract", "option_symbol", "quantity", "limit_price", "reason")
    return {name: row[name] for name in names}


def _spots(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    old, new = before["spot_prices"], after["spot_prices"]
    return [
        f"{symbol} {price(old[symbol])} -> {price(new[symbol])}, {percent(new[symbol] / old[symbol] - 1)}"
        for symbol in new
        if symbol in old and old[symbol] != new[symbol]
    ]


def _money(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [
        f"{word} {dollars(before[name])} -> {dollars(after[name])}"
        for name, word in _MONEY
        if before[name] != after[name] and None not in (before[name], after[name])
    ]


def diff_lines(document: Mapping[str, Any]) -> list[str]:
    """The document in lines: what moved, then the orders.

    >>> row = {"action": "close", "symbol": "U", "contract": "U 4 Dec 2026 37 call", "reason": "Buy back."}
    >>> diff_lines({"before": "A", "after": "B", "added": [row], "removed": [], "changed": [], "same": 2, "moved": []})
    ['from A to B', '+ close U 4 Dec 2026 37 call: Buy back.', '2 rows as before']
    """
    lines = [f"from {document['before']} to {document['after']}", *document["moved"]]
    for sign, name in (("+", "added"), ("-", "removed"), ("~", "changed")):
        lines += [
            f"{sign} {row['action']} {row['contract'] or row['symbol']}: {row['reason']}" for row in document[name]
        ]
    return [*lines, f"{document['same']} rows as before"]
