"""Published yields to zero rates: printed examples, QuantLib's bootstrap, and what a bond at par must be worth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.fetch.rates.bootstrap import zero_rates

YIELD = st.floats(-0.01, 0.25)


def discount(zeros, years):
    return math.exp(-np.interp(years, list(zeros), list(zeros.values())) * years)


def test_a_bill_costs_what_the_treasury_computes():
    # 31 CFR Part 356, Appendix B, VI: 20 days at an investment rate of 8.076 % cost 99.559444.
    (rate,) = zero_rates({20 / 365: 0.08076}).values()
    assert 100 * math.exp(-rate * 20 / 365) == pytest.approx(99.559444, abs=5e-5)


def test_a_flat_curve_has_the_effective_yield_that_the_treasury_prints():
    # home.treasury.gov, interest rates FAQ: a yield of 8.00 % is an annual percentage yield of 8.16 %.
    zeros = zero_rates(dict.fromkeys((0.5, 1.0, 2.0, 3.0), 0.08))
    assert [math.expm1(rate) for rate in zeros.values()] == pytest.approx([0.0816] * 4, abs=1e-12)


def test_a_curve_of_hull_is_found_again():
    # Hull, Options, Futures, and Other Derivatives, 9th edition, table 4.2 and section 4.4: zero rates of
    # 5.0, 5.8, 6.4 and 6.8 % make a two-year par yield of 6.87 %.
    zeros = {0.5: 0.05, 1.0: 0.058, 1.5: 0.064, 2.0: 0.068}
    d = [math.exp(-rate * years) for years, rate in zeros.items()]
    pars = {years: 2 * (1 - d[i]) / sum(d[: i + 1]) for i, years in enumerate(zeros)}
    assert pars[2.0] == pytest.approx(0.0687, abs=5e-5)
    assert zero_rates(pars) == pytest.approx(zeros, abs=1e-12)


@pytest.mark.parametrize(
    "pars",
    [
        {1 / 12: 0.0412, 0.25: 0.0397, 0.5: 0.0388, 1.0: 0.0371, 2.0: 0.0355, 3.0: 0.0352},
        {0.25: 0.001, 0.5: 0.002, 1.0: 0.01, 2.0: 0.03, 3.0: 0.05},
        {0.25: 0.0, 0.5: -0.005, 1.0: -0.002, 2.0: 0.001, 3.0: 0.004},
    ],
)
def test_quantlib_bootstraps_the_same(pars):
    ql = pytest.importorskip("QuantLib")
    today, flat = ql.Date(1, 1, 2026), ql.SimpleDayCounter()
    ql.Settings.instance().evaluationDate = today
    tenors = {years: ql.Period(round(12 * years), ql.Months) for years in pars}
    helpers = [
        ql.DepositRateHelper(par, tenors[years], 0, ql.NullCalendar(), ql.Unadjusted, False, flat)
        for years, par in pars.items()
        if years <= 0.5
    ]
    for years, par in pars.items():
        if years > 0.5:
            dates = ql.MakeSchedule(today, today + tenors[years], ql.Period(6, ql.Months))
            quote = ql.QuoteHandle(ql.SimpleQuote(100.0))
            helpers.append(ql.FixedRateBondHelper(quote, 0, 100.0, dates, [par], flat))
    curve = ql.PiecewiseLinearZero(today, helpers, flat)
    curve.enableExtrapolation()
    theirs = {years: curve.zeroRate(today + tenors[years], flat, ql.Continuous).rate() for years in pars}
    assert zero_rates(pars) == pytest.approx(theirs, abs=1e-7)


@given(bills=st.dictionaries(st.sampled_from([1 / 12, 1 / 6, 0.25, 0.5]), YIELD, min_size=1), bonds=st.data())
def test_every_security_is_worth_par(bills, bonds):
    pars = bills | bonds.draw(st.dictionaries(st.sampled_from([1.0, 2.0, 3.0]), YIELD))
    zeros = zero_rates(pars)
    assert list(zeros) == sorted(pars)
    for years, par in pars.items():
        times = np.arange(years, 0, -0.5) if years > 0.5 else [years]
        coupon = par * min(years, 0.5)
        worth = sum(coupon * discount(zeros, t) for t in times) + discount(zeros, years)
        assert worth == pytest.approx(1.0, abs=1e-10)
