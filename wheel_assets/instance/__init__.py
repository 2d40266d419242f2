"""Dagster's own records (runs, events, schedules): location, safe creation, retention."""
