"""The account: what it holds, and what of it is free to trade with."""
