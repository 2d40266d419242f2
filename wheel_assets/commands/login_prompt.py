"""What a person sees and types while logging in to Schwab."""

from __future__ import annotations

import sys

import click

from wheel_assets.errors import UsageError
from wheel_assets.fetch.schwab.callback import CallbackListener
from wheel_assets.fetch.schwab.login import SchwabLogin


def agreed(login: SchwabLogin, paste: bool) -> str:
    """Show the page to agree on; the address at which the browser ended, heard or pasted.

    Pasted where that is asked for, where the callback cannot be listened at, and where standard
    input is no terminal: then somebody has piped the address in.
    """
    if paste or not sys.stdin.isatty():
        return _pasted(login)
    try:
        listener = CallbackListener(login.callback_url, login.is_answer)
    except UsageError as error:
        click.echo(f"({error.what}: {error.why}. The address has to be pasted.)\n")
        return _pasted(login)
    with listener:
        return _heard(login, listener)


def _heard(login: SchwabLogin, listener: CallbackListener) -> str:
    _show(login)
    click.echo(f"It leads back to {login.callback_url}, where this command waits for five minutes. The browser")
    click.echo("will warn of the certificate there, which was made for this login a moment ago: tell it to go on.")
    return listener.wait()


def _pasted(login: SchwabLogin) -> str:
    _show(login)
    click.echo("It leads to a page that does not load. Copy that page's whole address within 30 seconds.")
    return str(click.prompt("Address", prompt_suffix=": "))


def _show(login: SchwabLogin) -> None:
    click.echo(f"Open this page, log in and agree:\n\n  {login.url}\n")
