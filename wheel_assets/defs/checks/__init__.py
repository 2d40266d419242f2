"""Asset checks: rows of each table, freshness."""
