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

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wheel_assets.greeks import american, european
from wheel_assets.greeks.boundary import angles, as_puts, interpolation, log_boundary, sampled
from wheel_assets.greeks.contracts import Contracts, Sensitivities
from wheel_assets.greeks.european import density
from wheel_assets.greeks.normal import cumulative_normal
from wheel_assets.greeks.units import ONE_POINT
from wheel_assets.market.arrays import Bools, Floats
from wheel_assets.market.calendar import DAYS_PER_YEAR

Rows = NDArray[np.bool_] | NDArray[np.intp]

ANGLES = 10  # Gauss points of each stretch between ex-dates
NODES = 10  # Gauss points of a call's gain, to each side of where it levels out
FARTHEST = 7.0  # deviations: beyond, nothing counts
NEWTON_STEPS = 12
BUMP = 1e-3  # of the spot, for delta and gamma of the premium
MAX_STEPS = 60
GENEROUS = 1.3  # a step that lands below the volatility sought, mostly
PRICE_TOLERANCE = 1e-7  # of the strike
VOLATILITY_TOLERANCE = 1e-6  # relative
LOWEST, HIGHEST = 1e-3, 5.0  # volatility below which there is none, and volatility times root of years


class Dividends(NamedTuple):
    """Cash dividends of each contract's shares, shape (contracts, dividends), by rising time.

    `years` from the quote to the ex-date, `amount` dollars a share; those at or after the end of trading, and
    fillers, have the amount 0.
    """

    years: Floats
    amount: Floats

    @classmethod
    def none(cls, contracts: int) -> Dividends:
        """No dividends at all."""
        return cls(np.zeros((contracts, 0)), np.zeros((contracts, 0)))

    def rows(self, which: Rows) -> Dividends:
        """Those of the chosen contracts."""
        return Dividends(self.years[which], self.amount[which])

    @property
    def any(self) -> Bools:
        """Which contracts' shares pay any."""
        return np.asarray((self.amount > 0).any(axis=1))

    def value(self, rate: Floats) -> Floats:
        """What all of them are worth today, dollars a share."""
        total: Floats = (self.amount * np.exp(-rate[:, None] * self.years)).sum(axis=1)
        return total

    def paid_by(self, moment: Floats, carry: Floats, before: int | None = None) -> tuple[Floats, Floats]:
        """What dividends until a moment take off the spot today, and add to the strike then, dollars a share.

        `moment` and `carry` (rate less yield) have one element a contract, or more dimensions behind the first;
        `before` leaves out the dividends from that number on.
        """
        spot, strike = np.zeros_like(moment), np.zeros_like(moment)
        for years, amount in zip(self.years.T[:before], self.amount.T[:before], strict=True):
            years, amount = (x.reshape(x.shape + (1,) * (moment.ndim - 1)) for x in (years, amount))
            share = np.minimum(years / moment, 1.0)
            due = np.where(years <= moment, amount, 0.0) * np.exp(-carry * years)
            spot, strike = spot + due * (1 - share), strike + due * share * np.exp(carry * moment)
        return spot, strike


def as_european(contracts: Contracts, dividends: Dividends) -> Contracts:
    """The contracts without dividends that are worth the same, were they European (Bos and Vandermark)."""
    c = contracts
    spot, strike = dividends.paid_by(c.years, c.rate - c.dividend_yield)
    return c._replace(spot=np.maximum(c.spot - spot, 1e-6 * c.spot), strike=c.strike + strike)


def price(contracts: Contracts, dividends: Dividends, volatility: Floats) -> Floats:
    """Value of American options, dollars a share; never below intrinsic.

    Put at the money on a share that pays 1 % in 30 days of 45, volatility 30 %; 4.4886 by QuantLib's finite
    differences.

    >>> one = Contracts.of(True, 100, 100, 45 / 365, 0.04, 0)
    >>> price(one, Dividends(np.array([[30 / 365]]), np.array([[1.0]])), np.array([0.3])).round(2).tolist()
    [4.49]
    """
    value = european.price(as_european(contracts, dividends), volatility)
    return np.maximum(value + premium(contracts, dividends, volatility), contracts.intrinsic)


def premium(contracts: Contracts, dividends: Dividends, volatility: Floats) -> Floats:
    """What the right to exercise early adds to the European value, dollars a share."""
    extra = np.zeros_like(volatility)
    puts, calls = np.flatnonzero(contracts.is_put), np.flatnonzero(~contracts.is_put)
    for rows, premium_of in ((puts, _put_premium), (calls, _call_premium)):
        if rows.size:
            extra[rows] = premium_of(contracts.rows(rows), dividends.rows(rows), volatility[rows])
    return extra


