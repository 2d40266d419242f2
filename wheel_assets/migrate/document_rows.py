"""Documents of the Python API as rows for SQL."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from wheel_assets.migrate import old_shapes
from wheel_assets.migrate.values import read_rows
from wheel_assets.tables import SnapshotTable

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)


def told_rows(table: SnapshotTable, name: str, value: Any, now: datetime) -> pd.DataFrame:
    """A document's contracts, holdings, Greeks or predictions, in the columns of `table`.

    `name` says what the document answers: symbol and expiration, account, contract or id. What does
    not fit is left out and named in the log; of a document of another shape there are no rows.
    """
    facts: dict[str, Any] = {"source": "api", "timestamp": now}
    read, parts = old_shapes.prediction_row, [value]
    if table.name == "option_chains":
        symbol, _, expiration = name.partition(":")
        spot = old_shapes.respelt(value).get("spot_price") if isinstance(value, Mapping) else None
        facts |= {"symbol": symbol, "expiration": expiration, "spot_price": spot}
        read, parts = old_shapes.chain_row, old_shapes.contracts_in(value)
    elif table.name == "positions":
        read, parts = old_shapes.holding_row, old_shapes.holdings_in(value)
        parts = [{**holding, "account_id": name.partition(":")[0]} for holding in parts]
    elif table.name == "greeks":
        read = old_shapes.greeks_row
    rows = list(_readable(read, [{**facts, **each, "timestamp": now} for each in parts], name))
    frame, refused = read_rows(table, rows, [name] * len(rows))
    if refused:
        log.info("%d rows of %s are kept as a document only: %s", len(refused), name, refused[0].reason)
    return frame


def _readable(
    read: Callable[[Mapping[str, Any]], dict[str, Any]], parts: Sequence[Mapping[str, Any]], name: str
) -> Iterator[dict[str, Any]]:
    for each in parts:
        try:
            yield read(each)
        except (ValueError, TypeError) as error:
            log.info("a row of %s is kept as a document only: %s", name, error)
