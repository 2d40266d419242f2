"""Logging in to Schwab: a person opens a page, agrees, and pastes the address they were sent to.

The OAuth 2 authorisation-code flow. The pasted address holds a code that works once, for about half
a minute. `state` proves that the address answers this login and nobody else's.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from urllib.parse import parse_qs, urlencode, urlsplit

from wheel_assets.errors import UsageError
from wheel_assets.fetch.http import ApiCall
from wheel_assets.fetch.schwab_session import SchwabSession
from wheel_assets.settings import SchwabSettings

_AGAIN = "run `wheel login schwab` again and paste the whole address of the page that does not load"


class SchwabLogin:
    """One login: show `url`, then give `finish` the address that the browser ended at.

    Raises SettingError where the app's key or secret is not set.
    """

    def __init__(self, settings: SchwabSettings, record: Callable[[ApiCall], None]) -> None:
        self._session = SchwabSession.of(settings, record)
        self._callback_url, self._state = settings.callback_url, secrets.token_urlsafe(24)
        app_key = settings.app_key.get_secret_value() if settings.app_key else ""
        self.url = authorize_url(settings.base_url, app_key, self._callback_url, self._state)

    def finish(self, redirect: str, now: datetime) -> None:
        """Trade the pasted address for a login and save it; raises UsageError or SourceError."""
        self._session.log_in(authorization_code(redirect, self._callback_url, self._state), self._callback_url, now)


def authorize_url(base_url: str, app_key: str, callback_url: str, state: str) -> str:
    """The page that asks a person to agree; `callback_url` as registered, byte for byte."""
    query = {"response_type": "code", "client_id": app_key, "redirect_uri": callback_url, "state": state}
    return f"{base_url.rstrip('/')}/v1/oauth/authorize?{urlencode(query)}"


def authorization_code(redirect: str, callback_url: str, state: str) -> str:
    """The code in the address that Schwab redirected to, URL-decoded once (it ends in `@`).

    Raises UsageError where it is another address, answers another login, or brings no code.

    >>> authorization_code("https://127.0.0.1:8182/?code=C0.abc%40&state=s1", "https://127.0.0.1:8182", "s1")
    'C0.abc@'
    """
    try:
        address, expected = urlsplit(redirect.strip()), urlsplit(callback_url)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
    except ValueError:
        raise UsageError("what was pasted is no address", "", _AGAIN) from None
    if (address.scheme, address.netloc) != (expected.scheme, expected.netloc):
        raise UsageError("what was pasted is not the callback address", f"it should begin with {callback_url}", _AGAIN)
    if "error" in query:
        raise UsageError("Schwab did not grant the login", query["error"][:80], "agree on Schwab's page")
    if not secrets.compare_digest(query.get("state", "").encode(), state.encode()):
        raise UsageError("the pasted address answers another login", "its state differs", _AGAIN)
    if not query.get("code"):
        raise UsageError("the pasted address brings no code", "", _AGAIN)
    return query["code"]
