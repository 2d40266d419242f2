"""Candidates: what could be opened, and what speaks against it."""

from datetime import UTC

import dagster as dg

from wheel_assets.cache.reading.loaded import LoadedInput
from wheel_assets.cache.reading.one_line import one_sentence
from wheel_assets.cache.store.store import Store
from wheel_assets.defs.assets.recommendation import RecommendationConfig
from wheel_assets.defs.checks.table_checks import Checked, checked
from wheel_assets.defs.declare import declared, settings
from wheel_assets.defs.resources import wanted_symbols
from wheel_assets.rows import Rows
from wheel_assets.show import markdown
from wheel_assets.tables import CANDIDATES


@dg.asset(group_name="advice", code_version="1", **declared(CANDIDATES))
def candidates(
    config: RecommendationConfig,
    option_chains: LoadedInput,
    positions: LoadedInput,
    greeks: LoadedInput,
    predictions: LoadedInput,
    store: dg.ResourceParam[Store],
) -> Checked:
    """Every contract that could be opened, with its numbers and all the rules it breaks, the nearest first.

    The same rules on the same inputs as `recommendation`; `wheel explain` prints it.
    """
    from wheel_assets.recommend.advice import Inputs, advise
    from wheel_assets.recommend.explain import candidates as candidates_of
    from wheel_assets.show.candidates_view import COLUMNS, NUMBERS, candidate_cells, explain_document, summary_lines

    inputs = (option_chains, positions, greeks, predictions)
    with one_sentence():
        advice = advise(
            *(loaded.frame for loaded in inputs),
            strategy=settings().strategy,
            now=store.clock().replace(tzinfo=UTC),
            symbols=wanted_symbols(config.symbols),
            portfolio_value=config.portfolio_value,
            inputs=Inputs(cash_is_net=settings().broker.cash_is_net),
            not_evaluated={key: why for loaded in inputs for key, why in loaded.not_fetched.items()},
        )
    frame = candidates_of(advice)
    document = explain_document(frame)
    told = [
        "\n\n".join([*summary_lines(side), markdown.table(COLUMNS, candidate_cells(side), NUMBERS)])
        for side in document["sides"]
    ]
    counts = {"contracts": len(frame), "passed": int((frame["failures"] == 0).sum())}
    broken = frame["failed"].dropna().str.split(", ").explode().value_counts()
    metadata = {"told": dg.MetadataValue.md("\n\n".join(told)), **counts}
    yield from checked(CANDIDATES, Rows(frame), metadata | {f"failed/{rule}": int(n) for rule, n in broken.items()})