def implied_volatility(contracts: Contracts, dividends: Dividends, prices: Floats) -> Floats:
    """The volatility that gives the price; NaN where none does, or the price holds no time value.

    A secant search within a bracket (Illinois' variant of regula falsi: Dowell, Jarratt, BIT 11, 1971), from the
    European volatility of the price down.
    """
    prices = np.asarray(prices, dtype=float)
    out = np.full(prices.shape, np.nan)
    rows = np.flatnonzero(
        (prices > contracts.intrinsic) & (prices < np.where(contracts.is_put, contracts.strike, contracts.spot))
    )
    search = _Search.of(rows, contracts.rows(rows), dividends.rows(rows), prices[rows])
    for _ in range(MAX_STEPS):
        search, found, volatility = search.step()
        out[found] = np.where(volatility > LOWEST, volatility, np.nan)
        if not search.row.size:
            break
    return out


class _Search(NamedTuple):
    """Contracts still searched for: their rows, the bracket, and value less price over the strike at its ends."""

    row: Rows
    contracts: Contracts
    dividends: Dividends
    price: Floats
    low: Floats
    high: Floats
    gap_low: Floats
    gap_high: Floats
    moved: Floats  # which end moved last: -1 the lower one, 1 the higher one, 0 neither

    @classmethod
    def of(cls, row: Rows, contracts: Contracts, dividends: Dividends, prices: Floats) -> _Search:
        """The European volatility of the price, and a generous Newton step down from it."""
        like = as_european(contracts, dividends)
        high = european.implied_volatility(like, prices)
        high = np.where(np.isnan(high), HIGHEST / np.sqrt(contracts.years), high)
        nothing = np.zeros_like(high)
        search = cls(row, contracts, dividends, prices, nothing, high, nothing, nothing, nothing)
        gap_high = search.gap(high)
        slope = european.sensitivities(like, high).vega / ONE_POINT / contracts.strike
        low = np.maximum(high - GENEROUS * gap_high / np.maximum(slope, 1e-12) - PRICE_TOLERANCE, LOWEST * high)
        gap_low = search.gap(low)
        beyond = gap_low > 0
        return search._replace(
            low=np.where(beyond, 0.0, low),
            high=np.where(beyond, low, high),
            gap_low=np.where(beyond, -gap_low, gap_low),
            gap_high=np.where(beyond, gap_low, gap_high),
        )

    def gap(self, volatility: Floats) -> Floats:
        """Value less price, over the strike."""
        tried = np.maximum(volatility, LOWEST)
        return (price(self.contracts, self.dividends, tried) - self.price) / self.contracts.strike

    def step(self) -> tuple[_Search, Rows, Floats]:
        """One step on; the rows that are found by it, and their volatilities."""
        slope = np.where(self.gap_high > self.gap_low, self.gap_high - self.gap_low, np.nan)
        secant = self.high - self.gap_high * (self.high - self.low) / slope
        inside = (secant > self.low) & (secant < self.high)
        at_end = np.abs(self.gap_high) <= PRICE_TOLERANCE
        tried = np.where(at_end, self.high, np.where(inside, secant, 0.5 * (self.low + self.high)))
        gap = self.gap(tried)
        below = gap < 0
        done = (np.abs(gap) <= PRICE_TOLERANCE) | (self.high - self.low <= VOLATILITY_TOLERANCE * self.high)
        following = self._replace(
            low=np.where(below, tried, self.low),
            high=np.where(below, self.high, tried),
            gap_low=np.where(below, gap, np.where(self.moved > 0, 0.5 * self.gap_low, self.gap_low)),
            gap_high=np.where(below, np.where(self.moved < 0, 0.5 * self.gap_high, self.gap_high), gap),
            moved=np.where(below, -1.0, 1.0),
        )
        return following.rows(~done), self.row[done], tried[done]

    def rows(self, which: Rows) -> _Search:
        """The chosen contracts."""
        row, contracts, dividends, *numbers = self
        return _Search(row[which], contracts.rows(which), dividends.rows(which), *(column[which] for column in numbers))


