"""Risk-free rates."""
