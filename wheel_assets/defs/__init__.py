"""Definitions: assets (one module a stage of the flow), checks, jobs, resources."""

import gc

# A tenth of a fresh run was spent by the garbage collector in scanning what Dagster and the assets had just imported.
# `gc.freeze()` was rejected: it saves 0.6 s at exit, where Python does so again, but DuckDB's bindings then print a
# page of leaks, for Dagster's own caches hold the definitions.
gc.set_threshold(50_000, 10, 10)
