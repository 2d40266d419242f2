"""Authorised requests to the Schwab Trader API, and what its errors mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from wheel_assets.errors import LoginExpired, SettingError, SourceError, SourceRefused
from wheel_assets.fetch.http.client import ApiCall, HttpClient, Request
from wheel_assets.fetch.http.rate_limiter import pace_of
from wheel_assets.fetch.http.response import Response, VendorFault, restated
from wheel_assets.fetch.schwab.token import LOGIN_COMMAND, Token, TokenFile, login_notes, needs_renewal, token_of
from wheel_assets.fetch.source import Access
from wheel_assets.market.indices import INDICES
from wheel_assets.vendors import SchwabSettings

SOURCE = "schwab"
TOO_BIG = "protocol.http.TooBigBody"
_TOKEN_PATH = "/v1/oauth/token"


class SchwabSession:
    """One app's access to Schwab; shared by the market and the account."""

    def __init__(
        self,
        base_url: str,
        record: Callable[[ApiCall], None],
        app_key: str | None,
        app_secret: str | None,
        token_file: Path,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._auth = (_required("APP_KEY", app_key), _required("APP_SECRET", app_secret))
        self._file = TokenFile(token_file)
        self._turned_down: dict[str, LoginExpired] = {}
        self._http = HttpClient(
            SOURCE,
            base_url,
            record,
            pace=pace_of(SOURCE),
            explain=schwab_fault,
            final_codes={TOO_BIG},
            secrets=self._auth,
            retries=3,
            sleep=sleep,
        )

    @classmethod
    @cache
    def of(cls, settings: SchwabSettings, record: Callable[[ApiCall], None]) -> SchwabSession:
        """The one session of this process that the settings describe; raises SettingError without key and secret.

        Market and account share its pace, and what it learnt of the login.
        """
        key, secret = (value.get_secret_value() if value else None for value in (settings.app_key, settings.app_secret))
        return cls(settings.base_url, record, key, secret, settings.token_file)

    def get(
        self,
        path: str,
        params: Mapping[str, str],
        now: datetime,
        *,
        key: str | None = None,
        endpoint: str = "",
        secret: str = "",
    ) -> Response:
        """GET with a live access token; raises SourceError.

        Schwab sometimes drops a token before its time: one 401 renews it once, a second one is final.
        """
        token = self._token(now)
        try:
            return self._get(
                token, Request(path, params, endpoint=endpoint, key=key, secrets=[secret] if secret else [])
            )
        except SourceRefused as error:
            if error.status != 401:
                raise
        token = self._renewed(token, now)
        try:
            return self._get(
                token, Request(path, params, endpoint=endpoint, key=key, secrets=[secret] if secret else [])
            )
        except SourceRefused as error:
            if error.status != 401:
                raise
            final = error
        what, why = "Schwab refuses even a new token", f"{final.why}, request {final.request_id}"
        remedy = "see that the app has both API products and is `Ready For Use`, and that the account is linked"
        raise restated(final, SourceRefused, what, why, remedy)

    def notes(self, now: datetime) -> list[str]:
        """The message to the user about the login."""
        return login_notes(self._file.read(now), now)

    def log_in(self, code: str, callback_url: str, verifier: str, now: datetime) -> None:
        """Trade an authorisation code, with the proof key's verifier, for a login and keep it; raises SourceError."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback_url}
        form["code_verifier"] = verifier
        self._file.write(token_of(self._ask_token(form), now, logged_in=now))

    def _get(self, token: Token, request: Request) -> Response:
        headers = {"Authorization": f"Bearer {token.access}", "Accept": "application/json"}
        return self._http.send(replace(request, headers=headers))

    def _token(self, now: datetime) -> Token:
        token = self._file.read(now)
        return self._renewed(token, now) if needs_renewal(token, now) else token

    def _renewed(self, stale: Token, now: datetime) -> Token:
        return self._file.renew(stale.access, now, self._refreshed)

    def _refreshed(self, refresh: str) -> Response:
        """What a refresh token brings. One that was turned down is dead for good and is not shown again."""
        if refresh in self._turned_down:
            raise self._turned_down[refresh]
        try:
            return self._ask_token({"grant_type": "refresh_token", "refresh_token": refresh})
        except LoginExpired as error:
            self._turned_down[refresh] = error
            raise

    def _ask_token(self, form: Mapping[str, str]) -> Response:
        """POST to the token endpoint; LoginExpired where it turns the login down."""
        try:
            secrets = [form[name] for name in ("refresh_token", "code", "code_verifier") if name in form]
            return self._http.send(Request(_TOKEN_PATH, form=form, auth=self._auth, secrets=secrets))
        except SourceError as error:
            raise _login_error(error) from None


def session_of(access: Access) -> SchwabSession:
    """The session of the settings, for the registry."""
    return SchwabSession.of(access.settings.of(SchwabSettings), access.record)


def _login_error(error: SourceError) -> SourceError:
    """What an error of the token endpoint means, where its code or its page is known."""
    if error.status == 500 and "Whitelabel" in error.why:
        remedy = "see that the app is `Ready For Use`, not `Approved - Pending`"
        return restated(error, SourceRefused, "Schwab has no login for this app", error.why, remedy)
    if error.status not in (400, 401) or not error.code:
        return error
    # Which of the three it is cannot be known: Schwab's words for a dead login are `unsupported_token_type`.
    why, remedy = f"it has expired, was revoked or replaced (HTTP {error.status} {error.code})", LOGIN_COMMAND
    if error.code == "invalid_client":
        why = f"the login is dead, or the app's key or secret is wrong (HTTP {error.status} {error.code})"
        remedy = f"check WHEEL_SCHWAB__APP_KEY and WHEEL_SCHWAB__APP_SECRET, then {LOGIN_COMMAND}"
    return restated(error, LoginExpired, "Schwab turned the login down", why, remedy)


def schwab_fault(answer: Response) -> VendorFault:
    """Code and words of the four shapes in which Schwab reports errors; bodies may be empty or HTML."""
    document = answer.decoded()
    if not isinstance(document, dict):
        return VendorFault()
    if isinstance(fault := document.get("fault"), dict):
        detail = fault.get("detail")
        code = detail.get("errorcode") if isinstance(detail, dict) else None
        return VendorFault(_text(code) or None, _text(fault.get("faultstring")))
    if "error" in document:
        # Its description nests quotes that no parser reads; the code says enough.
        return VendorFault(_text(document["error"]) or None, _text(document["error"]))
    errors = document.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if isinstance(first, dict):
        return VendorFault(_text(first.get("title")) or None, _text(first.get("detail")) or _text(first.get("title")))
    return VendorFault(None, _text(document.get("message")) or _text(first))


def schwab_symbol(ticker: str) -> str:
    """A ticker as Schwab spells it: `$SPX` for an index, `BRK/B` for a share class."""
    return f"${ticker}" if ticker in INDICES else ticker.replace(".", "/")


def _required(name: str, value: str | None) -> str:
    if not value:
        raise SettingError(f"WHEEL_SCHWAB__{name} is not set", "Schwab requires it", "copy it from your app's page")
    return value


def _text(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""
