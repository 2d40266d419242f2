"""The view model of a scan: the best put of each symbol, best first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from wheel_assets.recommend.wording import contract_name, percent, price, ratio

COLUMNS = ("#", "sell", "at", "days", "|delta|", "a year", "assigned", "objective")
NUMBERS = (*COLUMNS[:1], *COLUMNS[2:])


def scan_cells(ranking: Iterable[Mapping[Any, Any]]) -> list[Sequence[str]]:
    """The cells of each line of `scan.ranking.ranked`, as plain values."""
    return [
        (
            str(row["rank"]),
            contract_name(row["symbol"], _day(row["expiration"]), row["strike"], "put"),
            price(row["premium"]),
            str(row["days"]),
            ratio(abs(row["delta"])),
            percent(row["annualized_return"]),
            percent(row["prob_itm"]),
            percent(row["objective"]),
        )
        for row in ranking
    ]


def _day(value: Any) -> date:
    return date.fromisoformat(value[:10]) if isinstance(value, str) else value.date()
