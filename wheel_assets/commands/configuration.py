"""`wheel config` and `wheel login`: the settings in force, and logins at brokers."""

from __future__ import annotations

import json

import click

from wheel_assets.commands.session import console, settings_and_store
from wheel_assets.sanitise import one_line


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def config(as_json: bool) -> None:
    """Every setting in force; secrets are hidden."""
    from wheel_assets.settings import effective, load_settings

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
@click.argument("broker", type=click.Choice(["schwab"]))
@click.option("--paste", is_flag=True, help="Do not listen for the browser: ask for the address it ends at.")
def login(broker: str, paste: bool) -> None:
    """Log in to Schwab: open a page and agree there. Schwab wants it anew every seven days."""
    from datetime import UTC

    from wheel_assets.cache.upkeep.ledger import ledger_of
    from wheel_assets.commands.login_prompt import agreed
    from wheel_assets.fetch.schwab.login import SchwabLogin
    from wheel_assets.fetch.schwab.token import login_end

    settings, store = settings_and_store()
    with ledger_of(store).kept() as ledger:
        attempt = SchwabLogin(settings.schwab, ledger.record)
        redirect = agreed(attempt, paste)
        now = store.clock().replace(tzinfo=UTC)
        attempt.finish(redirect, now)
    kept = one_line(str(settings.schwab.token_file))
    click.echo(f"logged in for seven days, until {login_end(now)}; the login is kept in {kept}")
