"""Volatility history: at-the-money implied volatility by day."""

import dagster as dg
import pandas as pd

from wheel_assets.cache.store.store import Store
from wheel_assets.defs.checks.table_checks import Checked, checked
from wheel_assets.defs.declare import SymbolsConfig, declared
from wheel_assets.errors import SourceError
from wheel_assets.fetch.source import RankSource
from wheel_assets.rows import Rows
from wheel_assets.tables import VOLATILITY_HISTORY


@dg.asset(group_name="model", **declared(VOLATILITY_HISTORY))
def volatility_history(
    config: SymbolsConfig, greeks: pd.DataFrame, ranks: dg.ResourceParam[RankSource], store: dg.ResourceParam[Store]
) -> Checked:
    """At-the-money volatility of each symbol by day, with its rank and percentile among the days before.

    A row is added, or today's replaced, whenever the advice is made: only days with a run are known, and `days` is the
    number of days behind a rank. tastytrade's own rank and percentile are used instead where it is a source. Exempt
    from retention.
    """
    from wheel_assets.predict.volatility_history import continued

    index, _ = store.index([(VOLATILITY_HISTORY.name, symbol) for symbol in config.symbols])
    newest = {snapshot.key: snapshot.snapshot_id for snapshot in reversed(index)}
    columns = [column.name for column in VOLATILITY_HISTORY.columns]
    history = store.get(VOLATILITY_HISTORY.name, list(newest.values()))[columns]
    known = continued(history, greeks).reindex(columns=columns)
    yield from checked(VOLATILITY_HISTORY, _ranked(ranks, config.symbols, known))


def _ranked(source: RankSource, symbols: list[str], known: pd.DataFrame) -> Rows:
    """The rows with the ranks of a vendor that offers them; unchanged, with a note, where that fails."""
    from wheel_assets.predict.volatility_history import ranked_by

    try:
        return Rows(ranked_by(known, source.name, source.ranks(symbols)))
    except SourceError as error:
        return Rows(known, notes=(f"ranks of volatility are of the days in the cache: {error}",))
