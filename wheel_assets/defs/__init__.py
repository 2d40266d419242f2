"""Definitions: assets (one module a stage of the flow), checks, jobs, resources."""

import gc

# A tenth of a fresh run was spent by the garbage collector in scanning what Dagster and the assets had just imported.
# Two ways to spare the three collections at exit were rejected, for DuckDB's bindings then print a page of leaks:
# `gc.freeze()`, 0.3 s, because Dagster's own caches hold the definitions, and `gc.disable()` at exit, 0.03 s.
gc.set_threshold(50_000, 10, 10)
