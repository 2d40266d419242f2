"""A made-up market and account, to try everything without a broker, a key or a network."""
