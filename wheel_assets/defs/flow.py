"""The flow as plain values: inputs, code version and settings of each table.

The assets take their declarations from it; statistics and `wheel recommend` use it without Dagster.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wheel_assets import tables
from wheel_assets.cache.policy import WHOLE, Node
from wheel_assets.cache.stored_answers import Question, find
from wheel_assets.fetch.registry import has_source, vendor_fingerprint
from wheel_assets.settings import TICKER
from wheel_assets.vendor import BROKER, EVENTS, MARKET, RATE, TRANSACTIONS

if TYPE_CHECKING:
    from wheel_assets.cache.store.store import Store
    from wheel_assets.settings import Settings
    from wheel_assets.tables import SnapshotTable


@dataclass(frozen=True)
class Stage:
    """A table's asset: code version, inputs, and which of them are optional."""

    table: SnapshotTable
    code_version: str
    upstream: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()


# Required inputs of the advice; the others are optional.
NEEDED = ("option_chains", "positions", "greeks", "predictions")
_SCANNED = ("option_chains", "risk_free_rate", "greeks", "predictions")
_KNOWN_OR_NOT = ("events", "transactions", "volatility_history", "price_history")

# Inputs first. A new code version for everything that changes the numbers:
# `wheel_assets_tests/defs/assets/test_code_version.py` enforces it.
STAGES: Mapping[str, Stage] = {
    stage.table.name: stage
    for stage in (
        Stage(tables.OPTION_CHAINS, "1"),
        Stage(tables.POSITIONS, "1"),
        Stage(tables.TRANSACTIONS, "1"),
        Stage(tables.RISK_FREE_RATE, "2"),
        Stage(tables.PRICE_HISTORY, "1"),
        Stage(tables.EVENTS, "1"),
        Stage(tables.GREEKS, "5", ("option_chains", "risk_free_rate", "events"), frozenset({"events"})),
        Stage(tables.VOLATILITY_HISTORY, "1", ("greeks",)),
        Stage(tables.PREDICTIONS, "3", ("option_chains", "greeks", "price_history"), frozenset({"price_history"})),
        Stage(tables.CANDIDATES, "2", (*NEEDED, *_KNOWN_OR_NOT), frozenset(_KNOWN_OR_NOT)),
        Stage(tables.RECOMMENDATION, "4", (*NEEDED, *_KNOWN_OR_NOT), frozenset(_KNOWN_OR_NOT)),
    )
}

# The role of the vendor that fills a table; the other tables are computed.
_FETCHED_BY = {
    "option_chains": MARKET,
    "price_history": MARKET,
    "positions": BROKER,
    "transactions": TRANSACTIONS,
    "risk_free_rate": RATE,
    "events": EVENTS,
}


def fingerprint(table: str, settings: Settings) -> str:
    """Fingerprint of a table: the settings that its data depend on besides inputs and code version."""
    if role := _FETCHED_BY.get(table):
        return vendor_fingerprint(settings, role)
    strategy = settings.strategy
    rules = _digest(strategy.model_dump_json() + str(settings.broker.cash_is_net))
    chosen = {
        "greeks": settings.market.spot_mismatch,
        "predictions": f"{strategy.price} {strategy.commission}",
        "candidates": rules,
        "recommendation": rules,
    }
    return chosen.get(table, "")


SCAN_VERSION = "1"  # version of the scan's own columns, besides Greeks and predictions


def scan_fingerprints(settings: Settings) -> tuple[str, str]:
    """Fingerprints of a scan's chains and of its results."""
    parts = [f"{name} {STAGES[name].code_version} {fingerprint(name, settings)}" for name in _SCANNED]
    rules = f"{fingerprint('candidates', settings)} {settings.portfolio_value}"
    return parts[0], _digest("|".join([SCAN_VERSION, *parts, rules]))


def nodes(settings: Settings, keys: Mapping[str, Collection[str]] | None = None) -> tuple[Node, ...]:
    """Every stage as `cache.policy` judges it; `keys` are those wanted, by key column."""
    wanted = keys or {}
    return tuple(
        Node(
            table=name,
            keys=tuple(wanted.get(stage.table.key, ())) if stage.table.key else (WHOLE,),
            key_column=stage.table.key,
            upstream=stage.upstream,
            max_age=settings.max_age.of(name),
            fingerprint=f"{stage.code_version}|{fingerprint(name, settings)}",
            optional=stage.optional,
        )
        for name, stage in STAGES.items()
    )


def question(symbols: Sequence[str], account_id: str, portfolio_value: float | None) -> Question:
    """The question of `recommendation`; equal for the same symbols in any order."""
    asked = {"symbols": sorted(set(symbols)), "account_id": account_id, "portfolio_value": portfolio_value}
    return Question(tables.RECOMMENDATION.name, asked)


def stored_answer(
    store: Store, settings: Settings, symbols: Sequence[str] | None, account_id: str, portfolio_value: float | None
) -> dict[str, Any] | None:
    """The answer of `recommendation` that is in force and fresh, else None.

    `symbols` None are the watchlist and what is held now.
    """
    joined = symbols or (*settings.symbols, *underlyings(store, newest_positions(store, account_id)))
    keys = {"symbol": tuple(dict.fromkeys(joined)), "account_id": [account_id]}
    unknown = [
        table for table, role in (("events", EVENTS), ("transactions", TRANSACTIONS)) if not has_source(settings, role)
    ]
    asked = question(joined, account_id, portfolio_value)
    return find(store, asked, nodes(settings, keys), ("price_history", *unknown))


_HELD = """
    SELECT coalesce(underlying, symbol) AS ticker FROM positions
    WHERE list_contains(?, snapshot_id) AND asset_type IN ('stock', 'option') GROUP BY ticker
    HAVING bool_or(asset_type = 'option') OR sum(quantity) >= 100 ORDER BY ticker
"""


def underlyings(store: Store, positions: Sequence[int]) -> tuple[str, ...]:
    """Tickers that snapshots of positions name: those of options, and of shares enough for a covered call.

    They join the watchlist, so that every holding gets advice. What is not a ticker is reported by the advice.
    """
    if not positions:
        return ()
    with store.file.attached() as connection:
        rows = connection.execute(_HELD, [list(positions)]).fetchall()
    return tuple(ticker for (ticker,) in rows if TICKER.fullmatch(ticker))


def newest_positions(store: Store, account_id: str) -> list[int]:
    """Id of the newest snapshot of an account's positions, regardless of age; empty where there is none."""
    index, _ = store.index([(tables.POSITIONS.name, account_id)])
    return [index[0].snapshot_id] if index else []


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
