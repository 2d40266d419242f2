"""Facts of the market, pure, for everybody."""
