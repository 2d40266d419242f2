"""The source of transactions where the broker sends none."""

from __future__ import annotations

from datetime import datetime

from wheel_assets.fetch.source import TransactionSource
from wheel_assets.fetch.transactions.frame import transaction_frame
from wheel_assets.rows import Rows


class NoTransactions(TransactionSource):
    """Sends no request: it says that nothing is known."""

    name = "none"
    incremental = False

    def transactions(self, account_id: str, since: datetime | None, now: datetime) -> Rows:
        """One row, of kind `none`."""
        return Rows(transaction_frame(self.name, (), account_id, now))
