"""American options on shares that pay cash dividends at known times.

The share price follows the *spot model*: log-normal between ex-dates, lower by the dividend at each. (In the escrowed
model, the other usual one, the price less the dividends' present value is log-normal; at the same volatility the two
differ by about that volatility times the dividend over the spot.)

European values are those of Bos and Vandermark (*Finessing fixed dividends*, Risk, September 2002): a dividend at time
t of a life T lowers the spot by (1 - t / T) of its present value and raises the strike by t / T of it. The
early-exercise premium is

- of a put: Kim's integral, as in `american`, with the boundary of the put without dividends, which is exact after the
  last ex-date. A put is not exercised shortly before an ex-date, while the interest until then is less than the
  dividend (reasoning: Haug, Haug, Lewis, *Back to basics: a new approach to the discrete dividend problem*, Wilmott
  2003). Earlier the boundary lies lower than without dividends; this is approximated by counting interest less
  dividend in place of the interest;
- of a call: the expected gain of exercising on the eve of an ex-date over holding through it, integrated by
  Gauss-Legendre over the prices beyond the critical one. Of several ex-dates the best one counts, as in Black
  (*Fact and fantasy in the use of options*, Financial Analysts Journal 31, 1975). A positive yield beside the
  dividends adds the premium of `american` for it.

Compared with QuantLib's finite differences: benchmarks/results/dividends.txt.
"""

from __future__ import annotations

from wheel_assets.greeks.dividends.cash import Dividends, as_european
from wheel_assets.greeks.dividends.pricing import premium, price, sensitivities
from wheel_assets.greeks.dividends.search import implied_volatility

__all__ = ["Dividends", "as_european", "implied_volatility", "premium", "price", "sensitivities"]
