"""Greeks: what each contract is worth, and how that moves."""

import dagster as dg
import pandas as pd

from wheel_assets.defs.checks import Checked, checked
from wheel_assets.defs.declare import SymbolsConfig, declared
from wheel_assets.tables import GREEKS


# A new number for everything that changes the numbers; `wheel_assets_tests/greeks/test_code_version.py` holds us to it.
@dg.asset(group_name="model", code_version="2", **declared(GREEKS))
def greeks(config: SymbolsConfig, option_chains: pd.DataFrame, risk_free_rate: pd.DataFrame) -> Checked:
    """Implied volatility of the mid, delta, gamma, theta, vega and rho, one row a contract.

    Units and signs: `wheel_assets.greeks.units`. A contract whose quote admits no volatility keeps
    its row, with NULLs and the reason in `status`.
    """
    from wheel_assets.greeks import ZeroCurve, value_chain  # loads SciPy, which a run on fresh data does not need

    tenors = risk_free_rate.get("tenor_years", float("nan"))
    curve = ZeroCurve.of(tenors, risk_free_rate["value"])
    yield from checked(GREEKS, value_chain(option_chains, risk_free_rate=curve))
