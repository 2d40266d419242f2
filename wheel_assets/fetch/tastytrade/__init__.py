"""tastytrade: accounts, option chains, market metrics and events by a refresh token that does not expire."""
