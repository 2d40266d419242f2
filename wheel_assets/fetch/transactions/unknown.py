"""The source of transactions where the broker has none to tell."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from wheel_assets.fetch.source import TransactionSource
from wheel_assets.fetch.transactions.rows import transaction_frame

if TYPE_CHECKING:
    import pandas as pd


class NoTransactions(TransactionSource):
    """Nobody is asked: it says that nothing is known."""

    name = "none"
    incremental = False

    def transactions(self, account_id: str, since: datetime | None, now: datetime) -> pd.DataFrame:
        """One row, of kind `none`."""
        return transaction_frame(self.name, (), account_id, now)
