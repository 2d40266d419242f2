"""Replay: the advice from the snapshots that were in force at an earlier time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from wheel_assets.cache.as_of import loaded_as_of
from wheel_assets.defs.advice_step import INPUTS, advised, symbols_asked
from wheel_assets.defs.flow import NEEDED, nodes
from wheel_assets.errors import UsageError
from wheel_assets.show.answer import answer_document
from wheel_assets.tables import POSITIONS

if TYPE_CHECKING:
    from wheel_assets.cache.store.store import Store
    from wheel_assets.settings import Settings


def replayed(
    store: Store,
    settings: Settings,
    when: datetime,
    *,
    symbols: Sequence[str] | None,
    account_id: str,
    portfolio_value: float | None,
) -> dict[str, Any]:
    """The answer's document as of `when` (aware), by the rules in force now; nothing is fetched or stored.

    `symbols` None are the watchlist and what was held then.

    Raises UsageError where the cache does not go back so far, and for a time that is still to come.
    """
    moment = when.astimezone(UTC).replace(tzinfo=None)
    if moment > store.clock():
        what, why = f"there is no advice as of {moment:%Y-%m-%d %H:%M} UTC", "that time is still to come"
        raise UsageError(what, why, "give a time of the past, in New York")
    account = nodes(settings, {"account_id": (account_id,)})
    positions = loaded_as_of(store, [n for n in account if n.table == POSITIONS.name], (), moment)
    joined = symbols_asked(symbols, positions[POSITIONS.name], store)
    wanted = nodes(settings, {"symbol": joined, "account_id": (account_id,)})
    loaded = loaded_as_of(store, [node for node in wanted if node.table in INPUTS], NEEDED, moment)
    advice = advised(loaded, now=when, symbols=joined, portfolio_value=portfolio_value)
    return answer_document(advice, [read for table in NEEDED for read in loaded[table].reads])
