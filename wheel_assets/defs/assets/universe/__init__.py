"""A scan of many symbols: partitions by symbol, and the ranking over all of them."""
