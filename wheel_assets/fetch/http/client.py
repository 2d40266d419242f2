"""The one HTTP client: bounded in time, size and attempts; every attempt is recorded in the ledger.

An answer is checked in one order: status, content type, JSON, required keys. What fails is one
SourceError that carries source, endpoint, status, the vendor's code and its request id, and never a
query, a header or a credential.
"""

from __future__ import annotations

import random
import time
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

import requests
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from wheel_assets.errors import (
    RateLimited,
    SettingError,
    SourceError,
    SourceRefused,
    SourceUnreachable,
    UnexpectedAnswer,
)
from wheel_assets.fetch.http.deadline import until
from wheel_assets.fetch.http.rate_limiter import Pace
from wheel_assets.fetch.http.response import Response, VendorFault, no_fault
from wheel_assets.fetch.http.transport import Session, is_loopback, reason, seconds_to_wait, was_sent
from wheel_assets.fetch.source import tell_progress

CONNECT_SECONDS, READ_SECONDS = 5.0, 60.0
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
_BACKOFF_SECONDS = 0.5
_PIECE = 1 << 16
_EXCERPT_READ, _EXCERPT_SHOWN = 2000, 120


@dataclass(frozen=True)
class ApiCall:
    """One attempt of one request: a row of `tables.API_CALLS`; `at` is naive UTC."""

    at: datetime
    source: str
    endpoint: str
    status: int | None
    duration_ms: float
    bytes: int | None
    cost_usd: float
    key: str | None
    error: str | None


@dataclass(frozen=True)
class Request:
    """An HTTP request: GET, or POST where there is a form or JSON.

    `endpoint` replaces the path in errors and ledger where the path is confidential; `secrets` are
    struck out of whatever the vendor answers to this one, as are `auth` and a bearer token.
    """

    path: str
    params: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    json: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: tuple[str, str] | None = None
    secrets: Collection[str] = ()
    endpoint: str = ""
    key: str | None = None
    cost_usd: float = 0.0

    @property
    def method(self) -> str:
        """POST where there is a form or JSON to send, else GET."""
        return "GET" if self.form is None and self.json is None else "POST"

    @property
    def name(self) -> str:
        """Name of the request in errors and the ledger."""
        return self.endpoint or self.path


