"""The read-through cache: lookup, pull, storage, upkeep and archives."""
