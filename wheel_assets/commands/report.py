"""`wheel report`: the answer as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click

from wheel_assets.commands.context import settings_and_store
from wheel_assets.sanitise import for_terminal


@click.command()
@click.argument("file", default="wheel-report.html", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--symbol",
    "symbols",
    multiple=True,
    help="Advise on this symbol; may repeat. Default: the watchlist and all you hold.",
)
@click.option("--allow-stale", type=click.FloatRange(min=0), help="If data cannot be renewed: minutes old it may be.")
@click.option("--open", "open_it", is_flag=True, help="Open it in the browser.")
@click.pass_obj
def report(debug: bool, file: Path, symbols: tuple[str, ...], allow_stale: float | None, open_it: bool) -> None:
    """The answer as one HTML page in FILE that needs no network: orders, payoff, candidates, freshness, calibration."""
    from wheel_assets.cache.upkeep.progress import watched
    from wheel_assets.commands import run
    from wheel_assets.defs.assets.report import page, write
    from wheel_assets.settings import checked_symbol

    _, store = settings_and_store()
    asked = {"symbols": [checked_symbol(symbol) for symbol in symbols], "allow_stale": allow_stale}
    with watched():
        document = run.recommend({name: value for name, value in asked.items() if value}, debug=debug)
    write(page(document, store), file)
    click.echo(for_terminal(f"report  {file.resolve()}"))
    if open_it:
        click.launch(file.resolve().as_uri())
