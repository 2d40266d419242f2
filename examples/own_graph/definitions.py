"""Your own assets over the read-through cache: run `dagster dev -f examples/own_graph/definitions.py`."""

from datetime import timedelta

import dagster as dg
import pandas as pd

from wheel_assets.cache.reading.duckdb_io_manager import ReadThroughDuckDBIOManager
from wheel_assets.cache.reading.io_manager import freshness
from wheel_assets.cache.reading.validation import checked


@dg.asset(freshness_policy=freshness(timedelta(minutes=10)))
def readings() -> pd.DataFrame:
    """Fetched when somebody needs it and the last answer is older than ten minutes."""
    return pd.DataFrame({"at": [pd.Timestamp.now("UTC")], "celsius": [21.5]})


@dg.asset
def report(readings: pd.DataFrame) -> pd.DataFrame:
    """Materialize this: its input is loaded while it is fresh, and pulled where it is not."""
    return readings.tail(1)


cache = ReadThroughDuckDBIOManager(database="own_graph.duckdb")
defs = checked(dg.Definitions([readings, report], resources={"io_manager": cache}))
