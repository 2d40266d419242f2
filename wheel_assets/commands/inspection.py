"""`wheel stats`, `wheel costs`, `wheel outcomes`: what is cached, what it cost, whether it was right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wheel_assets.commands.context import console, settings_and_store

if TYPE_CHECKING:
    from datetime import datetime


def _svg(_: click.Context, __: click.Parameter, value: str | None) -> Path | None:
    if value is not None and not value.lower().endswith(".svg"):
        raise click.BadParameter(f"{value} does not end in .svg, the only format drawn.")
    return None if value is None else Path(value)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def stats(as_json: bool) -> None:
    """What is cached, how old it is, how often it was of use, what it takes and what it cost."""
    from wheel_assets.cache.upkeep.stats import stats as statistics
    from wheel_assets.defs.flow import nodes
    from wheel_assets.show.terminal.cache import show_stats

    settings, store = settings_and_store()
    document = statistics(store, settings.max_age.of, nodes(settings))
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        show_stats(document, settings.budget.monthly_usd, store.clock(), console())


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def costs(as_json: bool) -> None:
    """API calls, hits saved and dollars by source and month, against the plan and the budget."""
    from wheel_assets.cache.upkeep.costs import costs as bill
    from wheel_assets.show.terminal.cache import show_costs

    settings, store = settings_and_store()
    document = bill(store, settings.budget.monthly_usd)
    click.echo(json.dumps(document, indent=2)) if as_json else show_costs(document, console())


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--symbol", "symbols", multiple=True, help="Only predictions on this symbol; may repeat.")
@click.option("--model", help="Only predictions of this version of the model.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only predictions from quotes of this day (UTC) on.")
@click.option("--plot", metavar="FILE.svg", callback=_svg, help="Draw the reliability diagram.")
def outcomes(
    as_json: bool, symbols: tuple[str, ...], model: str | None, since: datetime | None, plot: Path | None
) -> None:
    """Score expired predictions beside |delta| and N(d2)."""
    from wheel_assets.cache.upkeep.forecasts import ForecastFilter
    from wheel_assets.cache.upkeep.outcomes import outcomes as audit
    from wheel_assets.settings import checked_symbol
    from wheel_assets.show.reliability import draw
    from wheel_assets.show.terminal.outcomes import show_outcomes

    which = ForecastFilter(tuple(checked_symbol(symbol) for symbol in symbols) or None, model, since)
    _, store = settings_and_store()
    document = audit(store, which)
    if plot:
        draw(document, plot)
    click.echo(json.dumps(document, indent=2)) if as_json else show_outcomes(document, console())
