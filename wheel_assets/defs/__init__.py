"""What exists: one module a stage, in the order of the flow."""

import gc

# A tenth of a fresh run went by in looking for garbage among what Dagster and the assets had just imported.
gc.set_threshold(50_000, 10, 10)
