"""Rows of `tables.OPTION_CHAINS` from any vendor's chain, by one set of rules.

A contract that cannot be traded (unreadable, expired, adjusted, sent twice) or that is not what its
code says is left out and counted; one with a bad number keeps its row with NULL there; a chain without
price or contracts is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from wheel_assets.errors import NoContracts, NoSpotPrice
from wheel_assets.fetch.normalise.quotes import counts, non_negative, numbers, quote_quality
from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.market.osi import is_adjusted, listed_roots, parse_osi_column
from wheel_assets.rows import Rows
from wheel_assets.tables import OPTION_CHAINS

# Index and some ETF options trade until 16:15; nothing that expires today trades after that.
_FROM_LAST_TRADE_TO_MIDNIGHT = timedelta(hours=7, minutes=45)
_HIGHEST_IV = 5.0
_EXPIRED = "expired"
_SHARES_A_CONTRACT = 100
_LEAST_STEP = 0.0005  # half of the thousandth of a dollar in which codes hold strikes


@dataclass
class VendorChain:
    """A chain in the vendor's numbers.

    `quotes` has a column `code` (OSI, any spelling) and any of bid, ask, last, bid_size, ask_size,
    volume, open_interest, iv (decimal a year), multiplier, `non_standard` (bool), and `strike` where the
    vendor sends it apart from the code; `as_of` is aware.
    """

    source: str
    symbol: str
    spot: float
    as_of: datetime
    quotes: pd.DataFrame
    notes: list[str] = field(default_factory=list)

    def rows(self, now: datetime) -> Rows:
        """The rows of `tables.OPTION_CHAINS`, with notes on irregularities.

        Raises NoContracts where nothing is left that can be traded.
        """
        contracts = parse_osi_column(self.quotes["code"])
        kept, left_out = self._kept(contracts, first_live_day(now))
        if not kept.any():
            why = "; ".join(_counted(left_out)) or "the vendor sent none"
            raise NoContracts(f"no contracts for {self.symbol} from {self.source}", why, source=self.source)
        frame = self._frame(contracts[kept], self.quotes[kept].reset_index(drop=True), now)
        left_out.pop(_EXPIRED, None)  # vendors go on sending them for days: nothing unusual
        notes = [*self.notes, *_counted(left_out), *self._clock_notes(now), *_quality_notes(frame)]
        return Rows(frame, tuple(f"{self.symbol}: {note}" for note in notes))

    def _kept(self, contracts: pd.DataFrame, today: date) -> tuple[pd.Series, dict[str, int]]:
        """Which contracts can be traded, and how many were left out, by reason."""
        non_standard = self.quotes.get("non_standard", pd.Series(False, index=self.quotes.index))
        off_by = np.abs(numbers(_column(self.quotes, "strike")) - contracts["strike"])
        reasons = {
            "with an unreadable code": contracts["option_symbol"].isna(),
            _EXPIRED: contracts["expiration"] < pd.Timestamp(today),
            "adjusted (other deliverable than 100 shares)": is_adjusted(contracts["root"]) | non_standard.eq(True),
            f"of another underlying than {self.symbol}": ~contracts["root"].isin(listed_roots(self.symbol)),
            "with another strike than their code's": off_by > _LEAST_STEP,
            "sent twice": contracts["option_symbol"].duplicated(),
        }
        kept, left_out = pd.Series(True, index=contracts.index), {}
        for reason, bad in reasons.items():
            count = int((kept & bad).sum())
            if count:
                left_out[reason] = count
            kept &= ~bad
        return kept, left_out

    def _frame(self, contracts: pd.DataFrame, quotes: pd.DataFrame, now: datetime) -> pd.DataFrame:
        columns = contracts.drop(columns="root").reset_index(drop=True)
        for name in ("bid", "ask", "last", "iv"):
            columns[name] = non_negative(_column(quotes, name))
        for name in ("bid_size", "ask_size", "volume", "open_interest"):
            columns[name] = counts(_column(quotes, name))
        columns.loc[columns["last"] == 0, "last"] = np.nan
        columns.loc[~columns["iv"].between(0, _HIGHEST_IV, inclusive="right"), "iv"] = np.nan
        columns["multiplier"] = counts(_column(quotes, "multiplier")).replace(0, pd.NA).fillna(_SHARES_A_CONTRACT)
        columns["quote_quality"] = quote_quality(columns["bid"], columns["ask"])
        return columns.assign(
            timestamp=pd.Timestamp(naive_utc(min(self.as_of, now))).as_unit("us"),
            symbol=self.symbol,
            spot_price=self.spot,
            source=self.source,
        )[[column.name for column in OPTION_CHAINS.columns]]

    def _clock_notes(self, now: datetime) -> list[str]:
        """A vendor's clock that cannot be right; that quotes are old shows in their own time."""
        if self.as_of > now + timedelta(minutes=1):
            return [f"quotes are {self.as_of - now} ahead of this machine's clock; counted as of now"]
        return []


def _counted(left_out: Mapping[str, int]) -> list[str]:
    """One line for each."""
    return [f"{count} contracts left out: {reason}" for reason, count in left_out.items()]


def _quality_notes(frame: pd.DataFrame) -> list[str]:
    """How many quotes the vendor should have given and did not; volatilities are computed here, without its own."""
    found = frame["quote_quality"].value_counts()
    bad = {name: int(found[name]) for name in ("missing", "no_ask", "crossed") if name in found}
    return [f"{count} of {len(frame)} quotes are {name.replace('_', ' ')}" for name, count in bad.items()]


def first_spot(candidates: Iterable[tuple[str, Any]], symbol: str, source: str) -> tuple[float, list[str]]:
    """The first usable price among (name, value), and a note where it was not the first named.

    Raises NoSpotPrice where none is a positive number.
    """
    names, values = zip(*candidates, strict=True)
    for place, price in enumerate(non_negative(values)):
        if price > 0:
            return float(price), [f"no {names[0]}; {names[place]} is used as its price"] if place else []
    tried = f"none of {', '.join(names)} is a price"
    raise NoSpotPrice(f"no price of {symbol} from {source}", tried, "try again in market hours", source=source)


def first_live_day(now: datetime) -> date:
    """The first expiration that can still be traded: today in New York, until 16:15 there."""
    return (now.astimezone(NEW_YORK) + _FROM_LAST_TRADE_TO_MIDNIGHT).date()


def naive_utc(moment: datetime) -> datetime:
    """An aware time as naive UTC, the form of all tables.

    >>> naive_utc(datetime(2026, 11, 20, 16, 0, tzinfo=NEW_YORK))
    datetime.datetime(2026, 11, 20, 21, 0)
    """
    return moment.astimezone(UTC).replace(tzinfo=None)


def _column(quotes: pd.DataFrame, name: str) -> pd.Series:
    return quotes[name] if name in quotes else pd.Series(np.nan, index=quotes.index)
