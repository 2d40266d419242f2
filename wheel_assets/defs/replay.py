"""Replay: what was advised, or would have been, from the snapshots in force at a moment of the past."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from wheel_assets.cache.reading.as_of import loaded_as_of
from wheel_assets.defs.advice import OPTIONAL_INPUTS, advised
from wheel_assets.defs.flow import nodes
from wheel_assets.show.answer import answer_document

if TYPE_CHECKING:
    from wheel_assets.cache.store.store import Store
    from wheel_assets.settings import Settings

NEEDED = ("option_chains", "positions", "greeks", "predictions")


def replayed(
    store: Store,
    settings: Settings,
    when: datetime,
    *,
    symbols: Sequence[str],
    account_id: str,
    portfolio_value: float | None,
) -> dict[str, Any]:
    """The answer's document as of `when` (aware), by the rules in force now; nothing is fetched or stored.

    Raises UsageError where the cache does not go back so far.
    """
    moment = when.astimezone(UTC).replace(tzinfo=None)
    wanted = nodes(settings, {"symbol": symbols, "account_id": (account_id,)})
    loaded = loaded_as_of(store, [node for node in wanted if node.table in (*NEEDED, *OPTIONAL_INPUTS)], NEEDED, moment)
    advice = advised(
        [loaded[table] for table in NEEDED],
        {table: loaded[table] for table in OPTIONAL_INPUTS},
        now=when,
        symbols=tuple(symbols),
        portfolio_value=portfolio_value,
    )
    return answer_document(advice, [read for table in NEEDED for read in loaded[table].reads])
