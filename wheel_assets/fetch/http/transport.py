"""Transport under the client: session, `Retry-After`, reasons of failed requests.

Proxies: those of the environment are used for the vendors' hosts, which are spoken to by https only,
so a proxy sees no credential. A loopback address is spoken to directly whatever the environment says,
and is the only one that plain http is accepted for. `.netrc` is never read.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import Cookie
from ipaddress import ip_address
from urllib.parse import urlsplit

import requests
from requests.cookies import RequestsCookieJar
from requests.utils import get_environ_proxies

from wheel_assets.fetch.http.deadline import DeadlineAdapter

# At DEBUG it writes whole addresses to the log, and FRED's hold the user's key.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)

USER_AGENT = "wheel_assets/0.1 (personal use)"
LONGEST_WAIT = 366 * 86_400.0  # seconds: what a larger `Retry-After` counts as
# A few words of our own by a part of the library's, which quote the URL, and that may hold a key.
_UNSENT = {
    "refused": "connection refused",
    "NameResolution": "the host name is unknown",
    "connect timeout": "no connection in time",
    "ertificate": "its certificate is not trusted",
    "SOCKS": "SOCKS proxies are not supported",
    "roxy": "the proxy failed",
}
_BROKEN = {
    "timed out": "no answer in time",
    "IncompleteRead": "the answer broke off",
    "failed to decode": "its compression is damaged",
}


class Session(requests.Session):
    """A session for several threads that takes nothing from the environment but what is asked for here.

    It keeps cookies, for Cboe shuts out a client that does not, and knows no redirect: requests, asked
    not to follow one, would still read its whole body, of whatever size, and choke on a bad address.
    """

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self.trust_env = False
        self.headers["User-Agent"] = USER_AGENT
        self.cookies = _SharedCookies()
        for scheme in ("http://", "https://"):
            self.mount(scheme, DeadlineAdapter())
        if not is_loopback(base_url):
            self.proxies.update(get_environ_proxies(base_url))
            self.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: an answer that points elsewhere is an answer like any other."""


class _SharedCookies(RequestsCookieJar):
    """Cookies that one thread may read while another one gets some; requests' own break there."""

    def __iter__(self) -> Iterator[Cookie]:  # type: ignore[override]
        with self._cookies_lock:  # type: ignore[attr-defined]
            return iter(list(super().__iter__()))


def is_loopback(url: str) -> bool:
    """Whether the address is this machine: 127.0.0.0/8, ::1 or localhost."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def seconds_to_wait(retry_after: str | None) -> float:
    """What a `Retry-After` header asks for, given as a number or a date; 0 where it asks for nothing.

    >>> [seconds_to_wait(text) for text in ("7", "soon", None)]
    [7.0, 0.0, 0.0]
    """
    text = (retry_after or "").strip()
    if re.fullmatch(r"[0-9]+", text):
        return min(float(text), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    left = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)
    return min(max(left.total_seconds(), 0.0), LONGEST_WAIT)


def reason(error: Exception) -> str:
    """Short reason of a failed request."""
    return next((words for part, words in (_UNSENT | _BROKEN).items() if part in str(error)), "the connection broke")


def was_sent(why: str) -> bool:
    """Whether a request that failed for this `reason` may have reached the vendor, who may charge for it."""
    return why not in _UNSENT.values()
