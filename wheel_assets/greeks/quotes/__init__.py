"""Inference from the quotes of a chain: usable prices, the spot, forwards, dividends, events."""
