"""What a seller makes: closed forms, a large sample, and what no seller can escape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from wheel_assets.predict.distribution import Distribution
from wheel_assets.predict.seller_returns import Sale, SellerReturns, seller_returns

FORWARD, DEVIATION = 100.0, 0.2
DRAWS = FORWARD * np.exp(DEVIATION * ndtri((np.arange(400_000) + 0.5) / 400_000) - 0.5 * DEVIATION**2)


def _distribution() -> Distribution:
    z = np.linspace(-9, 9, 4001)
    return Distribution.of(FORWARD, np.exp(DEVIATION * z - 0.5 * DEVIATION**2), ndtr(z))


def _sale(strike: float, premium: float, put: bool = True, commission: float = 0.0065) -> Sale:
    base, collateral = (strike, strike) if put else (FORWARD, FORWARD)
    return Sale(*(np.array([value]) for value in (premium, commission, strike, base, collateral)))


@pytest.mark.parametrize(("suffix", "commission"), [("", 0.0065), ("_before_commission", 0.0)])
@pytest.mark.parametrize("put", [True, False])
@pytest.mark.parametrize("strike", [70.0, 90.0, 100.0, 120.0])
def test_every_number_is_that_of_a_large_sample(put, strike, suffix, commission):
    sale = _sale(strike, 2.0, put)
    returns = np.sort((2.0 - commission + np.minimum(DRAWS, strike) - sale.base[0]) / sale.collateral[0])
    found = seller_returns(sale, _distribution())._asdict()
    expected = {
        "expected_return": returns.mean(),
        "cvar_95": returns[: returns.size // 20].mean(),
        "prob_profit": (returns > 0).mean(),
        **{f"return_{part}": np.quantile(returns, part / 100) for part in (5, 50, 95)},
    }
    assert {name: found[name + suffix][0] for name in expected} == pytest.approx(expected, abs=2e-4)


def test_before_and_after_commission_tell_the_same_things():
    names = SellerReturns._fields
    assert [f"{name}_before_commission" for name in names[:6]] == list(names[6:])


def test_selling_at_the_fair_price_earns_nothing_before_commission():
    d1 = np.log(FORWARD / 95) / DEVIATION + 0.5 * DEVIATION
    fair = 95 * ndtr(DEVIATION - d1) - FORWARD * ndtr(-d1)
    found = seller_returns(_sale(95.0, fair), _distribution())
    assert found.expected_return_before_commission[0] == pytest.approx(0, abs=1e-6)
    assert found.expected_return[0] == pytest.approx(-0.0065 / 95, abs=1e-6)


@given(st.floats(60, 140), st.floats(0.01, 20))
def test_put_and_covered_call_of_one_strike_are_one_position(strike, put_premium):
    call_premium = put_premium + FORWARD - strike  # put-call parity, undiscounted
    put = seller_returns(_sale(strike, put_premium), _distribution())
    call = seller_returns(_sale(strike, call_premium, put=False), _distribution())
    for of_put, of_call in zip(put[:2], call[:2], strict=True):
        assert of_put[0] * strike == pytest.approx(of_call[0] * FORWARD, abs=1e-8)
    assert put.prob_profit[0] == pytest.approx(call.prob_profit[0], abs=1e-8)


@given(st.floats(60, 140), st.floats(0.01, 20), st.booleans())
def test_the_worst_is_never_better_than_the_mean_nor_the_mean_than_the_premium(strike, premium, put):
    found = seller_returns(_sale(strike, premium, put), _distribution())
    best = (premium - 0.0065 + strike - (strike if put else FORWARD)) / (strike if put else FORWARD)
    assert found.cvar_95[0] <= found.return_5[0] + 1e-9 <= found.return_50[0] + 2e-9 <= found.return_95[0] + 3e-9
    assert found.cvar_95[0] <= found.expected_return[0] + 1e-9 <= best + 2e-9
    assert 0 <= found.prob_profit[0] <= 1


def test_without_a_premium_there_are_no_returns():
    found = seller_returns(_sale(95.0, np.nan), _distribution())
    assert all(np.isnan(column[0]) for column in found)
