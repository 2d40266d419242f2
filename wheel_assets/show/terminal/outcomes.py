"""How good the predictions were, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wheel_assets.predict.settlement import REASONS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

EVENTS = {"in_the_money": "Finished in the money", "touched": "Touched the strike"}
NAMES = {
    "prob_itm_market": "market's",
    "prob_itm_history": "with history",
    "abs_delta": "|delta|",
    "n_d2": "N(d2)",
    "twice_abs_delta": "2 |delta|",
}


def show_outcomes(document: Mapping[str, Any], console: Console) -> None:
    """Print the document of `wheel_assets.cache.upkeep.outcomes.outcomes`."""
    if document["message"]:
        console.print(document["message"])
    for event, title in EVENTS.items():
        result = document[event]
        if result["scores"]:
            parts = f"{result['scored']} predictions of {result['contracts']} contracts, {result['outcomes']} outcomes"
            console.print(f"{title}: {parts}", style="bold")
            console.print(_scores(result), "")
            if result.get("paired"):
                console.print(_paired(result["paired"]), "")
            console.print(_reliability(result["scores"]), "")
        for reason, count in result["not_scored"].items():
            console.print(f"{title.lower()}, not scored: {count}, {REASONS[reason]}")
    console.print(_counts(document))
    if not document["message"]:
        console.print(document["caveat"], style="dim")


def _counts(document: Mapping[str, Any]) -> str:
    settled = ", ".join(f"{count} by {how.replace('_', ' ')}" for how, count in document["settled_by"].items())
    models = ", ".join(f"{count} of {version}" for version, count in document["model_versions"].items())
    counts = [f"{document['expired']} expired by {document['last_expiration']}" + (f" ({models})" if models else "")]
    counts += [f"settled: {settled}"] if settled else []
    return "; ".join([*counts, f"{document['pending']} not expired", f"{document['repeated']} repeated"])


def _scores(result: Mapping[str, Any]) -> Table:
    from rich.table import Table

    table = Table("forecast", "of", "count", "forecast", "happened", "Brier", "skill", "log loss", "skill", box=None)
    rows = [(score["forecast"], "common" if score["common"] else "all", score) for score in result["scores"]]
    mine = result["scores"][0]["forecast"]
    rows += [(mine, f"{right}s", score) for right, score in result["by_right"].items()]
    rows += [(mine, model, score) for model, score in result["by_model"].items() if len(result["by_model"]) > 1]
    for name, of, score in rows:
        rates = (_percent(score[key]) for key in ("mean_forecast", "base_rate"))
        losses = (_decimal(score[key]) for key in ("brier", "brier_skill", "log_loss", "log_loss_skill"))
        table.add_row(NAMES.get(name, name), of, str(score["count"]), *rates, *losses)
    return table


def _paired(differences: Sequence[Mapping[str, Any]]) -> Table:
    """Brier score less that of each rival: below 0 the first is better, and surely so where the interval is too."""
    from rich.table import Table

    table = Table("Brier", "less that of", "counted", "difference", "95 % interval", "count", "outcomes", box=None)
    for row in differences:
        known = row["low"] is not None
        interval = f"{row['low']:+.4f} to {row['high']:+.4f}" if known else "one outcome only"
        rival = NAMES.get(row["against"], row["against"])
        counts = (str(row["count"]), str(row["groups"]))
        table.add_row(row["forecast"], rival, row["way"], f"{row['mean']:+.4f}", interval, *counts)
    return table


def _reliability(scores: Sequence[Mapping[str, Any]]) -> Table:
    """The bins of the first forecast, and what happened where the others forecast as much."""
    from rich.table import Table

    mine, rivals = scores[0], [score for score in scores if score["forecast"] != scores[0]["forecast"]]
    names = [f"with {NAMES[rival['forecast']]}" for rival in rivals]
    table = Table("from", "to", mine["forecast"], "happened", "95 % interval", "count", "outcomes", *names, box=None)
    others = [{row["low"]: _percent(row["observed"]) for row in rival["bins"]} for rival in rivals]
    for row in mine["bins"]:
        interval = f"{_percent(row['interval_low'])} to {_percent(row['interval_high'])}"
        rates = [_percent(row[key]) for key in ("low", "high", "mean_forecast", "observed")]
        beside = [other.get(row["low"], "") for other in others]
        table.add_row(*rates, interval, str(row["count"]), str(row["groups"]), *beside)
    return table


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
