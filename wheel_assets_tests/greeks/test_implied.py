"""The search for American volatilities: where it starts, what it may not do, and that rows are independent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.greeks import american, european
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.greeks.implied import american_volatility


def test_a_put_above_the_discounted_strike_has_a_volatility_only_as_american():
    put, price = Contracts.of(True, 60, 100, 2, 0.08, 0.0), np.array([90.0])  # the discounted strike is 85.2
    assert np.isnan(european.implied_volatility(put, price)[0])
    volatility = american_volatility(put, price).volatility
    assert american.price(put, volatility)[0] == pytest.approx(90, abs=1e-3)


@given(st.floats(0.6, 1.6), st.floats(0.02, 2), st.floats(0.01, 0.08), st.floats(0.001, 0.5), st.booleans())
def test_the_american_volatility_gives_the_price_and_is_not_above_the_european(moneyness, years, rate, extra, put):
    contract = Contracts.of(put, 100 * moneyness, 100, years, rate, 0.03)
    price = american.price(contract, np.array([1e-3])) + extra * 10  # above what it is worth without volatility
    found = american_volatility(contract, price).volatility
    assert american.price(contract, found)[0] == pytest.approx(price[0], abs=5e-3)
    as_european = european.implied_volatility(contract, price)
    assert np.isnan(as_european[0]) or found[0] <= as_european[0] * (1 + 1e-6)


def test_every_row_is_solved_as_if_it_were_alone():
    rng = np.random.default_rng(2)
    contracts = Contracts.of(rng.random(40) < 0.5, rng.uniform(70, 140, 40), 100, rng.uniform(0.01, 2, 40), 0.06, 0.03)
    prices = contracts.intrinsic + rng.uniform(-1, 6, 40)
    together = american_volatility(contracts, prices)
    alone = [american_volatility(contracts.rows(slice(row, row + 1)), prices[row : row + 1]) for row in range(40)]
    np.testing.assert_allclose(together.volatility, np.concatenate([each.volatility for each in alone]), rtol=1e-9)
    here = np.concatenate([each.nearby.here for each in alone])
    np.testing.assert_allclose(together.nearby.here, here, rtol=1e-9)


def test_the_boundaries_left_behind_give_the_same_greeks_as_a_new_one():
    contracts = Contracts.of([True, False], [95, 110], 100, 0.5, 0.05, 0.04)
    prices = american.price(contracts, np.array([0.3, 0.3]))
    volatility, nearby = american_volatility(contracts, prices)
    reused = american.sensitivities(contracts, volatility, nearby=nearby)
    np.testing.assert_allclose(reused, american.sensitivities(contracts, volatility), rtol=1e-3)
