"""`wheel diff`: what changed in the advice between two moments."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial

import click

from wheel_assets.commands.session import console, moment, settings_and_store


@click.command()
@click.argument("before", type=moment)
@click.argument("after", type=moment)
@click.option("--symbol", "symbols", multiple=True, help="Only this symbol; may repeat. Default: the watchlist.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def diff(before: datetime, after: datetime, symbols: tuple[str, ...], as_json: bool) -> None:
    """What changed in the advice from BEFORE to AFTER, and what moved; from the snapshots that are kept."""
    from wheel_assets.settings import checked_symbol

    settings, store = settings_and_store()
    from wheel_assets.defs.replay import replayed
    from wheel_assets.show.views.diff_view import diff_document, diff_lines

    replay = partial(
        replayed,
        store,
        settings,
        symbols=[checked_symbol(symbol) for symbol in symbols] or settings.symbols,
        account_id=settings.account_id,
        portfolio_value=settings.portfolio_value,
    )
    document = diff_document(replay(before), replay(after))
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    for line in diff_lines(document):
        console().print(line)
