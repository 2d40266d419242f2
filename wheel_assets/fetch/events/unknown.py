"""Sources of events and IV ranks where none is configured."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from wheel_assets.fetch.events.frame import event_frame
from wheel_assets.fetch.source import Access, EventSource, RankSource, VolatilityRank
from wheel_assets.rows import Rows


class NoEvents(EventSource):
    """Event source that knows nothing of any symbol."""

    name = "none"

    def events(self, symbols: Sequence[str], until: date, now: datetime) -> Rows:
        """A row for each symbol and kind of event, without a date."""
        return Rows(event_frame(self.name, (), symbols, now))


def open_events(access: Access) -> NoEvents:
    """Factory named in the registry entry."""
    return NoEvents()


class NoRanks(RankSource):
    """IV rank source without any rank."""

    name = "none"

    def ranks(self, symbols: Sequence[str]) -> dict[str, VolatilityRank]:
        """None."""
        return {}
