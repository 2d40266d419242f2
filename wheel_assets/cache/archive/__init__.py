"""Backup of the cache to dated Parquet archives, and restore."""
