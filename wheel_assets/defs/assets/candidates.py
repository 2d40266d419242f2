"""Candidates: what could be opened, and what speaks against it."""

import dagster as dg

from wheel_assets.cache.reading.loaded import LoadedInput
from wheel_assets.cache.store.store import Store
from wheel_assets.defs.advice import OPTIONAL_INPUTS, RecommendationConfig, advised, asked_of
from wheel_assets.defs.checks.table_checks import Checked, checked
from wheel_assets.defs.declare import declared
from wheel_assets.rows import Rows
from wheel_assets.show import markdown
from wheel_assets.tables import CANDIDATES


@dg.asset(group_name="advice", ins=OPTIONAL_INPUTS, **declared(CANDIDATES))
def candidates(
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
    """Every contract that could be opened, with its numbers and all the rules it breaks, the nearest first.

    The same rules on the same inputs as `recommendation`; `wheel explain` prints it.
    """
    from wheel_assets.recommend.explain import candidates as candidates_of
    from wheel_assets.show.views.candidates_view import (
        COLUMNS,
        NUMBERS,
        candidate_cells,
        explain_document,
        summary_lines,
    )

    known = {
        "events": events,
        "transactions": transactions,
        "volatility_history": volatility_history,
        "price_history": price_history,
    }
    advice = advised((option_chains, positions, greeks, predictions), known, **asked_of(config, store))
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
