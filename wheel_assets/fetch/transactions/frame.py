"""From the transactions of any source to rows of `tables.TRANSACTIONS`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wheel_assets.tables import TRANSACTIONS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Transaction:
    """One thing that happened: `executed_at` is aware; units, signs and values as in `tables.TRANSACTIONS`."""

    executed_at: datetime
    kind: str
    symbol: str | None = None
    option_symbol: str | None = None
    quantity: float | None = None
    price: float | None = None
    fees: float | None = None
    amount: float = 0.0


def transaction_frame(source: str, transactions: Sequence[Transaction], account_id: str, now: datetime) -> pd.DataFrame:
    """Rows as of `now` (aware), oldest first, in the order given where times are equal; one that says so for none."""
    import pandas as pd

    known = sorted(transactions, key=lambda each: each.executed_at) or [Transaction(now, "none")]
    columns = [column.name for column in TRANSACTIONS.columns]
    frame = pd.DataFrame([asdict(each) for each in known], columns=columns)
    frame["executed_at"] = pd.to_datetime(frame["executed_at"], utc=True).dt.tz_localize(None)
    as_of = now.astimezone(UTC).replace(tzinfo=None)
    return TRANSACTIONS.conform(frame.assign(account_id=account_id, timestamp=as_of, source=source))
