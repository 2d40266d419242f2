"""Dagster's web server for a single user, behind an authenticating guard."""
