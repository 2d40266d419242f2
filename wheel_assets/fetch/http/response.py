"""HTTP answers, and the checks that every body passes before it is parsed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from wheel_assets.errors import SourceError, UnexpectedAnswer

_REQUEST_ID_HEADERS = ("Schwab-Client-CorrelId", "request-id", "x-request-id", "cf-ray", "x-amz-cf-id")
# The largest chain there is, with every field that a vendor sends, is a quarter of that; 100 bytes of memory each.
MOST_VALUES = 4_000_000
_Error = TypeVar("_Error", bound=SourceError)


class VendorFault(NamedTuple):
    """The vendor's own error code and message, where its answer has them."""

    code: str | None = None
    message: str = ""


@dataclass(frozen=True)
class Response:
    """One whole HTTP answer; `endpoint` is the path without its query.

    `excerpt` is the beginning of the body with every secret struck out, for error texts.
    """

    source: str
    endpoint: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    excerpt: str = ""

    @property
    def content_type(self) -> str:
        """The declared media type, without parameters, in lower case."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def request_id(self) -> str | None:
        """The vendor's request id, for its support desk."""
        return next((self.headers[name] for name in _REQUEST_ID_HEADERS if name in self.headers), None)

    def error(
        self, kind: type[_Error], what: str, why: str = "", remedy: str = "", *, code: str | None = None
    ) -> _Error:
        """An error about this answer."""
        return kind(
            what,
            why,
            remedy,
            source=self.source,
            endpoint=self.endpoint,
            status=self.status,
            code=code,
            request_id=self.request_id,
        )

    def json(self, *required: str) -> Any:
        """The decoded body, an object that has the `required` keys where any are named.

        Raises UnexpectedAnswer for another content type, damaged JSON, or a missing key.
        """
        if self.content_type and "json" not in self.content_type:
            raise self._unexpected(f"{self.content_type} instead of JSON: {self.excerpt}")
        if self._values > MOST_VALUES:
            raise self._unexpected(f"JSON of more than {MOST_VALUES:,} values")
        document = self.decoded()
        if document is None:
            raise self._unexpected(f"damaged JSON of {len(self.body)} bytes")
        if required and not isinstance(document, dict):
            raise self._unexpected(f"a JSON {type(document).__name__} instead of an object")
        missing = [key for key in required if key not in document]
        if missing:
            raise self._unexpected(f"no {', '.join(missing)} among its keys {sorted(document)[:12]}")
        return document

    def decoded(self) -> Any:
        """The body as JSON, None where it is none; for error answers, whose content type often lies."""
        try:
            return json.loads(self.body) if self._values <= MOST_VALUES else None
        except (ValueError, RecursionError):
            return None

    @property
    def _values(self) -> int:
        """About how many values the body holds as JSON, counted without decoding it."""
        return sum(map(self.body.count, (b",", b"{", b"[")))

    def csv_text(self) -> str:
        """The body as text; raises UnexpectedAnswer where it is HTML, JSON or no UTF-8."""
        if "html" in self.content_type or self.body.lstrip()[:1] in (b"<", b"{"):
            raise self._unexpected(f"{self.content_type} instead of CSV: {self.excerpt}")
        try:
            return self.body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise self._unexpected("text that is not UTF-8") from None

    def _unexpected(self, why: str) -> UnexpectedAnswer:
        remedy = "try again later; if it stays, the vendor has changed its layout"
        return self.error(UnexpectedAnswer, f"{self.source} sent an unexpected answer", why, remedy)


def no_fault(answer: Response) -> VendorFault:
    """For vendors whose error answers hold nothing to read."""
    return VendorFault()


def restated(error: SourceError, kind: type[_Error], what: str, why: str, remedy: str) -> _Error:
    """The error with a more specific message; status, code and request id stay."""
    return kind(
        what,
        why,
        remedy,
        source=error.source,
        endpoint=error.endpoint,
        status=error.status,
        code=error.code,
        request_id=error.request_id,
    )
