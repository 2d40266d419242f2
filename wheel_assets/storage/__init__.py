"""The cache from Python, without Dagster."""
