"""Advice for the assets `recommendation` and `candidates`: the same inputs, the same rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from wheel_assets.cache.reading.io_manager import PullConfig
from wheel_assets.cache.reading.loaded_input import LoadedInput
from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.reading.request import OPTIONAL, OPTIONAL_PULLED
from wheel_assets.defs.declare import settings, where_known
from wheel_assets.defs.flow import NEEDED, underlyings
from wheel_assets.defs.resources import wanted_symbols
from wheel_assets.settings import AccountAlias
from wheel_assets.vendor import EVENTS, TRANSACTIONS

if TYPE_CHECKING:
    from wheel_assets.cache.store.store import Store
    from wheel_assets.recommend.advice import Advice


class RecommendationConfig(PullConfig):
    """Run config of the advice; every field is optional."""

    symbols: list[str] | None = Field(
        default=None,
        description="symbols to advise on, for example [SMCI, BRK.B]; the watchlist and all that is held if not set",
    )
    account_id: AccountAlias = Field(
        default=settings().account_id, description="account to advise on; `default` is the broker's only one"
    )
    portfolio_value: float | None = Field(
        default=settings().portfolio_value,
        description="dollars to size against, for example 50000; the account's liquidation value if not set",
    )
    max_age_minutes: dict[str, float] = Field(
        default=settings().max_age.model_dump(), description="how old each input may be, minutes; 0 fetches again"
    )


# Optional inputs: used where stored; pulled only where a source is configured.
OPTIONAL_INPUTS = {
    "events": where_known(EVENTS),
    "transactions": where_known(TRANSACTIONS),
    "volatility_history": dg.AssetIn(metadata=OPTIONAL_PULLED),
    "price_history": dg.AssetIn(metadata=OPTIONAL),
}
INPUTS = {
    name: dg.AssetIn(metadata=each.metadata, dagster_type=LoadedInput)
    for name, each in ({name: dg.AssetIn() for name in NEEDED} | OPTIONAL_INPUTS).items()
}


def advised(
    inputs: Mapping[str, LoadedInput], *, now: datetime, symbols: Sequence[str], portfolio_value: float | None
) -> Advice:
    """The advice at `now` (aware) from the `INPUTS` by name."""
    from wheel_assets.recommend.advice import Inputs, advise

    known = {name: inputs[name] for name in OPTIONAL_INPUTS}
    with one_line_errors():
        advice = advise(
            **{name: inputs[name].frame for name in NEEDED},
            strategy=settings().strategy,
            now=now,
            symbols=symbols,
            portfolio_value=portfolio_value,
            inputs=Inputs(
                **{name: loaded.frame for name, loaded in known.items()}, cash_is_net=settings().broker.cash_is_net
            ),
            not_evaluated={key: why for name in NEEDED for key, why in inputs[name].not_fetched.items()},
        )
    return replace(advice, warnings=(*advice.warnings, *_remarks(known, advice.not_evaluated)))


def advised_now(config: RecommendationConfig, inputs: Mapping[str, LoadedInput], store: Store) -> Advice:
    """The advice for a run's config, as of the store's clock."""
    return advised(
        inputs,
        now=store.clock().replace(tzinfo=UTC),
        symbols=symbols_asked(config.symbols, inputs["positions"], store),
        portfolio_value=config.portfolio_value,
    )


def symbols_asked(asked: Sequence[str] | None, positions: LoadedInput, store: Store) -> tuple[str, ...]:
    """The symbols of a run's config; without any, the watchlist and the underlyings of the positions."""
    held = () if asked else underlyings(store, [read["snapshot_id"] for read in positions.reads])
    return tuple(dict.fromkeys([*wanted_symbols(asked), *held]))


def _remarks(inputs: Mapping[str, LoadedInput], reported: Mapping[str, str]) -> list[str]:
    """Notes on the optional inputs, and the reasons why some are missing, without duplicates.

    `reported` are the reasons of symbols without any data, which the answer contains already.
    """
    missing = [(table, why) for table, loaded in inputs.items() for why in loaded.not_fetched.values()]
    failed = [f"no {table}: {why}" for table, why in missing if why not in reported.values()]
    notes = [note for loaded in inputs.values() for read in loaded.reads for note in read["notes"]]
    return list(dict.fromkeys([*failed, *notes]))
