"""Warnings about the age of quotes: closed market, late quotes, a session since."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from wheel_assets.market.calendar import is_open, last_finished_session, new_york_text

# Free quotes are delayed by 15 minutes; twice that is no longer explained by the delay.
LATE = timedelta(minutes=30)


def quote_warnings(as_of: Mapping[str, datetime], now: datetime) -> list[str]:
    """Warnings about the age of quotes at `now`; `as_of` maps each symbol to its oldest quote, all times aware.

    Quotes from before the last finished session are old even while the market is closed: it has traded since.
    """
    if not as_of:
        return []
    session = last_finished_session(now)
    missed = [symbol for symbol, when in as_of.items() if when < session.opens.replace(tzinfo=UTC)]
    if missed:
        oldest = min(as_of[symbol] for symbol in missed)
        when = f"of {new_york_text(oldest)}, before the session of {session.day:%a %d %b}"
        return [f"old quotes for {', '.join(missed)}: {when}; prices have moved since, get new ones before you trade"]
    oldest = min(as_of.values())
    if not is_open(now):
        return [f"market closed; quotes of {new_york_text(oldest)}; bids and asks will differ when it opens"]
    late = [symbol for symbol, when in as_of.items() if now - when > LATE]
    if not late:
        return []
    minutes = (now - oldest) / timedelta(minutes=1)
    return [
        f"old quotes for {', '.join(late)}: of {new_york_text(oldest)}, {minutes:,.0f} minutes ago; "
        "check the price before you trade"
    ]
