"""The view model of candidates: what was refused and why, the nearest misses, the settings that held them back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from wheel_assets.recommend.wording import contract_name, percent, price, ratio

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("contract", "days", "|delta|", "bid", "a year", "assigned", "fails")
NUMBERS = COLUMNS[1:6]
SETTING = "WHEEL_STRATEGY__"


def explain_document(candidates: pd.DataFrame, nearest: int | None = 5) -> dict[str, Any]:
    """`sides`: by symbol and right how many contracts there are and pass, why the others fail, the settings behind it.

    Each side holds its `nearest` best contracts, all of them where that is None; `candidates` has the rows of
    `tables.CANDIDATES`, best first.
    """
    sides = [
        _side(str(symbol), str(right), rows, nearest)
        for (symbol, right), rows in candidates.groupby(["symbol", "option_type"], sort=True)
    ]
    return {"contracts": len(candidates), "sides": sides}


def _side(symbol: str, option_type: str, rows: pd.DataFrame, nearest: int | None) -> dict[str, Any]:
    failed = rows["failed"].dropna()
    only = rows.loc[rows["failures"] == 1, "settings"].dropna()
    return {
        "symbol": symbol,
        "option_type": option_type,
        "contracts": len(rows),
        "passed": int((rows["failures"] == 0).sum()),
        "failed": {str(rule): int(n) for rule, n in failed.str.split(", ").explode().value_counts().items()},
        "held_back_by": {_variable(str(name)): int(n) for name, n in only.value_counts().items()},
        "candidates": [_plain(row) for row in rows.head(nearest or len(rows)).to_dict("records")],
    }


def _variable(setting: str) -> str:
    """The environment variable of a strategy setting."""
    return f"{SETTING}{setting.upper()}"


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row as JSON can hold it: missing is null, days are ISO dates."""
    import pandas as pd

    left_out = ("timestamp", "snapshot_id", "created_at")
    values = {str(name): None if pd.isna(value) else value for name, value in row.items() if name not in left_out}
    return values | {"expiration": str(values["expiration"])[:10]}


def summary_lines(side: Mapping[str, Any]) -> list[str]:
    """What is to be said of one symbol and right, in a line or two.

    >>> summary_lines({"symbol": "U", "option_type": "put", "contracts": 3, "passed": 1, "failed": {"bid": 2},
    ...                "held_back_by": {"WHEEL_STRATEGY__MIN_BID": 2}})
    ['U puts: 1 of 3 pass; the others fail bid 2', 'one setting alone held back: WHEEL_STRATEGY__MIN_BID 2']
    """
    counted = ", ".join(f"{rule} {number:,}" for rule, number in side["failed"].items())
    head = f"{side['symbol']} {side['option_type']}s: {side['passed']:,} of {side['contracts']:,} pass"
    lines = [f"{head}; the others fail {counted}" if counted else head]
    if side["held_back_by"]:
        alone = ", ".join(f"{name} {number:,}" for name, number in side["held_back_by"].items())
        lines.append(f"one setting alone held back: {alone}")
    return lines


def candidate_cells(side: Mapping[str, Any]) -> list[Sequence[str]]:
    """A row of `COLUMNS` for each contract that is shown."""
    return [
        (
            contract_name(row["symbol"], date.fromisoformat(row["expiration"]), row["strike"], row["option_type"]),
            str(row["days"]),
            _known(row["delta"], lambda delta: ratio(abs(delta))),
            _known(row["bid"], price),
            _known(row["annualized_return"], percent),
            _known(row["prob_itm"], percent),
            "advised" if row["advised"] else row["reasons"] or "nothing",
        )
        for row in side["candidates"]
    ]


def _known(number: float | None, text: Callable[[float], str]) -> str:
    return "unknown" if number is None else text(number)
