"""The account: its holdings, and what of them is free to trade with."""
