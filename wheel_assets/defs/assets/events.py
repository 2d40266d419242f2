"""Events: coming earnings and ex-dividend dates."""

from datetime import UTC, timedelta

import dagster as dg

from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.progress import reporting_progress
from wheel_assets.defs.checks.table_checks import Checked, checked
from wheel_assets.defs.declare import SymbolsConfig, declared, settings
from wheel_assets.fetch.source import EventSource, watched_by
from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.tables import EVENTS


@dg.asset(group_name="market", **declared(EVENTS))
def events(
    context: dg.AssetExecutionContext,
    config: SymbolsConfig,
    calendar: dg.ResourceParam[EventSource],
    store: dg.ResourceParam[Store],
) -> Checked:
    """Earnings and ex-dividend dates of each symbol, as far ahead as the strategy may hold an option.

    Source: `WHEEL_EVENTS__SOURCE` and your own `WHEEL_EVENTS__FILE`. Fetched when it is read and the last answer is
    older than `WHEEL_MAX_AGE__EVENTS` minutes. A row without a date means that none is announced up to
    `announced_until`, not that there is none; without `announced_until` too, that nothing is known.
    """
    now = store.clock().replace(tzinfo=UTC)
    strategy = settings().strategy
    until = now.astimezone(NEW_YORK).date() + timedelta(days=max(strategy.max_days, strategy.max_roll_days))
    with one_line_errors(), reporting_progress(EVENTS.name, context.log.info) as report, watched_by(report):
        fetched = calendar.events(config.symbols, until, now)
    yield from checked(EVENTS, fetched)
