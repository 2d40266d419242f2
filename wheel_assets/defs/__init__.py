"""Definitions: assets (one module a stage of the flow), checks, jobs, resources."""

import atexit
import gc

# Looking for garbage among the 300,000 objects of Dagster and the assets took a fifth of a fresh run: while they were
# imported, and three times at exit, of which the first finds nothing that the others do not.
# `gc.freeze()` was rejected: it saves another 0.3 s at exit, but DuckDB's bindings then print a page of leaks, for
# Dagster's own caches hold the definitions.
gc.set_threshold(50_000, 10, 10)
atexit.register(gc.disable)
