"""What shares cost, as the broker says and net of premiums; and what was opened today already."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from wheel_assets.market.calendar import new_york_times

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.recommend.account.state import Account
    from wheel_assets.recommend.situation import Situation


def basis_of(situation: Situation, symbol: str) -> float:
    """Dollars a share that the setting `call_basis` goes by; NaN where neither cost is known.

    Net of premiums falls back on the broker's where the transactions do not tell.
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


def net_basis(transactions: pd.DataFrame | None, shares: Mapping[str, float]) -> dict[str, float]:
    """Dollars a share that the shares held cost, all premiums, dividends and fees of their cycle counted.

    A cycle begins when the account holds nothing of a symbol, neither shares nor options. `transactions` are rows of
    the account (symbol the underlying, option_symbol NULL for shares, quantity signed, amount signed dollars, fees
    in). A symbol is left out where they do not lead to the `shares` that are held: they are incomplete.
    """
    if transactions is None or not len(transactions):
        return {}
    known = {}
    for symbol, rows in transactions.sort_values("executed_at", kind="stable").groupby("symbol"):
        held: dict[str, float] = defaultdict(float)
        paid = 0.0
        for row in rows.itertuples():
            if all(abs(quantity) < 1e-9 for quantity in held.values()):
                paid = 0.0
            code = row.option_symbol if isinstance(row.option_symbol, str) else ""
            held[code] += _number(row.quantity)
            paid -= _number(row.amount)
        wanted = shares.get(str(symbol), 0.0)
        if wanted > 0 and abs(held[""] - wanted) < 1e-6 and math.isfinite(paid):
            known[str(symbol)] = paid / wanted
    return known


def collateral_opened(transactions: pd.DataFrame | None, account: Account, today: date) -> float:
    """Dollars behind the open short puts that were sold today, as far as the transactions tell."""
    if transactions is None or not len(transactions):
        return 0.0
    when = new_york_times(transactions["executed_at"]).dt.date
    sold = transactions[(when == today) & (transactions["kind"] == "trade") & (transactions["quantity"] < 0)]
    sizes = sold.dropna(subset="option_symbol").groupby("option_symbol")["quantity"].sum().abs().to_dict()
    puts = [o for o in account.options if o.is_short and o.is_readable and o.option_type == "put"]
    return math.fsum(
        account.collateral(put) * min(1.0, float(sizes.get(put.symbol, 0.0)) / put.contracts) for put in puts
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and value == value else math.nan
