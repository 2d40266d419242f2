"""The advice as the assets `recommendation` and `candidates` both make it: the same inputs, the same rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from wheel_assets.cache.reading.io_manager import PullConfig
from wheel_assets.cache.reading.one_line import one_sentence
from wheel_assets.cache.reading.request import OPTIONAL, OPTIONAL_PULLED
from wheel_assets.defs.declare import settings, where_known
from wheel_assets.defs.resources import wanted_symbols
from wheel_assets.vendor import EVENTS, TRANSACTIONS

if TYPE_CHECKING:
    from wheel_assets.cache.reading.loaded import LoadedInput
    from wheel_assets.cache.store.store import Store
    from wheel_assets.recommend.advice import Advice


class RecommendationConfig(PullConfig):
    """What one run may ask differently; every field is optional."""

    symbols: list[str] = Field(
        default=list(settings().symbols), description="symbols to advise on, for example [SMCI, BRK.B]"
    )
    account_id: str = Field(
        default=settings().account_id, description="account to advise on; `default` is the broker's only one"
    )
    portfolio_value: float | None = Field(
        default=settings().portfolio_value,
        description="dollars to size against, for example 50000; the account's liquidation value if not set",
    )
    max_age_minutes: dict[str, float] = Field(
        default=settings().max_age.model_dump(), description="how old each input may be, minutes; 0 asks anew"
    )


# What the advice can do without: used where it is there, or pulled where its source is named.
OPTIONAL_INPUTS = {
    "events": where_known(EVENTS),
    "transactions": where_known(TRANSACTIONS),
    "volatility_history": dg.AssetIn(metadata=OPTIONAL_PULLED),
    "price_history": dg.AssetIn(metadata=OPTIONAL),
}


def advised(
    needed: Sequence[LoadedInput],
    known: Mapping[str, LoadedInput],
    *,
    now: datetime,
    symbols: Sequence[str],
    portfolio_value: float | None,
) -> Advice:
    """The advice at `now` (aware) from chains, positions, Greeks and predictions, and optional inputs by name."""
    from wheel_assets.recommend.advice import Inputs, advise

    with one_sentence():
        advice = advise(
            *(loaded.frame for loaded in needed),
            strategy=settings().strategy,
            now=now,
            symbols=symbols,
            portfolio_value=portfolio_value,
            inputs=Inputs(
                **{name: loaded.frame for name, loaded in known.items()}, cash_is_net=settings().broker.cash_is_net
            ),
            not_evaluated={key: why for loaded in needed for key, why in loaded.not_fetched.items()},
        )
    return replace(advice, warnings=(*advice.warnings, *_remarks(known)))


def asked_of(config: RecommendationConfig, store: Store) -> dict[str, Any]:
    """The keyword arguments of `advised` that a run's config and the store's clock decide."""
    return {
        "now": store.clock().replace(tzinfo=UTC),
        "symbols": wanted_symbols(config.symbols),
        "portfolio_value": config.portfolio_value,
    }


def _remarks(inputs: Mapping[str, LoadedInput]) -> list[str]:
    """What is peculiar about inputs that the advice can do without, and why some are missing; each said once."""
    failed = [f"no {table}: {why}" for table, loaded in inputs.items() for why in loaded.not_fetched.values()]
    notes = [note for loaded in inputs.values() for read in loaded.reads for note in read["notes"]]
    return list(dict.fromkeys([*failed, *notes]))
