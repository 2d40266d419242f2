"""Cost basis of shares, the broker's and net of premiums; collateral opened today."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING

from wheel_assets.market.calendar import new_york_times

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.recommend.account.state import Account
    from wheel_assets.recommend.situation import Situation


def basis_of(situation: Situation, symbol: str) -> float:
    """Cost basis that the setting `call_basis` selects, dollars a share; NaN where none is known.

    Net of premiums falls back on the broker's where the transactions do not determine it.
    """
    broker, net = situation.account.cost_basis(symbol), situation.net_basis.get(symbol, math.nan)
    known = [basis for basis in (broker, net) if not math.isnan(basis)]
    choice = situation.bounds.of(symbol).call_basis
    if choice == "net" and not math.isnan(net):
        return net
    if choice in ("higher", "lower") and known:
        return max(known) if choice == "higher" else min(known)
    return broker


def strike_floor(situation: Situation, symbol: str) -> float:
    """Least strike of a call: the basis, or where unknown the share price now; NaN where the setting asks for none."""
    if situation.bounds.of(symbol).call_basis == "none":
        return math.nan
    basis = basis_of(situation, symbol)
    return situation.account.spots.get(symbol, math.inf) if math.isnan(basis) else basis


def collateral_opened(transactions: pd.DataFrame | None, account: Account, today: date) -> float:
    """Collateral of the open short puts that were sold today, dollars; only those that the transactions contain."""
    if transactions is None or not len(transactions):
        return 0.0
    when = new_york_times(transactions["executed_at"]).dt.date
    sold = transactions[(when == today) & (transactions["kind"] == "trade") & (transactions["quantity"] < 0)]
    sizes = sold.dropna(subset="option_symbol").groupby("option_symbol")["quantity"].sum().abs().to_dict()
    puts = [o for o in account.options if o.is_short and o.is_readable and o.option_type == "put"]
    return math.fsum(
        account.collateral(put) * min(1.0, float(sizes.get(put.symbol, 0.0)) / put.contracts) for put in puts
    )
