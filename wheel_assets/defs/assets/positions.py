"""Positions: holdings of the account."""

from datetime import UTC

import dagster as dg

from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.progress import reporting_progress
from wheel_assets.defs.checks.table_checks import Checked, checked
from wheel_assets.defs.declare import AccountConfig, declared
from wheel_assets.fetch.source import AccountSource, watched_by
from wheel_assets.tables import POSITIONS


@dg.asset(group_name="account", **declared(POSITIONS))
def positions(
    context: dg.AssetExecutionContext,
    config: AccountConfig,
    account: dg.ResourceParam[AccountSource],
    store: dg.ResourceParam[Store],
) -> Checked:
    """Shares, options and cash of the account.

    Source: `WHEEL_BROKER__SOURCE`. Fetched when it is read and the last answer is older than
    `WHEEL_MAX_AGE__POSITIONS` minutes.
    """
    with one_line_errors(), reporting_progress(POSITIONS.name, context.log.info) as report, watched_by(report):
        rows = account.positions(config.account_id, store.clock().replace(tzinfo=UTC))
    yield from checked(POSITIONS, rows)
