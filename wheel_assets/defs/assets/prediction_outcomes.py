"""Outcomes: scores of the predictions whose contracts have expired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.store.store import Store
from wheel_assets.defs.declare import OWNER
from wheel_assets.show import markdown
from wheel_assets.tables import PREDICTIONS

COLUMNS = ("forecast", "common", "count", "groups", "base_rate", "mean_forecast", "brier", "brier_skill", "log_loss")


@dg.asset(
    name="outcomes",
    group_name="model",
    code_version="2",
    kinds={"duckdb", "numpy"},
    owners=[OWNER],
    deps=[PREDICTIONS.name],
)
def prediction_outcomes(store: dg.ResourceParam[Store]) -> dg.MaterializeResult[None]:
    """Scores of expired predictions: Brier score, log loss and calibration, beside those of textbook formulas.

    Materialize it to audit the model. It reads the cache and nothing else: nothing is fetched or stored.
    `wheel outcomes` prints the same. It depends on the predictions and pulls none of them.
    """
    from wheel_assets.cache.upkeep.outcomes import outcomes

    with one_line_errors():
        document = outcomes(store)
    return dg.MaterializeResult(metadata=outcomes_metadata(document))


def outcomes_metadata(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document of `cache.upkeep.outcomes.outcomes` as metadata: tables to read, a picture, numbers to plot.

    The picture is a data URI, one of the two kinds of image that Dagster's page shows; a file would be on the machine
    of the run.
    """
    from wheel_assets.show.reliability import diagram

    events = {name: document[name] for name in ("in_the_money", "touched")}
    numbers = {f"{name}_{what}": events[name][what] for name in events for what in ("scored", "outcomes")}
    losses = {
        f"{score['forecast']}_{loss}": float(score[loss])
        for event in events.values()
        for score in event["scores"]
        for loss in ("brier", "log_loss")
    }
    return {
        "summary": dg.MetadataValue.text(document["message"] or document["caveat"]),
        "scores": dg.MetadataValue.md("\n\n".join(_table(name, event) for name, event in events.items())),
        "reliability": dg.MetadataValue.md(markdown.image(diagram(document), "reliability diagram")),
        "document": dg.MetadataValue.json(dict(document)),
        **numbers,
        **losses,
    }


def _table(name: str, event: Mapping[str, Any]) -> str:
    """The scores of one event as a Markdown table."""
    rows = [[str(score[column]) for column in COLUMNS] for score in event["scores"]]
    return markdown.table((name, *COLUMNS[1:]), rows) or f"{name}: nothing could be scored."
