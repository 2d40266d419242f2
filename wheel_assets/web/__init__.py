"""Dagster's web server for one person: behind a guard, private, and ended as one."""
