"""The real assets over a cache file of their own, with the source under test in the place of the configured one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from wheel_assets.cache.reading.io_manager import ReadThroughIOManager
from wheel_assets.cache.reading.one_line_errors import OneLineError
from wheel_assets.cache.store.store import Store
from wheel_assets.defs import assets as stages
from wheel_assets.defs.resources import RESOURCES

ROLES = {"option_chains": "market", "price_history": "market", "positions": "account", "risk_free_rate": "rate"}
ROLES |= {"events": "calendar"}
KEYS = {"symbols": ["XYZ"], "account_id": "default"}


class RealAssets:
    """`fetch` materializes the asset of a table from a source; `cache` is all that the file holds."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self.store = Store(folder / "cache" / "cache.duckdb", clock=lambda: now.replace(tzinfo=None))
        self._sources: dict[str, Any] = {}
        self._jobs: dict[str, dg.JobDefinition] = {}
        self._instance = dg.DagsterInstance.ephemeral()
        self._job = dg.Definitions(
            assets=dg.load_assets_from_package_module(stages),
            resources={**RESOURCES, **{role: self._resource(role) for role in set(ROLES.values())}, **self._storage()},
            executor=dg.in_process_executor,
        ).resolve_implicit_global_asset_job_def()

    def fetch(self, table: str, source: Any, **config: Any) -> dict[str, Any]:
        """Materialize; what the event tells. Raises the WheelError that a user would be told."""
        self._sources[ROLES[table]] = source
        fields = {
            "option_chains": "symbols",
            "price_history": "symbols",
            "positions": "account_id",
            "events": "symbols",
        }
        config = {fields[table]: KEYS[fields[table]]} | config if table in fields else {}
        ops = {"ops": {table: {"config": config}}} if config else {}
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        try:
            done = self._only(table).execute_in_process(instance=self._instance, run_config={**ops, **quiet})
        except OneLineError as error:
            raise error.error from None
        return {key: value.value for key, value in done.asset_materializations_for_node(table)[0].metadata.items()}

    def _only(self, table: str) -> dg.JobDefinition:
        """The job of one table, made once."""
        if table not in self._jobs:
            self._jobs[table] = self._job.get_subset(asset_selection={dg.AssetKey(table)})
        return self._jobs[table]

    def newest(self, table: str) -> pd.DataFrame:
        """The rows that were stored last."""
        with self.store.file.attached() as connection:
            newest = f"snapshot_id = (SELECT max(snapshot_id) FROM {table})"
            return connection.execute(f"SELECT * FROM {table} WHERE {newest}").df()

    def cache(self, tables: Collection[str] = tuple(ROLES)) -> dict[str, list[Any]]:
        """The index and every row of every table."""
        with self.store.file.attached() as connection:
            names = ("snapshots", *tables)
            return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in names}

    def _resource(self, role: str) -> dg.ResourceDefinition:
        return dg.ResourceDefinition(lambda _: self._sources[role])

    def _storage(self) -> dict[str, Any]:
        keys = {"symbol": lambda asked: tuple(asked or KEYS["symbols"]), "account_id": lambda _: ("default",)}
        return {"store": self.store, "io_manager": ReadThroughIOManager(self.store, lambda: self._job, keys)}
