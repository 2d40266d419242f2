"""Recommendation: the advice for now."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from wheel_assets.cache.reading.loaded_input import LoadedInput
from wheel_assets.cache.reading.pull import PULLED
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.stored_answers import keep
from wheel_assets.defs.advice_step import INPUTS, RecommendationConfig, advised_now, symbols_asked
from wheel_assets.defs.checks.table_checks import Checked, checked
from wheel_assets.defs.declare import declared, settings
from wheel_assets.defs.flow import NEEDED, nodes, question
from wheel_assets.rows import Rows
from wheel_assets.tables import RECOMMENDATION

AT_A_GLANCE = ("#", "type into the broker", "credit", "assigned")  # rows that fit the asset's page


@dg.asset(group_name="advice", ins=INPUTS, **declared(RECOMMENDATION))
def recommendation(
    context: dg.AssetExecutionContext,
    config: RecommendationConfig,
    store: dg.ResourceParam[Store],
    **inputs: LoadedInput,
) -> Checked:
    """Advice for now: puts and calls to sell, what to close, roll or hold, and why; best first.

    Materialize this. What it needs is taken from the cache where that is fresh and fetched where it is
    not. Advice only: nothing is ever ordered.

    The very first time Dagster warns that nothing upstream has been materialized: confirm, it will be.
    """
    from wheel_assets.show.answer import answer_document
    from wheel_assets.show.markdown import as_markdown

    advice = advised_now(config, inputs, store)
    document = answer_document(advice, [read for name in NEEDED for read in inputs[name].reads])
    context.log.info(as_markdown(document))
    yield from checked(RECOMMENDATION, Rows(advice.frame), advice_metadata(document) | _pulled_in(context, document))
    asked = question(
        symbols_asked(config.symbols, inputs["positions"], store), config.account_id, config.portfolio_value
    )
    made_of = [read["snapshot_id"] for loaded in inputs.values() for read in loaded.reads]
    keep(store, asked, nodes(settings())[-1], document, inputs=made_of, run_id=context.run.run_id)


def advice_metadata(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document of `recommend.answer` as metadata: what to do, the whole advice, the numbers to plot."""
    from wheel_assets.show.answer_view import ADVICE_COLUMNS, advice_cells, banner
    from wheel_assets.show.candidates import candidates_svg
    from wheel_assets.show.markdown import as_markdown, bullets
    from wheel_assets.show.payoff import payoff_svg

    columns = dg.TableSchema([dg.TableColumn(name) for name in AT_A_GLANCE])
    cells = [dict(zip(ADVICE_COLUMNS, row, strict=True)) for row in advice_cells(document)]
    rows = [dg.TableRecord({name: row[name] for name in AT_A_GLANCE}) for row in cells]
    numbers = {name: document[name] for name in ("portfolio_value", "free_cash") if document[name] is not None}
    warned = [line for line in (banner(document), *document["warnings"]) if line]
    return {
        **({"warnings": dg.MetadataValue.md(bullets(warned, "⚠ "))} if warned else {}),
        "what_to_do": dg.MetadataValue.table(rows, columns),  # seen at once; Markdown of this size after a click
        "advice": dg.MetadataValue.md(as_markdown(document, payoff_svg(document), candidates_svg(document))),
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
