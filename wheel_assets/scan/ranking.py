"""The best put of each symbol, over the results of all: one query."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wheel_assets.scan.snapshots import RESULTS

if TYPE_CHECKING:
    import pandas as pd

    from wheel_assets.scan.snapshots import ScanFolder

# Equal objectives are ordered by code, so that the ranking does not depend on the order of files.
_QUERY = """
    WITH best AS (
        SELECT * FROM read_parquet($results, union_by_name = true)
        WHERE failures = 0 AND list_contains($symbols, symbol)
        QUALIFY row_number() OVER (PARTITION BY symbol ORDER BY objective DESC NULLS LAST, option_symbol) = 1
    )
    SELECT row_number() OVER (ORDER BY objective DESC NULLS LAST, option_symbol) AS rank,
        * EXCLUDE (failures, first_failed)
    FROM best ORDER BY rank
"""


def ranked(folder: ScanFolder, *, now: datetime, max_age: timedelta, fingerprint: str) -> pd.DataFrame:
    """The columns of `tables.SCAN` of each symbol's best put that breaks no rule, after its `rank`, best first.

    Of symbols whose results are in force at `now` (naive UTC): not older than `max_age`, made as `fingerprint` says.
    """
    symbols = in_force(folder, now=now, max_age=max_age, fingerprint=fingerprint)
    if not symbols:
        import pandas as pd

        return pd.DataFrame()
    return folder.ask(_QUERY, {"symbols": symbols})


def in_force(folder: ScanFolder, *, now: datetime, max_age: timedelta, fingerprint: str) -> list[str]:
    """The symbols whose results may be ranked at `now`, by name."""
    stamps = folder.about(RESULTS)
    return sorted(symbol for symbol, about in stamps.items() if about.in_force(now, max_age, fingerprint))
