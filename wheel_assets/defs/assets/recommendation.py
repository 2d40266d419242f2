"""Recommendation: what to do now."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from typing import Any

import dagster as dg
from pydantic import Field

from wheel_assets.cache.answers import keep
from wheel_assets.cache.reading.io_manager import PullConfig
from wheel_assets.cache.reading.loaded import LoadedInput
from wheel_assets.cache.reading.one_line import one_sentence
from wheel_assets.cache.reading.pull import PULLED
from wheel_assets.cache.reading.request import OPTIONAL, OPTIONAL_PULLED
from wheel_assets.cache.store.store import Store
from wheel_assets.defs.checks.table_checks import Checked, checked
from wheel_assets.defs.declare import declared, settings, where_known
from wheel_assets.defs.flow import nodes, question
from wheel_assets.defs.resources import wanted_symbols
from wheel_assets.rows import Rows
from wheel_assets.tables import RECOMMENDATION
from wheel_assets.vendors import EVENTS, TRANSACTIONS

AT_A_GLANCE = ("#", "type into the broker", "credit", "assigned")  # as much as the asset's page has room for


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


_OPTIONAL = {
    "events": where_known(EVENTS),
    "transactions": where_known(TRANSACTIONS),
    "volatility_history": dg.AssetIn(metadata=OPTIONAL_PULLED),
    "price_history": dg.AssetIn(metadata=OPTIONAL),
}


@dg.asset(group_name="advice", ins=_OPTIONAL, **declared(RECOMMENDATION))
def recommendation(
    context: dg.AssetExecutionContext,
    config: RecommendationConfig,
    option_chains: LoadedInput,
    positions: LoadedInput,
    greeks: LoadedInput,
    predictions: LoadedInput,
    events: LoadedInput,
    transactions: LoadedInput,
    volatility_history: LoadedInput,
    price_history: LoadedInput,
    store: dg.ResourceParam[Store],
) -> Checked:
    """What should I do now? Puts and calls to sell, what to close, roll or hold, and why; best first.

    Materialize this. What it needs is taken from the cache where that is fresh and fetched where it is
    not. Advice only: nothing is ever ordered.

    The very first time Dagster warns that nothing upstream has been materialized: confirm, it will be.
    """
    from wheel_assets.recommend.advice import Inputs, advise
    from wheel_assets.show.answer import answer_document
    from wheel_assets.show.markdown import as_markdown

    inputs = (option_chains, positions, greeks, predictions)
    more = {
        "events": events,
        "transactions": transactions,
        "volatility_history": volatility_history,
        "price_history": price_history,
    }
    with one_sentence():
        advice = advise(
            *(loaded.frame for loaded in inputs),
            strategy=settings().strategy,
            now=store.clock().replace(tzinfo=UTC),
            symbols=wanted_symbols(config.symbols),
            portfolio_value=config.portfolio_value,
            inputs=Inputs(
                **{name: loaded.frame for name, loaded in more.items()}, cash_is_net=settings().broker.cash_is_net
            ),
            not_evaluated={key: why for loaded in inputs for key, why in loaded.not_fetched.items()},
        )
    advice = replace(advice, warnings=(*advice.warnings, *_remarks(more)))
    document = answer_document(advice, [read for loaded in inputs for read in loaded.reads])
    context.log.info(as_markdown(document))
    yield from checked(RECOMMENDATION, Rows(advice.frame), advice_metadata(document) | _pulled_in(context, document))
    asked = question(config.symbols, config.account_id, config.portfolio_value)
    made_of = [read["snapshot_id"] for loaded in (*inputs, *more.values()) for read in loaded.reads]
    keep(store, asked, nodes(settings())[-1], document, inputs=made_of, run_id=context.run.run_id)


def _remarks(inputs: Mapping[str, LoadedInput]) -> list[str]:
    """What is peculiar about inputs that the advice can do without, and why some are missing; each said once."""
    failed = [f"no {table}: {why}" for table, loaded in inputs.items() for why in loaded.not_fetched.values()]
    notes = [note for loaded in inputs.values() for read in loaded.reads for note in read["notes"]]
    return list(dict.fromkeys([*failed, *notes]))


def advice_metadata(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document of `recommend.answer` as metadata: what to do, the whole advice, the numbers to plot."""
    from wheel_assets.show.answer_view import ADVICE_COLUMNS, advice_cells
    from wheel_assets.show.markdown import as_markdown
    from wheel_assets.show.payoff import payoff_svg

    columns = dg.TableSchema([dg.TableColumn(name) for name in AT_A_GLANCE])
    cells = [dict(zip(ADVICE_COLUMNS, row, strict=True)) for row in advice_cells(document)]
    rows = [dg.TableRecord({name: row[name] for name in AT_A_GLANCE}) for row in cells]
    numbers = {name: document[name] for name in ("portfolio_value", "free_cash") if document[name] is not None}
    return {
        "what_to_do": dg.MetadataValue.table(rows, columns),  # seen at once; Markdown of this size after a click
        "advice": dg.MetadataValue.md(as_markdown(document, payoff_svg(document))),
        "answer": dg.MetadataValue.json(dict(document)),
        **numbers,
    }


def _pulled_in(context: dg.AssetExecutionContext, document: Mapping[str, Any]) -> dict[str, Any]:
    """A link to the child run that fetched what was missing; looked up only where something was."""
    if all(read["outcome"] == "cache_hit" for read in document["inputs"]):
        return {}
    run = context.instance.get_run_by_id(context.run.run_id)
    pulled = run.tags.get(PULLED) if run else None
    return {"pulled_in": dg.MetadataValue.dagster_run(pulled)} if pulled else {}
