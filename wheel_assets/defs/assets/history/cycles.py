"""Cycles: profit of the wheel by symbol."""

from datetime import UTC
from typing import Any

import dagster as dg
from pydantic import Field

from wheel_assets.cache.reading.io_manager import PullConfig
from wheel_assets.cache.reading.loaded_input import LoadedInput
from wheel_assets.cache.reading.request import OPTIONAL_PULLED
from wheel_assets.cache.store.store import Store
from wheel_assets.defs.declare import OWNER, settings
from wheel_assets.market.calendar import NEW_YORK
from wheel_assets.settings import AccountAlias
from wheel_assets.show import markdown


class CyclesConfig(PullConfig):
    """Run config: the account."""

    account_id: AccountAlias = Field(
        default=settings().account_id, description="account; `default` is the broker's only one"
    )


@dg.asset(
    group_name="account",
    code_version="1",
    kinds={"duckdb", "pandas"},
    owners=[OWNER],
    ins={"positions": dg.AssetIn(metadata=OPTIONAL_PULLED)},
)
def cycles(
    config: CyclesConfig, transactions: LoadedInput, positions: LoadedInput, store: dg.ResourceParam[Store]
) -> dg.MaterializeResult[None]:
    """The wheel's cycles by symbol: premiums, assigned shares, basis net of premiums, profit.

    Materialize it to see them; `wheel cycles` prints the same. Where cycles and positions disagree, the difference is
    reported and there is no net basis. Transactions and positions are read through the cache; nothing is stored.
    """
    from wheel_assets.recommend.cycles import cycles as cycles_of
    from wheel_assets.show.views.cycles_view import COLUMNS, NUMBERS, cycle_cells, cycles_document, remarks

    today = store.clock().replace(tzinfo=UTC).astimezone(NEW_YORK).date()
    history = cycles_of(transactions.frame, None if positions.frame.empty else positions.frame, today)
    reads: list[dict[str, Any]] = [dict(read) for loaded in (transactions, positions) for read in loaded.reads]
    document = cycles_document(history, reads, [note for read in reads[:1] for note in read["notes"]])
    table = markdown.table(COLUMNS, cycle_cells(document), NUMBERS)
    metadata: dict[str, Any] = {
        "summary": dg.MetadataValue.md("\n\n".join([*remarks(document), table])),
        "document": dg.MetadataValue.json(document),
        "profit": document["profit"],
    }
    return dg.MaterializeResult(metadata=metadata)
