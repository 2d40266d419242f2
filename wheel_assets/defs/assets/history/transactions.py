"""Transactions: trades, assignments, dividends and fees of the account."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pandas as pd

from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.store.store import Store
from wheel_assets.defs.checks.table_checks import Checked, checked
from wheel_assets.defs.declare import AccountConfig, declared
from wheel_assets.fetch.source import TransactionSource
from wheel_assets.rows import Rows
from wheel_assets.tables import TRANSACTIONS

LATE = timedelta(days=10)  # brokers book assignments, fees and corrections days after


@dg.asset(group_name="account", **declared(TRANSACTIONS))
def transactions(
    config: AccountConfig, past: dg.ResourceParam[TransactionSource], store: dg.ResourceParam[Store]
) -> Checked:
    """Trades, assignments, expirations, dividends and fees of the account, oldest first.

    Source: `WHEEL_BROKER__TRANSACTIONS_FILE`, else the broker where its API has them. Fetched when they are read and
    the last answer is older than `WHEEL_MAX_AGE__TRANSACTIONS` minutes: only what is new and the last days before it.
    What the broker no longer returns is kept, however old.
    """
    now = store.clock().replace(tzinfo=UTC)
    with one_line_errors():
        known = _known(store, config.account_id, past)
        since = None if known.empty else known["executed_at"].iloc[-1].to_pydatetime().replace(tzinfo=UTC) - LATE
        new = past.transactions(config.account_id, since, now)
    yield from checked(TRANSACTIONS, continued(known, new, since))


def continued(known: pd.DataFrame, fetched: Rows, since: datetime | None) -> Rows:
    """The stored rows from before the time that the new rows cover completely, then the new rows."""
    if since is None:
        return fetched
    new = fetched.frame
    complete_from = min(new["executed_at"].iloc[0], pd.Timestamp(since).tz_localize(None))
    earlier = known[known["executed_at"] < complete_from]
    frame = pd.concat([earlier, new[new["kind"] != "none"]], ignore_index=True)
    frame["timestamp"] = new["timestamp"].iloc[0]
    return replace(fetched, frame=frame)


def _known(store: Store, account_id: str, source: TransactionSource) -> pd.DataFrame:
    """Rows stored earlier for the account from the same source, without placeholders."""
    index, _ = store.index([(TRANSACTIONS.name, account_id)]) if source.incremental else ([], 0)
    before = [snapshot.snapshot_id for snapshot in index if snapshot.source == source.name]
    rows = store.get(TRANSACTIONS.name, before[:1])
    return rows.loc[rows["kind"] != "none", [column.name for column in TRANSACTIONS.columns]]
