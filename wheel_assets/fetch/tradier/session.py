"""Authorised requests to Tradier, and how it writes lists."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from wheel_assets.fetch.http.client import ApiCall, HttpClient, Request
from wheel_assets.fetch.http.rate_limiter import Pace, pace_of
from wheel_assets.fetch.http.response import Response, VendorFault
from wheel_assets.fetch.kept_secrets import keep_secrets, read_secrets
from wheel_assets.fetch.login import Terminal
from wheel_assets.fetch.source import Access
from wheel_assets.vendors import TradierSettings

SOURCE = "tradier"
PROFILE = "/v1/user/profile"
_SANDBOX_PACE = Pace(50, 60.0)  # half of what a real account may ask


class TradierSession:
    """One token's access; shared by market, account and events."""

    def __init__(
        self,
        base_url: str,
        record: Callable[[ApiCall], None],
        token: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        # Without `Accept` it answers in XML.
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        base = base_url.rstrip("/").removesuffix("/v1")
        pace = _SANDBOX_PACE if "sandbox" in base else pace_of(SOURCE)
        self._http = HttpClient(SOURCE, base, record, pace=pace, explain=tradier_fault, secrets=[token], sleep=sleep)

    @classmethod
    @cache
    def of(cls, settings: TradierSettings, record: Callable[[ApiCall], None]) -> TradierSession:
        """The one session of this process; raises LoginExpired where there is no token."""
        token = settings.token.get_secret_value() if settings.token else ""
        token = token or read_secrets(settings.token_file, SOURCE, "token")["token"]
        return cls(settings.base_url, record, token)

    def get(self, path: str, params: Mapping[str, str], *required: str, key: str | None = None) -> Any:
        """The document; raises SourceError."""
        return self._http.get(path, params=params, headers=self._headers, key=key).json(*required)

    def of_account(self, number: str, what: str, params: Mapping[str, str], key: str) -> Any:
        """A document about an account, whose number neither errors nor the ledger repeat."""
        endpoint = f"/v1/accounts/{{account}}/{what}"
        path = f"/v1/accounts/{number}/{what}"
        request = Request(path, params, headers=self._headers, secrets=[number], endpoint=endpoint, key=key)
        return self._http.send(request).json(what)[what]


def session_of(access: Access) -> TradierSession:
    """The session of the settings, for the registry."""
    return TradierSession.of(access.settings.of(TradierSettings), access.record)


def log_in(access: Access, terminal: Terminal, now: datetime) -> str:
    """Have a token pasted, try it, keep it, see `fetch.login`."""
    settings = access.settings.of(TradierSettings)
    terminal.show("Copy the token from your Tradier dashboard, Settings, API Access. It is not shown here.")
    token = terminal.ask("Token", secret=True)
    TradierSession(settings.base_url, access.record, token).get(PROFILE, {}, "profile")
    keep_secrets(settings.token_file, SOURCE, {"token": token})
    return f"the token works; it is kept in {settings.token_file}"


def items(container: Any, name: str) -> list[Any]:
    """What a list of Tradier's holds: it sends the text "null" for none, and one object for a list of one.

    >>> items("null", "position"), items({"position": {"id": 1}}, "position")
    ([], [{'id': 1}])
    """
    inner = container.get(name) if isinstance(container, dict) else None
    if inner in (None, "null"):
        return []
    return inner if isinstance(inner, list) else [inner]


def tradier_fault(answer: Response) -> VendorFault:
    """Code and words of an error answer: a gateway's fault, a list of errors, or plain text."""
    document = answer.decoded()
    fault = document.get("fault") if isinstance(document, dict) else None
    if isinstance(fault, dict):
        detail = fault.get("detail")
        code = detail.get("errorcode") if isinstance(detail, dict) else None
        return VendorFault(code if isinstance(code, str) else None, str(fault.get("faultstring", ""))[:200])
    errors = items(document.get("errors"), "error") if isinstance(document, dict) else []
    return VendorFault(None, "; ".join(str(error) for error in errors)[:200])
