"""Alpaca: accounts and option chains by a key and its secret."""
