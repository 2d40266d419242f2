"""The sources of events and of ranks where nobody knows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from wheel_assets.fetch.events.rows import event_frame
from wheel_assets.fetch.source import Access, EventSource, RankSource, VolatilityRank
from wheel_assets.rows import Rows


class NoEvents(EventSource):
    """Nobody is asked: of every symbol it says that nothing is known."""

    name = "none"

    def events(self, symbols: Sequence[str], until: date, now: datetime) -> Rows:
        """A row for each symbol and kind of event, without a date."""
        return Rows(event_frame(self.name, (), symbols, now))


def open_events(access: Access) -> NoEvents:
    """For the registry."""
    return NoEvents()


class NoRanks(RankSource):
    """Nobody ranks volatilities."""

    name = "none"

    def ranks(self, symbols: Sequence[str]) -> dict[str, VolatilityRank]:
        """None."""
        return {}
