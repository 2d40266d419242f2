"""Authorised requests to Alpaca: accounts at one host, market data at another, both by two headers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from wheel_assets.fetch.http.client import ApiCall, HttpClient
from wheel_assets.fetch.http.rate_limiter import pace_of
from wheel_assets.fetch.http.response import Response, VendorFault
from wheel_assets.fetch.source import Access
from wheel_assets.vendors import AlpacaSettings

SOURCE = "alpaca"
_MOST_PAGES = 200


class AlpacaSession:
    """One key's access; shared by market and account."""

    def __init__(
        self,
        base_url: str,
        data_base_url: str,
        record: Callable[[ApiCall], None],
        key_id: str,
        secret_key: str,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._headers = {"APCA-API-KEY-ID": key_id, "APCA-API-SECRET-KEY": secret_key, "Accept": "application/json"}
        options: dict[str, Any] = {"explain": alpaca_fault, "secrets": [key_id, secret_key], "sleep": sleep}
        self._trading = HttpClient(SOURCE, base_url, record, pace=pace_of(SOURCE), **options)
        self._data = HttpClient(SOURCE, data_base_url, record, pace=pace_of(SOURCE), **options)

    @classmethod
    @cache
    def of(cls, settings: AlpacaSettings, record: Callable[[ApiCall], None]) -> AlpacaSession:
        """The one session of this process; the settings see to it that both keys are there."""
        keys = (key.get_secret_value() if key else "" for key in (settings.key_id, settings.secret_key))
        return cls(settings.base_url, settings.data_host, record, *keys)

    def get(self, path: str, params: Mapping[str, str], key: str | None = None) -> Any:
        """A document about the account; raises SourceError."""
        return self._trading.get(path, params=params, headers=self._headers, key=key).json()

    def data(self, path: str, params: Mapping[str, str], *, key: str, endpoint: str = "") -> Any:
        """A document of market data; raises SourceError."""
        return self._data.get(path, params=params, headers=self._headers, key=key, endpoint=endpoint).json()

    def pages(
        self, ask: Callable[[Mapping[str, str]], Any], params: Mapping[str, str], name: str
    ) -> Iterator[dict[str, Any] | list[Any]]:
        """What stands under `name` on every page that `ask` gets, as long as there is a next one."""
        token: Any = None
        for _ in range(_MOST_PAGES):
            document = ask({**params, **({"page_token": token} if token else {})})
            document = document if isinstance(document, dict) else {}
            inner, token = document.get(name), document.get("next_page_token")
            if isinstance(inner, dict | list):
                yield inner
            if not isinstance(token, str) or not token:
                return


def session_of(access: Access) -> AlpacaSession:
    """The session of the settings, for the registry."""
    return AlpacaSession.of(access.settings.of(AlpacaSettings), access.record)


def alpaca_fault(answer: Response) -> VendorFault:
    """Code and words of an error answer."""
    document = answer.decoded()
    if not isinstance(document, dict):
        return VendorFault()
    code = document.get("code")
    return VendorFault(str(code)[:40] if code else None, str(document.get("message") or "")[:200])
