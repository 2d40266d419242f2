"""The main job, for whoever looks for it among the jobs."""

import dagster as dg

recommend = dg.define_asset_job(
    "recommend",
    selection="recommendation",
    description="What should I do now? The same as Materialize on the asset `recommendation`: inputs that are too old "
    "are pulled first.",
)