def sensitivities(contracts: Contracts, dividends: Dividends, volatility: Floats) -> Sensitivities:
    """Price and Greeks. Units and signs: `wheel_assets.greeks.units`; the dividends held in dollars.

    Those of the European value and difference quotients of the premium; theta follows from the Black-Scholes equation.
    """
    c = contracts
    out = european.sensitivities(as_european(c, dividends), volatility)
    step = BUMP * c.spot
    up, down, dearer = (
        premium(bumped, dividends, sigma)
        for bumped, sigma in (
            (c._replace(spot=c.spot + step), volatility),
            (c._replace(spot=c.spot - step), volatility),
            (c, volatility * (1 + BUMP)),
        )
    )
    extra, in_rate = premium(c, dividends, volatility), c._replace(rate=c.rate + BUMP * ONE_POINT)
    value = out.price + extra
    delta = out.delta + (up - down) / (2 * step)
    gamma = np.maximum(out.gamma + (up - 2 * extra + down) / step**2, 0.0)
    vega = np.maximum(out.vega + (dearer - extra) / (volatility * BUMP) * ONE_POINT, 0.0)
    moved = european.price(as_european(in_rate, dividends), volatility) + premium(in_rate, dividends, volatility)
    theta = c.rate * value - (c.rate - c.dividend_yield) * c.spot * delta - 0.5 * (volatility * c.spot) ** 2 * gamma
    held = Sensitivities(value, delta, gamma, theta / DAYS_PER_YEAR, vega, (moved - value) / BUMP)
    exercised = value <= c.intrinsic
    at_once = Sensitivities(c.intrinsic, np.where(c.is_put, -1.0, 1.0), *[np.zeros_like(value)] * 4)
    return Sensitivities(*(np.where(exercised, stopped, kept) for stopped, kept in zip(at_once, held, strict=True)))


def _put_premium(contracts: Contracts, dividends: Dividends, volatility: Floats) -> Floats:
    """What exercising a put early adds, dollars a share."""
    premium = np.zeros_like(volatility)
    rows = np.flatnonzero(american.exercised_early(contracts))
    c, paid, sigma = contracts.rows(rows), dividends.rows(rows), volatility[rows]
    if not rows.size:
        return premium
    boundary = log_boundary(as_puts(c, sigma)[0])
    begin = np.zeros(rows.size)
    for number, (years, amount) in enumerate(zip(paid.years.T, paid.amount.T, strict=True)):
        ex_date, dividend = np.minimum(years, c.years), np.where(years < c.years, amount, 0.0)
        end = np.maximum(ex_date - np.log1p(dividend / c.strike) / c.rate, begin)
        stretch = _Stretch(begin, end, ex_date, dividend, number)
        premium[rows] += _put_premium_within(stretch, c, paid, sigma, boundary)
        begin = np.maximum(ex_date, begin)
    last = _Stretch(begin, c.years, c.years, np.zeros_like(begin), paid.amount.shape[1])
    premium[rows] += _put_premium_within(last, c, paid, sigma, boundary)
    return premium


class _Stretch(NamedTuple):
    """From one ex-date to when exercising stops to pay before the next `ex_date`; years and dollars a share."""

    begin: Floats
    end: Floats
    ex_date: Floats
    dividend: Floats
    number: int


def _put_premium_within(
    stretch: _Stretch, contracts: Contracts, dividends: Dividends, volatility: Floats, boundary: Floats
) -> Floats:
    """Kim's integral over one stretch of time."""
    c, s = contracts, volatility[:, None]
    angle, weight = angles(ANGLES)
    length = (stretch.end - stretch.begin)[:, None]
    time = np.maximum(stretch.begin[:, None] + length * np.sin(angle) ** 2, 1e-12)
    weight = length * 2 * np.sin(angle) * np.cos(angle) * weight
    rate, dividend_yield = c.rate[:, None], c.dividend_yield[:, None]
    roots = np.sqrt(np.clip(1 - time / c.years[:, None], 1e-8, 1 - 1e-8))
    puts, _ = as_puts(c, volatility)
    at_time = np.exp(sampled(puts, boundary, interpolation(boundary.shape[1], roots))) * c.strike[:, None]
    off_spot, on_strike = dividends.paid_by(time, rate - dividend_yield, stretch.number)
    spot = np.maximum(c.spot[:, None] - off_spot, 1e-6 * c.spot[:, None])
    deviation = s * np.sqrt(time)
    upper = (np.log(spot / (at_time + on_strike)) + (rate - dividend_yield) * time) / deviation + 0.5 * deviation
    below = cumulative_normal(deviation - upper)
    to_come = c.strike[:, None] * np.expm1(rate * (stretch.ex_date[:, None] - time))
    earned = np.where(stretch.dividend[:, None] > 0, 1 - stretch.dividend[:, None] / np.maximum(to_come, 1e-12), 1.0)
    cash = rate * c.strike[:, None] * np.exp(-rate * time) * below
    share = dividend_yield * (
        spot * np.exp(-dividend_yield * time) * cumulative_normal(-upper) - on_strike * np.exp(-rate * time) * below
    )
    within: Floats = (weight * np.clip(earned, 0.0, 1.0) * (cash - share)).sum(axis=1)
    return within


