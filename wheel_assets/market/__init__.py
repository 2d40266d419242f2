"""Facts of the market: trading calendar, option symbols, index options, ticks, freshness of quotes."""
