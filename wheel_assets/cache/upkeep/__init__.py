"""Upkeep of the cache: retention, compaction, recovery, statistics, costs."""
