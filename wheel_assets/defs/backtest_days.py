"""Trading days with cached option chains, in the order in which a backtest walks them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from wheel_assets.backtest.day import Day
from wheel_assets.cache.as_of import loaded_as_of
from wheel_assets.defs.flow import nodes
from wheel_assets.errors import StoreDamaged
from wheel_assets.market.calendar import is_session, new_york_day
from wheel_assets.recommend.advice import Inputs
from wheel_assets.tables import GREEKS, OPTION_CHAINS, PREDICTIONS, SnapshotTable

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.cache.store.store import Store
    from wheel_assets.settings import Settings

# Optional inputs that are read from the cache; transactions are simulated.
KNOWN = ("events", "price_history", "volatility_history")
_CHAINS = """
    SELECT snapshot_id, key, timestamp, created_at FROM snapshots
    WHERE table_name = 'option_chains' AND list_contains(?, key) ORDER BY timestamp, created_at, snapshot_id
"""
_MADE_OF = """
    SELECT max(snapshot_id) FROM snapshots WHERE table_name = ? AND list_has_any(inputs, ?) GROUP BY key
"""


@dataclass
class BacktestDays:
    """The days between two dates with at least one chain of `symbols`, the last chain of each day and symbol.

    `skipped` collects, while the days are read, those that could not be read, with the reason.
    """

    store: Store
    settings: Settings
    symbols: Sequence[str]
    start: date | None = None
    end: date | None = None
    skipped: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Day]:
        """Each day, read lazily, oldest first."""
        for day, snapshots in self._last_of_each_day().items():
            try:
                yield self._read(snapshots)
            except StoreDamaged as error:
                self.skipped.append(f"{day}: {error}")

    def _last_of_each_day(self) -> dict[date, list[tuple[int, datetime, datetime]]]:
        """Snapshot id, time of the quotes and time of caching, one a symbol, by the quotes' day in New York."""
        with self.store.file.attached() as connection:
            rows = connection.execute(_CHAINS, [list(self.symbols)]).fetchall()
        days: dict[date, dict[str, tuple[int, datetime, datetime]]] = {}
        for snapshot_id, key, timestamp, created_at in rows:
            day = new_york_day(timestamp.replace(tzinfo=UTC))
            if is_session(day) and (self.start or day) <= day <= (self.end or day):
                days.setdefault(day, {})[key] = (snapshot_id, timestamp, created_at)
        return {day: list(last.values()) for day, last in sorted(days.items())}

    def _read(self, snapshots: Sequence[tuple[int, datetime, datetime]]) -> Day:
        ids = [snapshot_id for snapshot_id, _, _ in snapshots]
        chains = self.store.get(OPTION_CHAINS.name, ids)
        when = max(created for _, _, created in snapshots)
        wanted = [n for n in nodes(self.settings, {"symbol": self.symbols}) if n.table in (*KNOWN, "risk_free_rate")]
        loaded = {name: found.frame for name, found in loaded_as_of(self.store, wanted, (), when).items()}
        greeks, made_of = self._kept(GREEKS, ids)
        missing = chains[~chains["symbol"].isin(set(greeks["symbol"]))]
        greeks = _together(GREEKS, greeks, _valued(missing, loaded, self.settings))
        predictions, _ = self._kept(PREDICTIONS, made_of)
        missing = chains[~chains["symbol"].isin(set(predictions["symbol"]))]
        predictions = _together(PREDICTIONS, predictions, _predicted(missing, greeks, self.settings))
        inputs = Inputs(**{name: loaded[name] for name in KNOWN}, cash_is_net=False)
        now = max(timestamp for _, timestamp, _ in snapshots).replace(tzinfo=UTC)
        return Day(now, chains, greeks, predictions, inputs)

    def _kept(self, table: SnapshotTable, ids: Sequence[int]) -> tuple[pd.DataFrame, list[int]]:
        """The stored rows that were made from exactly these snapshots, and their ids."""
        with self.store.file.attached() as connection:
            rows = connection.execute(_MADE_OF, [table.name, list(ids)]).fetchall() if ids else []
        found = [row[0] for row in rows]
        return self.store.get(table.name, found), found


def _valued(chains: pd.DataFrame, loaded: dict[str, pd.DataFrame], settings: Settings) -> pd.DataFrame | None:
    """The Greeks of chains without stored ones, from inputs known at the time."""
    from wheel_assets.greeks import ZeroCurve, value_chain

    if chains.empty:
        return None
    rate, events = loaded["risk_free_rate"], loaded["events"]
    curve = settings.rate.value if rate.empty else ZeroCurve.of(rate["tenor_years"], rate["value"])
    return value_chain(chains, risk_free_rate=curve, events=events, spot_mismatch=settings.market.spot_mismatch).assign(
        created_at=chains["created_at"].to_numpy()
    )


def _predicted(chains: pd.DataFrame, greeks: pd.DataFrame, settings: Settings) -> pd.DataFrame | None:
    """The predictions of chains without stored ones."""
    from wheel_assets.predict import predict_chain

    if chains.empty:
        return None
    terms: dict[str, Any] = {"price": settings.strategy.price, "commission": settings.strategy.commission}
    made = predict_chain(chains, greeks, **terms)
    return made.assign(created_at=chains["created_at"].to_numpy())


def _together(table: SnapshotTable, kept: pd.DataFrame, made: pd.DataFrame | None) -> pd.DataFrame:
    """Stored and newly computed rows together, stored columns only."""
    import pandas as pd

    if made is None:
        return kept
    created_at = made["created_at"].to_numpy()
    rows = table.conform(made.drop(columns="created_at")).assign(snapshot_id=0, created_at=created_at)
    return table.restore(pd.concat([kept, rows], ignore_index=True) if len(kept) else rows)
