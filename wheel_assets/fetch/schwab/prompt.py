"""What a person sees and types while logging in to Schwab."""

from __future__ import annotations

from datetime import datetime

from wheel_assets.errors import UsageError
from wheel_assets.fetch.login import Terminal
from wheel_assets.fetch.schwab.callback import CallbackListener
from wheel_assets.fetch.schwab.login import SchwabLogin
from wheel_assets.fetch.schwab.token import login_end
from wheel_assets.fetch.source import Access
from wheel_assets.vendors import SchwabSettings


def log_in(access: Access, terminal: Terminal, now: datetime) -> str:
    """Have a person agree on Schwab's page and keep the login, see `fetch.login`."""
    settings = access.settings.of(SchwabSettings)
    login = SchwabLogin(settings, access.record)
    login.finish(agreed(login, terminal), now)
    return f"logged in for seven days, until {login_end(now)}; the login is kept in {settings.token_file}"


def agreed(login: SchwabLogin, terminal: Terminal) -> str:
    """Show the page to agree on; the address at which the browser ended, heard or pasted."""
    if terminal.pasting:
        return _pasted(login, terminal)
    try:
        listener = CallbackListener(login.callback_url, login.is_answer)
    except UsageError as error:
        terminal.show(f"({error.what}: {error.why}. The address has to be pasted.)\n")
        return _pasted(login, terminal)
    with listener:
        return _heard(login, listener, terminal)


def _heard(login: SchwabLogin, listener: CallbackListener, terminal: Terminal) -> str:
    _show_page(login, terminal)
    terminal.show(f"It leads back to {login.callback_url}, where this command waits for five minutes. The browser")
    terminal.show("will warn of the certificate there, which was made for this login a moment ago: tell it to go on.")
    return listener.wait()


def _pasted(login: SchwabLogin, terminal: Terminal) -> str:
    _show_page(login, terminal)
    terminal.show("It leads to a page that does not load. Copy that page's whole address within 30 seconds.")
    return terminal.ask("Address")


def _show_page(login: SchwabLogin, terminal: Terminal) -> None:
    terminal.show(f"Open this page, log in and agree:\n\n  {login.url}\n")
