"""The advice as a job: the same selection as **Materialize** of `recommendation`."""

import dagster as dg

RECOMMEND = dg.define_asset_job(
    "recommend",
    selection=dg.AssetSelection.assets("recommendation"),
    description="Advice for now: the same as Materialize of recommendation: what it needs is taken from the "
    "cache where that is fresh and fetched where it is not. Advice only: nothing is ever ordered.",
)
