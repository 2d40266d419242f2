"""`wheel config` and `wheel login`: the settings in force, and logins at brokers."""

from __future__ import annotations

import json

import click

from wheel_assets.commands.context import console, settings_and_store
from wheel_assets.sanitise import one_line
from wheel_assets.vendors import VENDORS


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--example", is_flag=True, help="Print a wheel.toml with every setting, commented out.")
def config(as_json: bool, example: bool) -> None:
    """Every setting in force; secrets are hidden."""
    if example:
        from wheel_assets.show.terminal.settings import example_toml

        click.echo(example_toml())
        return
    from wheel_assets.settings import load_settings
    from wheel_assets.show.terminal.settings import effective

    rows = effective(load_settings())
    if as_json:
        click.echo(json.dumps({name: value for name, value, _ in rows}, indent=2))
        return
    from rich.table import Table

    table = Table("setting", "value", "meaning", box=None)
    for row in rows:
        table.add_row(*row)
    console().print(table)


@click.command()
@click.argument("broker", type=click.Choice([vendor.name for vendor in VENDORS if vendor.login]))
@click.option("--paste", is_flag=True, help="Do not listen for a browser: ask for what it shows.")
def login(broker: str, paste: bool) -> None:
    """Log in to a broker; what it takes is said on the way."""
    from datetime import UTC

    from wheel_assets.cache.upkeep.ledger import ledger_of
    from wheel_assets.commands.login_prompt import Prompt
    from wheel_assets.fetch.registry import log_in

    settings, store = settings_and_store()
    with ledger_of(store).kept() as ledger:
        outcome = log_in(broker, settings, ledger.record, Prompt(paste=paste), store.clock().replace(tzinfo=UTC))
    click.echo(one_line(outcome))
