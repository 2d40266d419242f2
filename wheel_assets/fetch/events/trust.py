"""Several sources of events as one, the most trusted first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from wheel_assets.errors import SourceError
from wheel_assets.fetch.source import EventSource
from wheel_assets.rows import Rows

if TYPE_CHECKING:
    import pandas as pd

# Two sources mean the same event where their days are this close: one counts the evening, the other the next morning.
SAME = timedelta(days=1)


class ByTrust(EventSource):
    """Union of the dates of all sources; for the same event the first source counts.

    Where they contradict each other all dates are kept, each with its source, and a note says so: whoever
    is careful goes by the earliest.
    """

    def __init__(self, sources: Sequence[EventSource]) -> None:
        self.sources = sources
        self.name = "+".join(source.name for source in sources)  # type: ignore[misc]

    def events(self, symbols: Sequence[str], until: date, now: datetime) -> Rows:
        """A symbol fails where none of the sources can be asked about it; raises the first error where that is all."""
        answers, errors = [], []
        for source in self.sources:
            try:
                answers.append(source.events(symbols, until, now))
            except SourceError as error:
                errors.append(error)
        if not answers:
            raise errors[0]
        frame, contradictions = _merged([answer.frame for answer in answers])
        failed = set.intersection(*(set(answer.not_fetched) for answer in answers)) - set(frame["symbol"])
        notes = [note for answer in answers for note in answer.notes] + contradictions
        notes += [str(error) for error in errors]
        notes += [why for answer in answers for key, why in answer.not_fetched.items() if key not in failed]
        return Rows(frame, tuple(notes), {key: answers[0].not_fetched[key] for key in failed})


def _merged(frames: Sequence[pd.DataFrame]) -> tuple[pd.DataFrame, list[str]]:
    """All rows but those that say again what a more trusted source says, or nothing where another knows."""
    import pandas as pd

    notes: list[str] = []
    rows = pd.concat([frame.assign(_trust=place) for place, frame in enumerate(frames)], ignore_index=True)
    kept: list[int] = []
    for (symbol, kind), group in rows.groupby(["symbol", "kind"], sort=True):
        dated = group[group["date"].notna()].sort_values("_trust", kind="stable")
        chosen = _distinct(dated)
        if dated.loc[chosen, "source"].nunique() > 1:
            said = ", ".join(f"{row.date:%Y-%m-%d} ({row.source})" for row in dated.loc[chosen].itertuples())
            notes.append(f"{symbol}: the sources disagree about {kind}: {said}; the earliest counts")
        kept += chosen or group.sort_values("announced_until", ascending=False, na_position="last").index[:1].tolist()
    frame = rows.loc[kept].drop(columns="_trust").sort_values(["symbol", "kind", "date"], ignore_index=True)
    return frame, notes


def _distinct(dated: pd.DataFrame) -> list[int]:
    """The rows, most trusted first, without those whose day one before them names already."""
    chosen: list[int] = []
    for place, day, source in zip(dated.index, dated["date"], dated["source"], strict=True):
        others = dated.loc[chosen]
        if not (((others["date"] - day).abs() <= SAME) & (others["source"] != source)).any():
            chosen.append(place)
    return chosen
