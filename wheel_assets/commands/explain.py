"""`wheel explain`: every contract, and the rules that hold it back."""

from __future__ import annotations

import json

import click

from wheel_assets.commands.context import console, settings_and_store

NEAREST = 5  # contracts of a symbol and right that are shown unless more are asked for


@click.command()
@click.argument("symbol", required=False)
@click.option("--all", "everything", is_flag=True, help="Show every contract, not only the nearest.")
@click.option(
    "--nearest", type=click.IntRange(1, 10_000), help=f"Contracts of each symbol and right. Default: {NEAREST}."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def explain(debug: bool, symbol: str | None, everything: bool, nearest: int | None, as_json: bool) -> None:
    """Why each contract is advised or not: its numbers, every rule it breaks, the setting behind it."""
    from wheel_assets.settings import checked_symbol

    settings, store = settings_and_store()
    asked = {"account_id": settings.account_id} | ({"symbols": [checked_symbol(symbol)]} if symbol else {})
    from wheel_assets.cache.policy import WHOLE
    from wheel_assets.commands import run
    from wheel_assets.show.views.candidates_view import explain_document
    from wheel_assets.tables import CANDIDATES

    run.made(CANDIDATES.name, asked, debug=debug)
    newest, _ = store.index([(CANDIDATES.name, WHOLE)])
    rows = store.get(CANDIDATES.name, [newest[0].snapshot_id])
    document = explain_document(rows, None if everything or (as_json and not nearest) else nearest or NEAREST)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        from wheel_assets.show.terminal.candidates import show_candidates

        show_candidates(document, console())
