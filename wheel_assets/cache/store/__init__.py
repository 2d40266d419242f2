"""The store: snapshots in one DuckDB file."""
