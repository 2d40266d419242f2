"""The asset hands each contract the rate of its tenor, whatever the table of rates has to tell."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.defs.assets.greeks import greeks as asset
from wheel_assets.defs.assets.greeks import without_volatility_before
from wheel_assets.defs.declare import SymbolsConfig
from wheel_assets.fetch.sample.sources import SampleMarket
from wheel_assets.tables import GREEKS

RATES = [
    ({"value": [0.03]}, 0.03, 0.03),
    ({"value": [0.03], "tenor_years": [np.nan]}, 0.03, 0.03),
    ({"value": [0.05, 0.01], "tenor_years": [3.0, 0.0]}, 0.01, 0.05),
]


@pytest.mark.parametrize(("rates", "at_once", "in_three_years"), RATES)
def test_rates_of_contracts_come_from_the_table_of_rates(tmp_path, rates, at_once, in_three_years):
    chain = SampleMarket().option_chain("U", datetime(2026, 11, 22, 15, tzinfo=UTC)).frame
    made = asset(SymbolsConfig(), chain, pd.DataFrame(rates), pd.DataFrame(), store=Store(tmp_path / "cache.duckdb"))
    values = next(made).value.frame
    expected = at_once + (in_three_years - at_once) * values["years"] / 3
    np.testing.assert_allclose(values["risk_free_rate"], expected, atol=1e-12)


@pytest.mark.parametrize(("vendor", "measured"), [("constant+sample", {"U": 0.0}), ("cboe+constant", {})])
def test_greeks_are_measured_against_those_of_the_same_vendor(tmp_path, vendor, measured):
    store, rate = Store(tmp_path / "cache.duckdb"), pd.DataFrame({"value": [0.03]})
    chain = SampleMarket().option_chain("U", datetime(2026, 11, 22, 15, tzinfo=UTC)).frame
    config = SymbolsConfig(symbols=["U"])
    first = next(asset(config, chain, rate, pd.DataFrame(), store=store)).value.frame
    store.put(GREEKS.name, [Entry("U", first[first["iv"].notna()], vendor)])
    assert without_volatility_before(store, ["U"], {"sample"}) == measured
