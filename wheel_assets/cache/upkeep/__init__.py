"""What keeps the cache small, whole and accounted for."""
