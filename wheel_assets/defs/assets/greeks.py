"""Greeks: implied volatility and sensitivities of each contract."""

from datetime import timedelta

import dagster as dg
import pandas as pd

from wheel_assets.cache.store.store import Store
from wheel_assets.defs.checks.sanity import without_volatility
from wheel_assets.defs.checks.table_checks import Checked, checked
from wheel_assets.defs.declare import SymbolsConfig, declared, settings, where_known
from wheel_assets.errors import StoreDamaged
from wheel_assets.tables import GREEKS
from wheel_assets.vendor import EVENTS


@dg.asset(
    group_name="model",
    ins={"events": where_known(EVENTS)},
    **declared(GREEKS),
)
def greeks(
    config: SymbolsConfig,
    option_chains: pd.DataFrame,
    risk_free_rate: pd.DataFrame,
    events: pd.DataFrame,
    store: dg.ResourceParam[Store],
) -> Checked:
    """Implied volatility of the mid, delta, gamma, theta, vega and rho, one row a contract.

    Units and signs: `wheel_assets.greeks.units`. A contract whose quote admits no volatility keeps
    its row, with NULLs and the reason in `status`. Dividends of `events` are priced in as cash. A spot that the
    options contradict is replaced or refused, as `WHEEL_MARKET__SPOT_MISMATCH` says.
    """
    from wheel_assets.greeks import ZeroCurve, valued_chain  # which a run on fresh data does not need

    tenors = risk_free_rate.get("tenor_years", float("nan"))
    curve = ZeroCurve.of(tenors, risk_free_rate["value"])
    mismatch = settings().market.spot_mismatch
    valued = valued_chain(option_chains, risk_free_rate=curve, events=events, spot_mismatch=mismatch)
    before = without_volatility_before(store, config.symbols, set(option_chains["source"]))
    yield from checked(GREEKS, valued, before=before)


def without_volatility_before(store: Store, symbols: list[str], vendors: set[str]) -> dict[str, float]:
    """`without_volatility` of the newest Greeks of each symbol that are not older than a day, to measure against.

    Only of the same vendor: another vendor that quotes fewer contracts is no anomaly.
    """
    index, _ = store.index([(GREEKS.name, symbol) for symbol in symbols])
    comparable = [
        snapshot
        for snapshot in index
        if store.clock() - snapshot.created_at < timedelta(days=1) and vendors <= set(snapshot.source.split("+"))
    ]
    newest = {snapshot.key: snapshot.snapshot_id for snapshot in reversed(comparable)}
    if not newest:
        return {}
    try:
        without = without_volatility(store.get(GREEKS.name, list(newest.values())))
    except StoreDamaged:  # the earlier Greeks only serve a comparison
        return {}
    return {str(symbol): float(share) for symbol, share in without.items()}
