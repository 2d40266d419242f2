"""`wheel cycles`: what the wheel has earned, symbol by symbol."""

from __future__ import annotations

import json

import click

from wheel_assets.commands.context import console


@click.command()
@click.option("--account", help="Account to look at.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def cycles(debug: bool, account: str | None, as_json: bool) -> None:
    """Premiums, assigned shares, basis net of premiums and profit of every cycle; what does not add up is said."""
    from wheel_assets.settings import checked_account, load_settings

    account_id = checked_account(account or load_settings().account_id)
    from wheel_assets.commands import run

    document = run.made("cycles", {"account_id": account_id}, debug=debug)["document"]
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        from wheel_assets.show.terminal.cycles import show_cycles

        show_cycles(document, console())
