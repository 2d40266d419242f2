"""Your own assets over the read-through cache: run `dagster dev -f examples/own_graph/definitions.py`."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pandas as pd

from wheel_assets.cache.reading.duckdb_family import CacheResource, ReadThroughDuckDBIOManager
from wheel_assets.cache.reading.io_manager import freshness
from wheel_assets.tables import Column, SnapshotTable

COLUMNS = (Column("timestamp", "TIMESTAMP", "as of", required=True), Column("celsius", "DOUBLE", "temperature"))
TABLES = [SnapshotTable(name, f"the {name}", COLUMNS) for name in ("readings", "report")]


@dg.asset(freshness_policy=freshness(timedelta(minutes=10)))
def readings() -> pd.DataFrame:
    """Fetched when somebody needs it and the last answer is older than ten minutes."""
    return pd.DataFrame({"timestamp": [datetime.now(UTC).replace(tzinfo=None)], "celsius": [21.5]})


@dg.asset
def report(readings: pd.DataFrame) -> pd.DataFrame:
    """Materialize this: its input is loaded while it is fresh, and pulled where it is not."""
    return readings[["timestamp", "celsius"]].tail(1)


class Cache(ReadThroughDuckDBIOManager):
    """What the cache keeps, and where to find what can make it."""

    @staticmethod
    def tables() -> list[SnapshotTable]:
        return TABLES

    @staticmethod
    def everything() -> dg.JobDefinition:
        return defs.resolve_implicit_global_asset_job_def()


_FILE = "own_graph.duckdb"
defs = dg.Definitions(
    [readings, report],
    resources={"io_manager": Cache(database=_FILE), "duckdb": CacheResource(database=_FILE)},
    executor=dg.in_process_executor,
)
