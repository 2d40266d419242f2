"""The read-through: an input is loaded from the cache, or pulled first when it is stale."""
