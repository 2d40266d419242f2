"""The scan as a job: the assets of the universe, on the executor that the settings name."""

import dagster as dg

from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.defs.declare import settings
from wheel_assets.defs.executors import executor_of

with one_line_errors():
    _EXECUTOR = executor_of(settings().scan)

SCAN_UNIVERSE = dg.define_asset_job(
    "scan_universe",
    selection=dg.AssetSelection.assets("scan", "scan_ranking"),
    executor_def=_EXECUTOR,
    tags={"wheel/vendor": settings().market.source},  # for a limit of runs in a queue, see docs/scale.md
    description="Screen the puts of many symbols, and rank the best of each. `wheel scan` runs it for the symbols that "
    "are not fresh, after it has filled the universe; every symbol is a request to the market source.",
)
