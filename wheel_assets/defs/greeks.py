"""Greeks: what each contract is worth, and how that moves."""

import dagster as dg
import pandas as pd

from wheel_assets.defs.checks import Checked, checked
from wheel_assets.defs.declare import SymbolsConfig, declared
from wheel_assets.tables import GREEKS


@dg.asset(group_name="model", code_version="1", **declared(GREEKS))
def greeks(config: SymbolsConfig, option_chains: pd.DataFrame, risk_free_rate: pd.DataFrame) -> Checked:
    """Implied volatility of the mid, delta, gamma, theta, vega and rho, one row a contract.

    Units and signs: `wheel_assets.greeks.units`. A contract whose quote admits no volatility keeps
    its row, with NULLs and the reason in `status`.
    """
    from wheel_assets.greeks import value_chain  # loads SciPy, which a run on fresh data does not need

    rate = float(risk_free_rate["value"].iloc[0])
    yield from checked(GREEKS, value_chain(option_chains, risk_free_rate=rate))
