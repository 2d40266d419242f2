"""A backup: the cache as a dated archive of Parquet files, and back again."""
