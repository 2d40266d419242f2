"""From the events that any source knows to rows of `tables.EVENTS`, with one for each that is not announced."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from itertools import product
from typing import TYPE_CHECKING, Any

from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.tables import EVENT_KINDS, EVENTS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Event:
    """Something that is to come: units and values as in `tables.EVENTS`."""

    symbol: str
    kind: str
    date: date
    time_of_day: str | None = None
    estimated: bool | None = None
    amount: float | None = None


def event_frame(
    source: str,
    events: Iterable[Event],
    symbols: Sequence[str],
    now: datetime,
    *,
    until: date | None = None,
    kinds: Collection[str] = EVENT_KINDS,
) -> pd.DataFrame:
    """Rows of the symbols' events from the day of `now` (aware) to `until`, by symbol, kind and date.

    A symbol without an event of some kind gets a row without a date: none is announced up to `until`. With
    `until` None, or for what is not among the `kinds` that the source can know, it says that nothing is known.
    """
    import pandas as pd

    today = now.astimezone(NEW_YORK).date()
    ahead = {e for e in events if e.symbol in symbols and e.date >= today and (until is None or e.date <= until)}
    announced = {(event.symbol, event.kind) for event in ahead}
    rows = [{**asdict(event), "announced_until": until} for event in ahead]
    rows += [
        {"symbol": symbol, "kind": kind, "announced_until": until if kind in kinds else None}
        for symbol, kind in product(symbols, EVENT_KINDS)
        if (symbol, kind) not in announced
    ]
    as_of = now.astimezone(UTC).replace(tzinfo=None)
    columns = [column.name for column in EVENTS.columns]
    frame = pd.DataFrame(rows, columns=columns).assign(timestamp=as_of, source=source)
    return EVENTS.conform(frame.sort_values(["symbol", "kind", "date"], ignore_index=True))


def sent_day(value: Any) -> date | None:
    """The day that an answer names in ISO 8601, None where it names none; raises ValueError for what is no day.

    An event whose day cannot be read must not pass for none that is announced.

    >>> sent_day("2026-11-24T00:00:00"), sent_day(None)
    (datetime.date(2026, 11, 24), None)
    """
    if value in (None, ""):
        return None
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise ValueError(f"{str(value)[:30]!r} is no date") from None
