"""Backtest of the rules over the days in the cache.

Pure: days of quotes in, ledgers out.

* day          the quotes of one day, and what was known then
* account      a simulated account: cash to the cent, shares, options, and the ledger of what changed them
* walk         the days in their order: expirations, dividends, orders, value at the end of the day
* strategies   what is traded on a day: the wheel's rules, a plain 30-delta wheel, buy and hold
* document     the walks as one JSON document
"""
