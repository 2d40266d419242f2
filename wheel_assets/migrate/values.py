"""Values as old files hold them, made into values of our columns; what cannot be is reported with its reason."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from wheel_assets.errors import BadFrame
from wheel_assets.tables import Column, SnapshotTable

if TYPE_CHECKING:
    import pandas as pd

_NOTHING = {"", "nan", "none", "null", "nat", "n/a"}


@dataclass(frozen=True)
class Refusal:
    """A row that was not taken: where it stands, and why not."""

    where: str
    reason: str


def moment(value: Any) -> datetime:
    """A time as naive UTC; one without an offset is UTC already. Raises ValueError.

    >>> moment("2025-01-02T10:00:00-05:00")
    datetime.datetime(2025, 1, 2, 15, 0)
    """
    if value in (None, ""):
        raise ValueError("it has no time")
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            value = datetime.fromtimestamp(value, UTC)
        except (OverflowError, OSError) as error:
            raise ValueError(f"{value} is not a time") from error
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if not isinstance(value, datetime):
        raise ValueError(f"{value!r} is not a time")
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


def day(value: Any) -> date:
    """A date, of a date, a time or ISO text; raises ValueError."""
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    return datetime.fromisoformat(str(value).strip()).date()


def read_value(column: Column, value: Any) -> Any:
    """One value in the type of its column, None for the ways to write nothing; raises ValueError."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, str) and value.strip().lower() in _NOTHING:
        return None
    try:
        return _READERS[column.type](value)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{column.name} is {str(value)[:40]!r}, which is not {column.type}") from error


def read_rows(
    table: SnapshotTable, rows: Sequence[Mapping[str, Any]], places: Sequence[str]
) -> tuple[pd.DataFrame, list[Refusal]]:
    """The rows that fit their table, as it holds them, and a refusal for each that does not."""
    import pandas as pd

    good: list[dict[str, Any]] = []
    kept: list[str] = []
    refusals: list[Refusal] = []
    for row, place in zip(rows, places, strict=True):
        try:
            good.append({c.name: read_value(c, row.get(c.name)) for c in table.columns})
            kept.append(place)
        except ValueError as error:
            refusals.append(Refusal(place, str(error)))
    frame = pd.DataFrame(good, columns=[c.name for c in table.columns], dtype="object")
    try:
        return table.conform(frame), refusals
    except BadFrame:
        frame, more = _one_by_one(table, frame, kept)
        return frame, refusals + more


def _one_by_one(table: SnapshotTable, frame: pd.DataFrame, places: Sequence[str]) -> tuple[pd.DataFrame, list[Refusal]]:
    good, refusals = [], []
    for number, place in enumerate(places):
        try:
            table.conform(frame.iloc[[number]])
            good.append(number)
        except BadFrame as error:
            refusals.append(Refusal(place, f"{error.what}: {error.why.removeprefix('row 0 ')}"))
    return table.conform(frame.iloc[good]), refusals


def _whole(value: Any) -> int:
    number = float(value)
    if number != int(number):
        raise ValueError
    return int(value) if isinstance(value, int) else int(number)


def _number(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _json_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    json.loads(text)
    return text


_READERS: dict[str, Any] = {
    "VARCHAR": str,
    "BIGINT": _whole,
    "DOUBLE": _number,
    "DATE": day,
    "TIMESTAMP": moment,
    "JSON": _json_text,
}
