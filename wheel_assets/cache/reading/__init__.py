"""The read-through: an input is loaded from the cache, or pulled when it is too old."""
