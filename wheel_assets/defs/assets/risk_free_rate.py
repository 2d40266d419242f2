"""Risk-free rate by tenor."""

from datetime import UTC

import dagster as dg

from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.progress import reporting_progress
from wheel_assets.defs.checks.table_checks import Checked, checked
from wheel_assets.defs.declare import declared
from wheel_assets.fetch.source import RateSource, watched_by
from wheel_assets.sanitise import one_line
from wheel_assets.tables import RISK_FREE_RATE


@dg.asset(group_name="market", **declared(RISK_FREE_RATE))
def risk_free_rate(
    context: dg.AssetExecutionContext, rate: dg.ResourceParam[RateSource], store: dg.ResourceParam[Store]
) -> Checked:
    """Treasury yields by tenor as continuously compounded zero rates, or the one rate that you set.

    Source: `WHEEL_RATE__SOURCE`. Fetched at most once in `WHEEL_MAX_AGE__RISK_FREE_RATE` minutes, a day by default, for
    all symbols. Sources that failed before it are named in the log and the notes.
    """
    with one_line_errors(), reporting_progress(RISK_FREE_RATE.name, context.log.info) as report, watched_by(report):
        rows = rate.risk_free_rate(store.clock().replace(tzinfo=UTC)).rows()
    for note in rows.notes:
        context.log.warning(one_line(note))
    yield from checked(RISK_FREE_RATE, rows)
