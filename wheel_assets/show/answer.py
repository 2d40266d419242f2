"""The advice as one JSON document, from which every rendering is made.

The document holds nothing but JSON types, so that it survives a trip through Dagster's metadata:
times are ISO 8601 with their offset, dates ISO 8601, missing numbers null, money dollars, shares of
one (not percent).

Its keys: `as_of`, `account`, `portfolio_value`, `free_cash`, `sample`, `source`, `model_version`,
`advice` (one object a row of `tables.RECOMMENDATION`, with `contract`, `order` and, for a roll,
`roll_to` in words), `alternatives` (the same, without rank and origin), `declined` (symbol,
option_type, reason), `rejected` (symbol, option_type, rule, meaning, count), `not_evaluated` (symbol,
reason), `warnings` (all that a rendering puts at the top), `quotes_as_of` and `spot_prices` (by symbol), `inputs` (as
given), `risk`; further `new_collateral` (dollars that the advised puts tie up),
`new_collateral_limit` (the most that new puts may),
`net_basis` (dollars a share net of premiums, by symbol), `exposure` (`before` and `after` the advice, each with delta,
gamma, theta, vega and `stress`, see `portfolio.exposure`; `not_counted`). A row of an open option has `choices`, see
`managing.choices`; `limit_start` and `limit_floor` say how its order is worked.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from wheel_assets.recommend.wording import contract_of, price
from wheel_assets.show.answer_view import warnings

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.recommend.advice import Advice
    from wheel_assets.recommend.portfolio.exposure import Exposures

RISK = (
    "Advice only: nothing is ordered. Options can lose far more than their premium; "
    "a short put can cost its whole collateral, a covered call the rise of the shares."
)
SAMPLE = "sample"

Document = dict[str, Any]


def answer_document(advice: Advice, inputs: Iterable[Mapping[str, Any]] = ()) -> Document:
    """The whole answer.

    `inputs` has one mapping a snapshot that was used: table, key, source, timestamp, created_at,
    age_minutes, max_age_minutes, outcome (`cache_hit`, `cache_miss`, or `cache_stale`: kept for
    want of newer), reason, snapshot_id, and where its source has notes, `notes`, a
    list of lines.
    """
    used = [{name: plain(value) for name, value in entry.items()} for entry in inputs]
    rows = [_in_words(record) for record in advice.frame.to_dict("records")]
    sources = str(rows[0]["source"]) if rows else ""
    document = {
        "as_of": advice.now.isoformat(),  # to the microsecond: `--as-of` replays it
        "account": advice.account_id,
        "portfolio_value": plain(advice.portfolio_value),
        "free_cash": plain(advice.free_cash),
        "new_collateral": math.fsum(row["collateral"] or 0.0 for row in rows if row["action"] == "open_csp"),
        "new_collateral_limit": plain(advice.new_collateral_limit),
        "sample": any(
            SAMPLE in str(source).split("+") for source in (sources, *(entry.get("source") for entry in used))
        ),
        "source": sources,
        "model_version": rows[0]["model_version"] if rows else "",
        "advice": rows,
        "alternatives": [_in_words(vars(suggestion)) for suggestion in advice.alternatives],
        "declined": [{"symbol": s, "option_type": right, "reason": why} for (s, right), why in advice.declined.items()],
        "rejected": _counts(advice.rejected),
        "not_evaluated": [{"symbol": symbol, "reason": why} for symbol, why in advice.not_evaluated.items()],
        "warnings": list(advice.warnings),
        "quotes_as_of": {symbol: plain(when) for symbol, when in advice.quotes_as_of.items()},
        "spot_prices": {symbol: spot for symbol, spot in advice.spots.items() if 0 < spot < math.inf},
        "net_basis": dict(advice.net_basis),
        "exposure": _exposure(advice.exposures),
        "inputs": used,
        "risk": RISK,
    }
    return document | {"warnings": warnings(document)}


def order_text(row: Mapping[str, Any]) -> str:
    """What to type into the broker; empty where there is nothing to trade.

    >>> order_text({"action": "close", "quantity": 1, "contract": "U 18 Dec 2026 28 put", "limit_price": 0.1})
    'BUY TO CLOSE 1 U 18 Dec 2026 28 put, LIMIT 0.10'
    """
    action, contract = row["action"], f"{row['quantity']} {row['contract']}"
    if action in ("open_csp", "open_cc"):
        return f"SELL TO OPEN {contract}, LIMIT {price(row['limit_price'])}"
    if action == "close":
        return f"BUY TO CLOSE {contract}, LIMIT {price(row['limit_price'])}"
    if action == "roll":
        into, net = f"{row['quantity']} {row['roll_to']}", price(row["limit_price"])
        return f"BUY TO CLOSE {contract}, SELL TO OPEN {into}, NET CREDIT {net}"
    return ""


def plain(value: Any) -> Any:
    """A value of a frame or of an index row as a JSON type; a naive time is UTC.

    >>> plain(float("nan")), plain(datetime(2026, 11, 23, 16, 0))
    (None, '2026-11-23T16:00:00+00:00')
    """
    if isinstance(value, datetime) and value == value:
        return (value.replace(tzinfo=UTC) if value.tzinfo is None else value).isoformat(timespec="seconds")
    if isinstance(value, date) and value == value:
        return value.isoformat()
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | list | dict) else None


def _in_words(record: Mapping[Any, Any]) -> Document:
    """A row as JSON, with its contracts and its order in words."""
    row = {str(name): plain(value) for name, value in record.items() if name != "urgency"}
    row["expiration"] = row["expiration"] and row["expiration"][:10]
    row["choices"] = json.loads(row.pop("alternatives", None) or "[]")
    for name, code in (("contract", row["option_symbol"]), ("roll_to", row["roll_to_option_symbol"])):
        row[name] = contract_of(row["symbol"], code) if code else ""
    return row | {"order": order_text(row)}


def _exposure(exposures: Exposures) -> Document:
    sides = {"before": exposures.before, "after": exposures.after}
    numbers = {side: {name: plain(v) for name, v in vars(found).items()} for side, found in sides.items()}
    return {**numbers, "not_counted": list(exposures.not_counted)}


def _counts(rejected: pd.DataFrame) -> list[Document]:
    """Rejected contracts by symbol, side and rule, most first."""
    by = ["symbol", "option_type", "rule", "meaning"]
    counts = rejected.groupby(by, sort=True).size().sort_values(ascending=False, kind="stable")
    return [
        {str(name): plain(value) for name, value in row.items()}
        for row in counts.rename("count").reset_index().to_dict("records")
    ]