def _call_premium(contracts: Contracts, dividends: Dividends, volatility: Floats) -> Floats:
    """What exercising a call early adds, dollars a share."""
    c = contracts
    best = np.zeros_like(volatility)
    for number in range(dividends.amount.shape[1]):
        rows = np.flatnonzero((dividends.amount[:, number] > 0) & (dividends.years[:, number] < c.years))
        if rows.size:
            gain = _gain_on_the_eve(c.rows(rows), dividends.rows(rows), volatility[rows], number)
            best[rows] = np.maximum(best[rows], gain)
    rows = np.flatnonzero(american.exercised_early(c))
    if rows.size:
        escrowed = as_european(c, dividends).rows(rows)
        best[rows] += american.price(escrowed, volatility[rows]) - european.price(escrowed, volatility[rows])
    return best


def _gain_on_the_eve(contracts: Contracts, dividends: Dividends, volatility: Floats, number: int) -> Floats:
    """What the right to exercise just before one dividend adds to a call: the mean gain beyond the critical price."""
    c, ex_date = contracts, dividends.years[:, number]
    carry, deviation = c.rate - c.dividend_yield, volatility * np.sqrt(ex_date)
    off_spot, on_strike = dividends.paid_by(ex_date, carry, number)
    middle = np.log(np.maximum(c.spot - off_spot, 1e-6 * c.spot)) + (carry - 0.5 * volatility**2) * ex_date
    eve = _Eve.of(c, dividends, volatility, number)

    def deviations(spot: Floats) -> Floats:
        return np.clip((np.log(spot + on_strike) - middle) / deviation, -FARTHEST, FARTHEST)

    critical = deviations(eve.critical())
    level = np.maximum(deviations(eve.strike + eve.off_spot), critical)
    gain = np.zeros_like(volatility)
    node, weight = np.polynomial.legendre.leggauss(NODES)
    for low, high in ((critical, level), (level, np.full_like(level, FARTHEST))):
        half = 0.5 * (high - low)[:, None]
        z = half * (node + 1) + low[:, None]
        spot = np.exp(middle[:, None] + deviation[:, None] * z) - on_strike[:, None]
        gain += (half * weight * density(z) * eve.gained(spot)[0]).sum(axis=1)
    return np.exp(-c.rate * ex_date) * np.maximum(gain, 0.0)


class _Eve(NamedTuple):
    """Calls just before an ex-date: to exercise for `paid`, or to hold without the dividend until the end.

    Held, one is a European call with this `strike` on the spot less `off_spot`; `carried` is rate less yield times
    the `years` left, `share` and `cash` the discounts of both legs.
    """

    paid: Floats
    strike: Floats
    off_spot: Floats
    carried: Floats
    deviation: Floats
    share: Floats
    cash: Floats

    @classmethod
    def of(cls, contracts: Contracts, dividends: Dividends, volatility: Floats, number: int) -> _Eve:
        """Before the dividend of this number; the later ones are still to come."""
        c, ex_date = contracts, dividends.years[:, number]
        later = Dividends(dividends.years[:, number + 1 :] - ex_date[:, None], dividends.amount[:, number + 1 :])
        years, carry = c.years - ex_date, c.rate - c.dividend_yield
        off_spot, on_strike = later.paid_by(years, carry)
        off_spot = off_spot + dividends.amount[:, number]
        discounts = np.exp(-c.dividend_yield * years), np.exp(-c.rate * years)
        return cls(c.strike, c.strike + on_strike, off_spot, carry * years, volatility * np.sqrt(years), *discounts)

    def gained(self, spot: Floats) -> tuple[Floats, Floats]:
        """Exercising less holding, dollars a share, and its slope; spots of shape (calls, any)."""
        paid, strike, off_spot, carried, deviation, share, cash = (column[:, None] for column in self)
        left = np.maximum(spot - off_spot, 1e-9 * strike)
        upper = (np.log(left / strike) + carried) / deviation + 0.5 * deviation
        slope = share * cumulative_normal(upper)
        held = left * slope - strike * cash * cumulative_normal(upper - deviation)
        return spot - paid - held, 1 - slope

    def critical(self) -> Floats:
        """The price from which exercising is right; some huge one where it never is.

        Newton's steps from the left: the gain is concave in the price, so that none goes too far.
        """
        spot = self.paid.copy()
        for _ in range(NEWTON_STEPS):
            gain, slope = (column[:, 0] for column in self.gained(spot[:, None]))
            spot = np.clip(spot - gain / np.maximum(slope, 1e-9), spot, 1e3 * self.paid)
        return spot
