"""Puts of many symbols screened by the opening rules, each symbol as if it were the only one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from wheel_assets.market.calendar import new_york_day
from wheel_assets.recommend.account.state import Account
from wheel_assets.recommend.bounds import Bounds
from wheel_assets.recommend.contracts_table import contracts_table, utc
from wheel_assets.recommend.opening.candidates import put_candidates
from wheel_assets.recommend.outlook import read_outlook
from wheel_assets.recommend.portfolio.room import room_of
from wheel_assets.recommend.rules.rule import Use
from wheel_assets.recommend.rules.verdicts import judged
from wheel_assets.recommend.situation import Situation

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.strategy import StrategySettings


def screened_puts(
    option_chains: pd.DataFrame,
    greeks: pd.DataFrame,
    predictions: pd.DataFrame,
    *,
    strategy: StrategySettings,
    now: datetime,
    cash: float,
) -> pd.DataFrame:
    """One row a put, in the order of the chain: its numbers, how many rules it breaks, and the first of them.

    The account is `cash` dollars and nothing else, and no symbol takes room from another: what is said of a symbol
    does not depend on which others are screened with it. Calls need shares, so there are none; earnings are known
    only where the chain prices them. The columns are those of `tables.SCAN` that are computed here.
    """
    now, bounds = utc(now), Bounds(strategy)
    symbols = tuple(dict.fromkeys(option_chains["symbol"]))
    contracts = contracts_table(option_chains, greeks, predictions, symbols=symbols, now=now, bounds=bounds)
    spots = {str(symbol): spot for symbol, spot in contracts.groupby("symbol")["spot_price"].max().dropna().items()}
    quoted_on = {str(s): new_york_day(utc(t)) for s, t in option_chains.groupby("symbol")["timestamp"].max().items()}
    situation = Situation(
        account=Account("scan", cash, cash, {}, (), cash, spots),
        contracts=contracts,
        strategy=strategy,
        symbols=symbols,
        not_evaluated={},
        today=new_york_day(now),
        outlook=read_outlook(now=now, quoted_on=quoted_on),
    )
    verdicts = judged(put_candidates(situation, room_of(situation, 0.0)), Use.OPEN, "put", bounds)
    names = np.array([rule.name for rule in verdicts.rules] + [None], dtype=object)
    puts = verdicts.table.rename_axis("option_symbol").reset_index()
    puts["failures"], puts["first_failed"] = verdicts.failed.sum(axis=0), names[verdicts.first]
    return puts
