"""The DuckDB file: snapshots in, snapshots out."""
