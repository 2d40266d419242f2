"""Authorised requests to tastytrade: a refresh token that does not expire buys access for 15 minutes at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from wheel_assets.errors import LoginExpired, SourceError, UnexpectedAnswer
from wheel_assets.fetch.http.client import ApiCall, HttpClient, Request
from wheel_assets.fetch.http.rate_limiter import pace_of
from wheel_assets.fetch.http.response import Response, VendorFault, restated
from wheel_assets.fetch.http.transport import USER_AGENT
from wheel_assets.fetch.kept_secrets import keep_secrets, read_secrets
from wheel_assets.fetch.login import Terminal
from wheel_assets.fetch.normalise.quotes import numbers
from wheel_assets.fetch.source import Access
from wheel_assets.vendors import TastytradeSettings

SOURCE = "tastytrade"
_TOKEN = "/oauth/token"
_RENEW_BEFORE, _LIFETIME = 60.0, 900.0  # seconds
_PAGE = 250
_MOST_PAGES = 100


class TastytradeSession:
    """One grant's access; shared by market, account and events."""

    def __init__(
        self,
        base_url: str,
        record: Callable[[ApiCall], None],
        client_secret: str,
        refresh_token: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._grant = {"grant_type": "refresh_token", "client_secret": client_secret, "refresh_token": refresh_token}
        self._access, self._until, self._renewing = "", 0.0, threading.Lock()
        secrets = [client_secret, refresh_token]
        self._http = HttpClient(
            SOURCE, base_url, record, pace=pace_of(SOURCE), explain=tastytrade_fault, secrets=secrets, sleep=sleep
        )

    @classmethod
    @cache
    def of(cls, settings: TastytradeSettings, record: Callable[[ApiCall], None]) -> TastytradeSession:
        """The one session of this process; raises LoginExpired where there is no grant."""
        if settings.client_secret and settings.refresh_token:
            pair = (settings.client_secret.get_secret_value(), settings.refresh_token.get_secret_value())
        else:
            kept = read_secrets(settings.token_file, SOURCE, "client_secret", "refresh_token")
            pair = (kept["client_secret"], kept["refresh_token"])
        return cls(settings.base_url, record, *pair)

    def log_in(self) -> str:
        """A live access token; raises LoginExpired where the grant is turned down."""
        with self._renewing:
            if time.monotonic() < self._until - _RENEW_BEFORE:
                return self._access
            try:
                answer = self._http.send(Request(_TOKEN, json=self._grant, headers={"Accept": "application/json"}))
            except SourceError as error:
                if error.status not in (400, 401, 403):
                    raise
                why, remedy = error.why, "check the client secret, then run `wheel login tastytrade`"
                raise restated(error, LoginExpired, "tastytrade turned the grant down", why, remedy) from None
            document = answer.json("access_token")
            if not isinstance(document["access_token"], str) or not document["access_token"]:
                raise answer.error(UnexpectedAnswer, "tastytrade sent an unexpected token")
            seconds = numbers([document.get("expires_in")])[0]
            self._access = document["access_token"]
            self._until = time.monotonic() + (seconds if 0 < seconds <= 86_400 else _LIFETIME)
            return self._access

    def get(
        self, path: str, params: Mapping[str, Any], *, key: str | None = None, endpoint: str = "", secret: str = ""
    ) -> Any:
        """What stands under `data`; raises SourceError. `secret` is struck out of errors and of the ledger."""
        return self._document(path, params, key, endpoint, secret)["data"]

    def pages(self, path: str, params: Mapping[str, Any], *, key: str, endpoint: str, secret: str) -> Iterator[Any]:
        """The items of all pages of a list."""
        for page in range(_MOST_PAGES):
            asked = {**params, "per-page": f"{_PAGE}", "page-offset": f"{page}"}
            document = self._document(path, asked, key, endpoint, secret)
            yield from items(document["data"])
            pages = document.get("pagination")
            total = numbers([pages.get("total-pages")])[0] if isinstance(pages, dict) else 1
            if not page + 1 < total:
                return

    def _document(self, path: str, params: Mapping[str, Any], key: str | None, endpoint: str, secret: str) -> Any:
        headers = {"Authorization": f"Bearer {self.log_in()}", "Accept": "application/json", "User-Agent": USER_AGENT}
        secrets = [secret] if secret else []
        request = Request(path, params, headers=headers, secrets=secrets, endpoint=endpoint, key=key)
        return self._http.send(request).json("data")


def session_of(access: Access) -> TastytradeSession:
    """The session of the settings, for the registry."""
    return TastytradeSession.of(access.settings.of(TastytradeSettings), access.record)


def log_in(access: Access, terminal: Terminal, now: datetime) -> str:
    """Have the grant's two secrets pasted, try them, keep them, see `fetch.login`."""
    settings = access.settings.of(TastytradeSettings)
    terminal.show("On my.tastytrade.com, API Access, OAuth Applications: create an application (scope `read` only) for")
    terminal.show("the client secret, then Manage, Create Grant, for the refresh token. Neither is shown here.")
    secrets = {"client_secret": terminal.ask("Client secret", secret=True)}
    secrets["refresh_token"] = terminal.ask("Refresh token", secret=True)
    TastytradeSession(settings.base_url, access.record, secrets["client_secret"], secrets["refresh_token"]).log_in()
    keep_secrets(settings.token_file, SOURCE, secrets)
    return f"the grant works and does not expire; it is kept in {settings.token_file}"


def items(data: Any) -> list[dict[str, Any]]:
    """The objects of a list; raises UnexpectedAnswer where there is no list."""
    sent = data.get("items") if isinstance(data, dict) else None
    if not isinstance(sent, list):
        why = "no list of items"
        raise UnexpectedAnswer("tastytrade sent an unexpected layout", why, "try again later", source=SOURCE)
    return [item for item in sent if isinstance(item, dict)]


def tastytrade_fault(answer: Response) -> VendorFault:
    """Code and words of an error answer, of its first detail where it has some."""
    document = answer.decoded()
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return VendorFault(error[:200] if isinstance(error, str) else None)
    details = error.get("errors")
    first = details[0] if isinstance(details, list) and details and isinstance(details[0], dict) else error
    words = first.get("message") or first.get("reason") or error.get("message") or ""
    code = error.get("code")
    return VendorFault(code if isinstance(code, str) else None, str(words)[:200])
