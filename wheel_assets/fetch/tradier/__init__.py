"""Tradier: accounts, option chains and events by a personal token."""
