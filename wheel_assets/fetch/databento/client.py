"""Databento's historical API: availability, price estimates, and downloads within the budget."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from wheel_assets.errors import SettingError, SourceError, SourceUnreachable, UnexpectedAnswer, UnknownSymbol
from wheel_assets.fetch.http.client import ApiCall, HttpClient, Request
from wheel_assets.fetch.http.rate_limiter import pace_of
from wheel_assets.fetch.http.response import Response, VendorFault, restated
from wheel_assets.fetch.normalise.quotes import numbers
from wheel_assets.fetch.source import Reserve

SOURCE = "databento"
_RANGE, _COST, _DOWNLOAD = "/v0/metadata.get_dataset_range", "/v0/metadata.get_cost", "/v0/timeseries.get_range"
_TRIES = 3
_SHOWN = 200


class Query(NamedTuple):
    """What a download is of, and all that its price depends on; `start` is in it, `end` is not (aware)."""

    dataset: str
    schema: str
    symbols: str
    stype_in: str
    start: datetime
    end: datetime

    @property
    def form(self) -> dict[str, str]:
        """As the vendor wants it."""
        times = {name: f"{getattr(self, name).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for name in ("start", "end")}
        return {**self._asdict(), **times}


class Priced(NamedTuple):
    """A query and what the vendor estimates it to cost, dollars."""

    query: Query
    cost: float


class DatabentoClient:
    """`reserve` holds dollars of the budget for the length of a block; what `record` gets is paid out of them."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        record: Callable[[ApiCall], None],
        *,
        reserve: Reserve,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not api_key:
            what, remedy = "WHEEL_DATABENTO__API_KEY is not set", "copy it from your account"
            raise SettingError(what, "Databento requires one", remedy)
        self._auth, self._reserve = (api_key, ""), reserve
        self._http = HttpClient(
            SOURCE,
            base_url,
            record,
            pace=pace_of(SOURCE),
            explain=databento_fault,
            secrets=[api_key],
            max_bytes=256 << 20,
            sleep=sleep,
        )

    def available_end(self, dataset: str, schemas: Collection[str], symbol: str) -> datetime:
        """Until when this key may see all of the schemas."""
        answer = self._http.get(_RANGE, params={"dataset": dataset}, auth=self._auth, key=symbol)
        document = answer.json("end")
        ranges = document.get("schema")
        limits = [ranges.get(name) for name in schemas] if isinstance(ranges, dict) else []
        ends = [document["end"], *(limit.get("end") for limit in limits if isinstance(limit, dict))]
        try:
            return min(moment(end) for end in ends)
        except (TypeError, ValueError):
            raise answer.error(UnexpectedAnswer, "Databento sent an unreadable range", str(ends)[:100]) from None

    def priced(self, query: Query, symbol: str) -> Priced:
        """With the vendor's estimate of the download's price, which is free to ask for."""
        try:
            answer = self._http.get(_COST, params=query.form, auth=self._auth, key=symbol)
        except SourceError as error:
            raise _clearer(error, symbol) from None
        cost = float(numbers([answer.json()])[0])
        if not cost >= 0:
            raise answer.error(UnexpectedAnswer, "Databento did not name a price", answer.excerpt)
        return Priced(query, cost)

    def reserved(self, cost: float, symbol: str) -> AbstractContextManager[None]:
        """Hold `cost` dollars of this month's budget for downloads about `symbol`; raises BudgetExceeded."""
        return self._reserve(SOURCE, symbol, cost)

    def download(self, priced: Priced, symbol: str, tries: int = _TRIES) -> Response:
        """One paid answer, CSV, for which money is reserved. A broken one may have been billed: more has to be had."""
        form = {**priced.query.form, "encoding": "csv", "compression": "none"}
        form |= {"pretty_px": "true", "pretty_ts": "true"}
        request = Request(_DOWNLOAD, form=form, auth=self._auth, key=symbol, cost_usd=priced.cost)
        try:
            return self._http.send(request)
        except SourceUnreachable:
            if tries == 1:
                raise
        except SourceError as error:
            raise _clearer(error, symbol) from None
        with self.reserved(priced.cost, symbol):
            return self.download(priced, symbol, tries - 1)


def moment(text: Any) -> datetime:
    """A time of Databento's, nanoseconds dropped; UTC where it does not say. Raises TypeError or ValueError.

    >>> moment("2026-11-20T14:31:00.000000000Z").isoformat()
    '2026-11-20T14:31:00+00:00'
    """
    found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def databento_fault(answer: Response) -> VendorFault:
    """The case and message of `detail`, with the end that the key may see where it is named."""
    document = answer.decoded()
    detail = document.get("detail") if isinstance(document, dict) else None
    if not isinstance(detail, dict):
        return VendorFault(None, detail[:_SHOWN] if isinstance(detail, str) else "")
    payload = detail.get("payload")
    end = payload.get("available_end") if isinstance(payload, dict) else None
    message = f"{str(detail.get('message', ''))[:_SHOWN]}{f' (until {str(end)[:40]})' if end else ''}"
    return VendorFault(str(detail.get("case", "")) or None, message)


def warnings_of(answer: Response) -> list[str]:
    """What the vendor warns of in a good answer: that it resolved only a part of the symbols, and its own words."""
    partial = ["Databento knew only a part of the symbols that were asked for"] if answer.status == 206 else []
    try:
        warnings = json.loads(answer.headers.get("X-Warning") or "[]")
    except ValueError:
        warnings = []
    return partial + [f"Databento warns: {text[:_SHOWN]}" for text in warnings if isinstance(text, str)]


def _clearer(error: SourceError, symbol: str) -> SourceError:
    if error.code and error.code.startswith("symbology"):
        what = f"Databento lists no options on {symbol}"
        return restated(error, UnknownSymbol, what, error.why, "check the ticker")
    return error
