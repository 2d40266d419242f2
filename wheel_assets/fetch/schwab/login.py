"""Logging in to Schwab: a person opens a page and agrees; the address they are sent to holds a code.

The OAuth 2 authorisation-code flow. The code works once, for about half a minute. `state` proves that
the address answers this login and no other's.

A proof key (PKCE, RFC 7636, method S256) is sent along: one who gets hold of the code, out of a
browser's history say, cannot trade it without the verifier, which never leaves this process. Schwab
does not document whether it looks. Sending is harmless if it does not: a server has to ignore
parameters that it does not know (RFC 6749, sections 3.1 and 3.2), RFC 9700, section 2.1.1, recommends
it for clients with a secret too, and other clients of Schwab's send it.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from urllib.parse import parse_qs, urlencode, urlsplit

from wheel_assets.errors import UsageError
from wheel_assets.fetch.http.client import ApiCall
from wheel_assets.fetch.schwab.session import SchwabSession
from wheel_assets.vendors import SchwabSettings

_AGAIN = "run `wheel login schwab` again"


class SchwabLogin:
    """One login: show `url`, then give `finish` the address that the browser ended at.

    Raises SettingError where the app's key or secret is not set.
    """

    def __init__(self, settings: SchwabSettings, record: Callable[[ApiCall], None]) -> None:
        self._session = SchwabSession.of(settings, record)
        self._state, self._verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        app_key = settings.app_key.get_secret_value() if settings.app_key else ""
        self.callback_url = settings.callback_url
        challenge = challenge_of(self._verifier)
        self.url = authorize_url(settings.base_url, app_key, self.callback_url, self._state, challenge)

    def is_answer(self, redirect: str) -> bool:
        """Whether an address answers this login, be it with a code or a refusal."""
        try:
            return bool(answer_in(redirect, self.callback_url, self._state))
        except UsageError:
            return False

    def finish(self, redirect: str, now: datetime) -> None:
        """Trade the address for a login and save it; raises UsageError or SourceError."""
        code = authorization_code(redirect, self.callback_url, self._state)
        self._session.log_in(code, self.callback_url, self._verifier, now)


def authorize_url(base_url: str, app_key: str, callback_url: str, state: str, challenge: str) -> str:
    """The page that asks a person to agree; `callback_url` as registered, byte for byte."""
    query = {"response_type": "code", "client_id": app_key, "redirect_uri": callback_url, "state": state}
    query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    return f"{base_url.rstrip('/')}/v1/oauth/authorize?{urlencode(query)}"


def challenge_of(verifier: str) -> str:
    """What is shown of a verifier beforehand (RFC 7636, section 4.2; the example is its appendix B's).

    >>> challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def authorization_code(redirect: str, callback_url: str, state: str) -> str:
    """The code in the address that Schwab redirected to, URL-decoded once (it ends in `@`).

    Raises UsageError where it is another address, answers another login, or brings no code.

    >>> authorization_code("https://127.0.0.1:8182/?code=C0.abc%40&state=s1", "https://127.0.0.1:8182", "s1")
    'C0.abc@'
    """
    answer = answer_in(redirect, callback_url, state)
    if "error" in answer:
        raise UsageError("Schwab did not grant the login", answer["error"][:80], "agree on Schwab's page")
    if not answer.get("code"):
        raise UsageError("the pasted address has no code", "", f"{_AGAIN} and copy the whole of it")
    return answer["code"]


def answer_in(redirect: str, callback_url: str, state: str) -> dict[str, str]:
    """The query of an address that answers the login with this `state`; raises UsageError for any other.

    States are compared in a time that does not depend on where they differ.
    """
    try:
        address, expected = urlsplit(redirect.strip()), urlsplit(callback_url)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
    except ValueError:
        raise UsageError("the pasted text is not an address", "", f"{_AGAIN} and copy the whole of it") from None
    if (address.scheme, address.netloc) != (expected.scheme, expected.netloc):
        why = f"it should begin with {callback_url}"
        raise UsageError("the pasted text is not the callback address", why, f"{_AGAIN} and copy the whole of it")
    # `replace`: a terminal passes on bytes that are no text as lone surrogates.
    if not secrets.compare_digest(query.get("state", "").encode("utf-8", "replace"), state.encode()):
        raise UsageError("the pasted address answers another login", "its state differs", _AGAIN)
    return query