class HttpClient:
    """Requests to one vendor's host, one session, safe to use from several threads.

    `record` is handed every attempt, in the thread that made it. `explain` reads the vendor's own
    code and words out of an error answer; codes in `final_codes` are never retried. `secrets` are
    struck out of all texts. GET is retried `retries` times on broken connections and
    `retried_statuses`; POST only after a 429, because otherwise it may have worked. After one of
    `last_statuses` nothing more is sent: requests that wait get the same error. `total_seconds`
    bounds one call with all its attempts and waits but those for its turn, `max_bytes` the unpacked body.
    """

    def __init__(
        self,
        source: str,
        base_url: str,
        record: Callable[[ApiCall], None],
        *,
        pace: Pace | None = None,
        explain: Callable[[Response], VendorFault] = no_fault,
        final_codes: Collection[str] = (),
        secrets: Collection[str] = (),
        retries: int = 2,
        retried_statuses: Collection[int] = RETRIED_STATUSES,
        last_statuses: Collection[int] = (),
        total_seconds: float = 120.0,
        max_bytes: int = 64 << 20,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.source, self._base_url, self._record = source, base_url.rstrip("/"), record
        self._explain, self._final_codes, self._secrets = explain, final_codes, tuple(s for s in secrets if s)
        self._total_seconds, self._max_bytes, self._sleep = total_seconds, max_bytes, sleep
        self._last_statuses, self._last = last_statuses, list[SourceError]()
        if not all(secret.isascii() and secret.isprintable() for secret in self._secrets):
            what, why = f"a key or token of {source} is refused", "it contains characters that no key has"
            raise SettingError(what, why, "copy it again")
        loopback = is_loopback(base_url)
        if not loopback and urlsplit(base_url).scheme != "https":
            setting = f"WHEEL_{source.upper()}__BASE_URL={base_url.rpartition('@')[2]}"
            raise SettingError(f"{setting} is refused", "plain http is for this machine only", "use an https address")
        self._pace = None if loopback else pace
        self._policy = Retry(total=retries, allowed_methods={"GET"}, status_forcelist=retried_statuses)
        self._session = Session(base_url)

    def send(self, request: Request) -> Response:
        """The answer with a status of success; raises SourceError for everything else."""
        deadline = time.monotonic() + self._total_seconds
        attempt, tries = 1, (self._policy.total or 0) + 1
        while True:
            deadline += self._pace.wait() if self._pace else 0  # a queue of our own making is not the vendor's fault
            whom = f"{self.source} for {request.key}" if request.key else self.source
            tell_progress(f"asking {whom}, try {attempt} of {tries}")
            result, retry_after = self._attempt(request, deadline)
            if isinstance(result, Response):
                return result
            wait = retry_after or _BACKOFF_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
            too_late = time.monotonic() + wait > deadline
            if attempt == tries or too_late or not self._worth_retrying(request, result):
                raise result
            self._sleep(wait)
            attempt += 1

    def get(self, path: str, **request: Any) -> Response:
        """`send(Request(path, ...))`."""
        return self.send(Request(path, **request))

    def _worth_retrying(self, request: Request, error: SourceError) -> bool:
        """Whether to retry: after broken connections and temporary vendor errors, never after too large an answer."""
        if error.status is None:
            return request.method == "GET" and isinstance(error, SourceUnreachable)
        method = "GET" if error.status == 429 else request.method  # 429: the request was not executed
        return error.code not in self._final_codes and self._policy.is_retry(method, error.status)

    def _attempt(self, request: Request, deadline: float) -> tuple[Response | SourceError, float]:
        """One recorded attempt: the answer or the error, and the seconds that the vendor asks to wait."""
        if self._last:
            return self._last[0], 0.0
        at, started = datetime.now(UTC).replace(tzinfo=None), time.monotonic()

        def note(answer: Response | None, error: str | None, billed: bool) -> None:
            """Record this attempt in the ledger."""
            status, size = (answer.status, len(answer.body)) if answer else (None, None)
            duration, cost = 1000 * (time.monotonic() - started), request.cost_usd if billed else 0.0
            self._record(ApiCall(at, self.source, request.name, status, duration, size, cost, request.key, error))

        try:
            result = self._exchange(request, deadline)
        except BaseException:  # an interrupted download may have to be paid for
            note(None, "interrupted", True)
            raise
        if isinstance(result, SourceError):
            note(None, str(result), was_sent(result.why))
            return result, 0.0
        retry_after = seconds_to_wait(result.headers.get("Retry-After"))
        error = self._refusal(result, request, retry_after)
        if error is not None and error.status in self._last_statuses:
            self._last.append(error)
        note(result, str(error) if error else None, not 300 <= result.status < 500)  # what was refused is not billed
        return error or result, retry_after

    def _exchange(self, request: Request, deadline: float) -> Response | SourceError:
        """Send and read it whole. Errors are returned, so that no library's text, which quotes URLs, is chained."""
        left = max(0.1, deadline - time.monotonic())
        try:
            with (
                until(deadline),
                self._session.request(
                    request.method,
                    self._base_url + request.path,
                    params=request.params,
                    data=request.form,
                    json=request.json,
                    headers=request.headers,
                    auth=request.auth,
                    timeout=(min(CONNECT_SECONDS, left), min(READ_SECONDS, left)),
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                body = self._read(response, request)
            excerpt = self._redacted(body[:_EXCERPT_READ].decode("utf-8", "replace"), request)[:_EXCERPT_SHOWN]
            return Response(self.source, request.name, response.status_code, response.headers, body, excerpt)
        except (requests.RequestException, HTTPError) as error:
            if time.monotonic() >= deadline:
                why = f"it took over {self._total_seconds:g} seconds"
                return self._failure(SourceUnreachable, request, "is too slow", why, "try again later")
            remedy = f"check the network and the address {self._base_url.rpartition('@')[2]}"
            return self._failure(SourceUnreachable, request, "cannot be reached", reason(error), remedy)
        except SourceError as error:
            return error

    def _read(self, response: requests.Response, request: Request) -> bytes:
        """The body, unpacked piece by piece as it comes; raises where it is too large or packed more than once.

        `iter_content` was rejected: it waits for a whole piece, for hours where a vendor sends a byte a second.
        """
        body, packed = bytearray(), response.headers.get("Content-Encoding", "")
        if "," in packed:
            what, why = "sent an answer that is packed more than once", f"its Content-Encoding is {packed[:40]!r}"
            raise self._failure(UnexpectedAnswer, request, what, why, "try again later")
        while piece := response.raw.read1(_PIECE, decode_content=True):
            body += piece
            if len(body) > self._max_bytes:
                raise self._failure(
                    UnexpectedAnswer, request, f"sent over {self._max_bytes >> 20} MB", "", "ask for less"
                )
        return bytes(body)

    def _failure(self, kind: type[SourceError], request: Request, what: str, why: str, remedy: str) -> SourceError:
        """An error without a whole answer."""
        return kind(f"{self.source} {what}", why, remedy, source=self.source, endpoint=request.name)

    def _refusal(self, answer: Response, request: Request, retry_after: float) -> SourceError | None:
        """The error for a status other than success; None for success."""
        if 200 <= answer.status < 300:
            return None
        fault = self._explain(answer)
        code = self._redacted(fault.code, request) if fault.code else None
        why = self._redacted(f"HTTP {answer.status} {fault.message or answer.excerpt}", request)
        if answer.status == 429:
            remedy = f"it asks to wait {retry_after:.0f} seconds" if retry_after else "try again in some minutes"
            return answer.error(RateLimited, f"{self.source} limits the rate of requests", why, remedy, code=code)
        if answer.status in (401, 402, 403):
            remedy = "check key, licence and login"
            return answer.error(SourceRefused, f"{self.source} refuses this client", why, remedy, code=code)
        if answer.status >= 500:
            return answer.error(SourceUnreachable, f"{self.source} is failing", why, "try again later", code=code)
        remedy = "check the address in the settings; if it is right, the vendor has changed its interface"
        return answer.error(UnexpectedAnswer, f"{self.source} did not accept the request", why, remedy, code=code)

    def _redacted(self, text: str, request: Request) -> str:
        """The text without this client's secrets and the request's, however an answer repeats them."""
        auth = request.auth or ("", "")
        basic = b64encode(":".join(auth).encode()).decode()
        bearer = request.headers.get("Authorization", "").rpartition(" ")[2]
        secrets = [secret for secret in (*self._secrets, *request.secrets, *auth, basic, bearer) if secret]
        for secret in (spelling for plain in secrets for spelling in (plain, quote(plain, safe=""), quote_plus(plain))):
            text = text.replace(secret, "***")
        return text
