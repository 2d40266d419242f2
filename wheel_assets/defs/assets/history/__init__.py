"""History: transactions, cycles of the wheel, volatility."""
