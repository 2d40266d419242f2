"""Every contract that could be opened, with its numbers and all the rules it breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.recommend.advice import Advice
    from wheel_assets.recommend.rules.verdicts import Verdicts

_NUMBERS = (
    *("symbol", "expiration", "strike", "option_type", "days", "bid", "ask", "spread", "delta", "open_interest"),
    *("volume", "premium", "collateral", "annualized_return", "prob_itm", "expected_return", "objective"),
    *("iv_rank", "event_days", "quantity"),
)
_COUNTS = ("days", "quantity", "open_interest", "volume")


def candidates(advice: Advice) -> pd.DataFrame:
    """One row per contract: the columns of `tables.CANDIDATES` without those that every snapshot has.

    Advised contracts first, then those that break no rule, best objective first, then the nearest misses: fewest
    broken rules, then the one that passed most before its first.
    """
    import pandas as pd

    puts, calls, unserved = advice.verdicts
    judged = (puts.of(~puts.table.index.isin(unserved.table.index)), unserved, calls)
    table = pd.concat([_explained(verdicts) for verdicts in judged if len(verdicts.table)] or [_explained(calls)])
    opened = advice.frame[advice.frame["action"].isin(["open_csp", "open_cc"])]
    table["advised"] = table["option_symbol"].isin(opened["option_symbol"])
    for name in _COUNTS:
        table[name] = table[name].replace([np.inf, -np.inf], np.nan).round().astype("Int64")
    table["event_days"] = table["event_days"].replace([np.inf], np.nan)
    table["objective"] = table["objective"].replace([-np.inf], np.nan)
    table["timestamp"] = advice.frame["timestamp"].min()
    best = ["advised", "failures", "order", "miss", "objective", "option_symbol"]
    ranked = table.sort_values(best, ascending=[False, True, False, True, False, True], kind="stable")
    return ranked.drop(columns=["order", "miss"]).reset_index(drop=True)


def _explained(verdicts: Verdicts) -> pd.DataFrame:
    """The numbers of the candidates and what they fail; `order` and `miss` as of `Verdicts.refused`."""
    table = verdicts.table.reindex(columns=_NUMBERS).reset_index(names="option_symbol")
    failures = verdicts.every_failure()
    by_contract = failures.groupby("option_symbol", sort=False)
    first = by_contract.first()
    code = table["option_symbol"]
    return table.assign(
        failures=code.map(by_contract.size()).fillna(0).astype("int64"),
        failed=code.map(by_contract["rule"].agg(", ".join)),
        reasons=code.map(by_contract["detail"].agg("; ".join)),
        settings=code.map(failures[failures["setting"] != ""].groupby("option_symbol")["setting"].agg(_settings)),
        order=code.map(first["order"]).fillna(np.inf),
        miss=code.map(first["miss"]).fillna(0.0),
    )


def _settings(names: pd.Series) -> str:
    return ", ".join(dict.fromkeys(names))
