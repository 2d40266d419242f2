"""Recommendation: what to do now."""

from datetime import UTC

import dagster as dg
import pandas as pd
from pydantic import Field

from wheel_assets.cache.io_manager import PullConfig
from wheel_assets.cache.sentence import one_sentence
from wheel_assets.cache.store import Store
from wheel_assets.defs.checks import Checked, checked
from wheel_assets.defs.declare import declared, settings
from wheel_assets.defs.resources import wanted_symbols
from wheel_assets.tables import RECOMMENDATION


class RecommendationConfig(PullConfig):
    """What one run may ask differently; every field is optional."""

    symbols: list[str] = Field(default=list(settings().symbols), description="symbols to advise on")
    account_id: str = Field(default=settings().account_id, description="account to advise on")
    portfolio_value: float | None = Field(
        default=settings().portfolio_value,
        description="dollars to size against; the account's liquidation value if not set",
    )


@dg.asset(group_name="advice", code_version="1", **declared(RECOMMENDATION))
def recommendation(
    context: dg.AssetExecutionContext,
    config: RecommendationConfig,
    option_chains: pd.DataFrame,
    positions: pd.DataFrame,
    greeks: pd.DataFrame,
    predictions: pd.DataFrame,
    store: dg.ResourceParam[Store],
) -> Checked:
    """What should I do now? Puts and calls to sell, what to close, roll or hold, and why; best first.

    Materialize this. What it needs is taken from the cache where that is fresh and fetched where it is
    not. Advice only: nothing is ever ordered.

    The very first time Dagster warns that nothing upstream has been materialized: confirm, it will be.
    """
    from wheel_assets.recommend.advice import advise
    from wheel_assets.recommend.answer import answer_document
    from wheel_assets.recommend.markdown import as_markdown

    inputs = (option_chains, positions, greeks, predictions)
    with one_sentence():
        advice = advise(
            *inputs,
            strategy=settings().strategy,
            now=store.clock().replace(tzinfo=UTC),
            symbols=wanted_symbols(config.symbols),
            portfolio_value=config.portfolio_value,
            not_evaluated={key: why for frame in inputs for key, why in frame.attrs["not_fetched"].items()},
        )
    document = answer_document(advice, [read for frame in inputs for read in frame.attrs["reads"]])
    text = as_markdown(document)
    context.log.info(text)
    metadata = {"advice": dg.MetadataValue.md(text), "answer": dg.MetadataValue.json(document)}
    yield from checked(RECOMMENDATION, advice.frame, metadata)
