"""Candidates: what could be opened, and what speaks against it."""

import dagster as dg

from wheel_assets.cache.reading.loaded_input import LoadedInput
from wheel_assets.cache.store.store import Store
from wheel_assets.defs.advice_step import INPUTS, RecommendationConfig, advised_now
from wheel_assets.defs.checks.table_checks import Checked, checked
from wheel_assets.defs.declare import declared
from wheel_assets.rows import Rows
from wheel_assets.show import markdown
from wheel_assets.tables import CANDIDATES


@dg.asset(group_name="advice", ins=INPUTS, **declared(CANDIDATES))
def candidates(config: RecommendationConfig, store: dg.ResourceParam[Store], **inputs: LoadedInput) -> Checked:
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

    frame = candidates_of(advised_now(config, inputs, store))
    document = explain_document(frame)
    summary = [
        "\n\n".join([*summary_lines(side), markdown.table(COLUMNS, candidate_cells(side), NUMBERS)])
        for side in document["sides"]
    ]
    counts = {"contracts": len(frame), "passed": int((frame["failures"] == 0).sum())}
    broken = frame["failed"].dropna().str.split(", ").explode().value_counts()
    metadata = {"summary": dg.MetadataValue.md("\n\n".join(summary)), **counts}
    yield from checked(CANDIDATES, Rows(frame), metadata | {f"failed/{rule}": int(n) for rule, n in broken.items()})
