"""Report: the newest answer as one HTML page."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.store.store import Store
from wheel_assets.defs.declare import OWNER, settings
from wheel_assets.errors import UsageError

QUESTION = dg.AssetKey("recommendation")


@dg.asset(group_name="advice", code_version="1", kinds={"html"}, owners=[OWNER], deps=[QUESTION])
def report(context: dg.AssetExecutionContext, store: dg.ResourceParam[Store]) -> dg.MaterializeResult[None]:
    """The newest answer as one HTML page: orders, payoff, candidates, freshness, calibration. Nothing is fetched.

    `wheel report` makes the answer first, and writes the same page where you want it.
    """
    file = settings().cache.dir / "report.html"
    with one_line_errors():
        write(page(_answer(context.instance), store), file)
    return dg.MaterializeResult(metadata={"page": dg.MetadataValue.url(file.resolve().as_uri()), "file": str(file)})


def page(document: Mapping[str, Any], store: Store) -> str:
    """The page of an answer, with the state of the cache beside it."""
    from wheel_assets.cache.upkeep.outcomes import outcomes
    from wheel_assets.defs.checks.freshness import inspected
    from wheel_assets.show.html.report import report_html

    asked = list(dict.fromkeys([*document["spot_prices"], *(row["symbol"] for row in document["not_evaluated"])]))
    _, matrix = inspected(store, symbols=asked)
    return report_html(document, made_at=matrix.now, matrix=matrix, outcomes=outcomes(store))


def write(html: str, file: Path) -> None:
    """Write the page, readable by its owner only; raises UsageError where it cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(html)
    except OSError as error:
        raise UsageError(f"{file} cannot be written", f"{error.strerror}", "choose another file") from error


def _answer(instance: dg.DagsterInstance) -> Mapping[str, Any]:
    """The document of the newest answer; raises UsageError where there is none."""
    event = instance.get_latest_materialization_event(QUESTION)
    answer = event.asset_materialization.metadata.get("answer") if event and event.asset_materialization else None
    if answer is None or not isinstance(answer.value, Mapping):
        raise UsageError("there is no answer to report", "", "materialize recommendation first")
    return answer.value
