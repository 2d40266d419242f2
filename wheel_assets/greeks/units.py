"""Every convention of prices, volatilities and Greeks, stated once; all docstrings refer to this page.

| quantity         | convention                                                                               |
|------------------|------------------------------------------------------------------------------------------|
| price, strike    | dollars a share; a contract is `multiplier` shares                                       |
| years            | from the quote to the end of trading, in years of 365 days, to the second                |
| end of trading   | 16:00 New York on the expiration date; the day before for AM-settled index roots         |
| rate             | risk-free, continuously compounded, decimal a year (0.04 is 4 %), each contract's own    |
|                  | by its years where a curve is known                                                      |
| dividend yield   | continuous, decimal a year: forward = spot * exp((rate - dividend yield) * years); it    |
|                  | stands for all carry besides the rate (dividends, borrow fee), and may be negative       |
| volatility       | of log returns, decimal a year (0.25 is 25 %)                                            |
| mid              | (bid + ask) / 2 where bid > 0 and ask >= bid, otherwise there is none                    |
| delta            | dollars a dollar of spot; calls 0 to 1, puts -1 to 0 (a negative yield would take deep   |
|                  | calls above 1: they are held at 1)                                                       |
| gamma            | change of delta a dollar of spot; never negative                                         |
| theta            | dollars a share a calendar day (1/365 year); mostly negative                             |
| vega             | dollars a share for one volatility point (0.01)                                          |
| rho              | dollars a share for one point of rate (0.01), dividend yield held                        |
| position         | every number is of one share of a *long* option; a seller turns the signs                |
| exercise         | American; European for the cash-settled index roots in `indices.EUROPEAN_ROOTS`          |
| missing          | NaN; never 0, never the nearest number that would fit                                    |

`status` of a valued row, the first that applies:

| status           | meaning                                                                                  |
|------------------|------------------------------------------------------------------------------------------|
| ok               | iv and all Greeks are numbers                                                            |
| expired          | trading has ended                                                                        |
| no_spot          | the underlying has no possible price                                                     |
| no_strike        | the contract has no possible strike                                                      |
| missing          | neither bid nor ask                                                                      |
| no_bid, no_ask   | one side only: there is no mid                                                           |
| crossed          | ask below bid                                                                            |
| below_intrinsic  | the mid holds no time value: no volatility gives it                                      |
| above_bound      | the mid is no less than what it could ever pay                                           |
| arbitrage        | other quotes contradict it beyond their widths: see `quotes.arbitrage`, `quotes.parity`  |
| spot_mismatch    | the options contradict the quoted spot, and it was not replaced: see `quotes.spot`       |
| wide             | the quote leaves the volatility open: ask - bid is more than half of iv times vega       |
| no_convergence   | the solver did not reach the price                                                       |

A locked quote (bid equal to ask) has a mid and is valued. `wide` is judged in volatility, not in percent of the
price: 0.05 bid, 0.10 asked, far out of the money determines the volatility within a few points and is kept; a deep
in-the-money quote two dollars wide does not and is rejected. No volatility is ever clamped. Of the Greeks only delta
is: a negative yield can take a deep call's above 1.

Dividends that are known, or that the options price, are paid in cash (`greeks.dividends`); `dividend_yield` is then
that of the whole forward, with them. What American prices promise, and what is outside of it: `greeks.american`.
"""

from __future__ import annotations

ONE_POINT = 0.01  # vega and rho are quoted for one percentage point
WIDE_SHARE_OF_VOLATILITY = 0.5
