"""Schwab's Trader API: login, accounts and option chains."""
