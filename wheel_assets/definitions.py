"""Entry point of Dagster: the assets, what they work with, and the in-process executor.

One process a run: the file has one user at a time, and a few small steps are done before another
process would have started. Nothing here ever starts by itself: no schedule, sensor or condition.
"""

from __future__ import annotations

import dagster as dg

from wheel_assets.defs import assets
from wheel_assets.defs.checks.freshness import freshness_checks
from wheel_assets.defs.jobs.archives import ARCHIVE_JOBS
from wheel_assets.defs.jobs.recommend import RECOMMEND
from wheel_assets.defs.jobs.scan import SCAN_UNIVERSE
from wheel_assets.defs.jobs.upkeep import JOBS
from wheel_assets.defs.resources import RESOURCES

# `load_from_defs_folder` was rejected: it wants a pyproject.toml above the package, which an installed
# package does not have, and takes 150 ms of every command.
defs = dg.Definitions(
    assets=dg.load_assets_from_package_module(assets),
    asset_checks=[freshness_checks],
    jobs=[RECOMMEND, SCAN_UNIVERSE, *JOBS, *ARCHIVE_JOBS],
    resources=RESOURCES,
    executor=dg.in_process_executor,
)
