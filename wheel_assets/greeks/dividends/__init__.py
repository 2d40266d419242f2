"""American options on shares that pay cash dividends at known times.

The shares follow the *spot model*: log-normal between ex-dates, lower by the dividend at each. (In the other usual
one, the escrowed model, the shares less the dividends' present value are log-normal; at one and the same volatility
the two differ by that volatility times the dividend over the spot.)

European values are those of Bos and Vandermark (*Finessing fixed dividends*, Risk, September 2002): a dividend at time
t of a life T moves the spot by the share (1 - t / T) of its present value and the strike by the share t / T. What
the right to exercise early adds:

- to a put Kim's integral, as in `american`, with the boundary of the put without dividends, which after the last
  ex-date is exact. Nobody exercises shortly before an ex-date: while the interest to come until then is less than
  the dividend (Ellis, Haug, Lewis; *Back to basics*, Wilmott 2003, tell the reasoning). Before that the boundary is
  lower than without dividends, which is answered by counting the interest less the dividend instead of the interest;
- to a call what exercising on the eve of an ex-date pays more than holding it through: the mean of it over the prices
  beyond the one from which it is right, by Gauss-Legendre. Of several ex-dates the best one counts, as in Black
  (*Fact and fantasy in the use of options*, Financial Analysts Journal 31, 1975). A positive yield beside the
  dividends adds the premium of `american` for it.

Against QuantLib's finite differences: benchmarks/results/dividends.txt.
"""

from __future__ import annotations

from wheel_assets.greeks.dividends.cash import Dividends, as_european
from wheel_assets.greeks.dividends.pricing import premium, price, sensitivities
from wheel_assets.greeks.dividends.search import implied_volatility

__all__ = ["Dividends", "as_european", "implied_volatility", "premium", "price", "sensitivities"]
