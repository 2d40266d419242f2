"""Whether the quotes are live, as far as their own times tell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from wheel_assets.market.calendar import CLOSE, NEW_YORK, OPEN

# Free quotes come 15 minutes late; twice that is not the delay any more.
LATE = timedelta(minutes=30)


def is_open(now: datetime) -> bool:
    """Whether options on stocks trade in New York at `now` (aware); holidays are not known here."""
    local = now.astimezone(NEW_YORK)
    return local.weekday() < 5 and OPEN <= local.time() < CLOSE


def quote_warnings(as_of: Mapping[str, datetime], now: datetime) -> list[str]:
    """What to say about the age of the quotes; `as_of` is the oldest quote of each symbol, aware.

    A holiday shows as quotes of an earlier day while the market should be open.
    """
    if not as_of:
        return []
    oldest = min(as_of.values())
    if not is_open(now):
        return [f"market closed; quotes of {new_york(oldest)}; bids and asks will differ when it opens"]
    late = [symbol for symbol, when in as_of.items() if now - when > LATE]
    if not late:
        return []
    minutes = (now - oldest) / timedelta(minutes=1)
    return [
        f"old quotes for {', '.join(late)}: of {new_york(oldest)}, {minutes:,.0f} minutes ago; "
        "check the price before you trade"
    ]


def new_york(when: datetime) -> str:
    """
    >>> from datetime import UTC
    >>> new_york(datetime(2026, 11, 20, 21, 0, tzinfo=UTC))
    'Fri 20 Nov 16:00 ET'
    """
    return f"{when.astimezone(NEW_YORK):%a %d %b %H:%M} ET"
