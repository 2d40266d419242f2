"""Dagster's own records: where they lie, and that many first users at once make them whole."""
