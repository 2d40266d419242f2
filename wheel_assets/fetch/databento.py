"""Databento's historical API: OPRA definitions, quotes and open interest, which all cost money.

The service sells yesterday's data, and today's with a licence: the chain is as of the end of the
newest session that the key may see. A chain is priced before it is downloaded, its price is reserved,
and it is refused where that would take the month's spend over the budget.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from typing import Any, ClassVar

import pandas as pd

from wheel_assets.errors import (
    NoContracts,
    NoSpotPrice,
    SettingError,
    SourceError,
    SourceUnreachable,
    UnexpectedAnswer,
    UnknownSymbol,
)
from wheel_assets.fetch.answer import Answer, VendorFault, restated
from wheel_assets.fetch.chain import NEW_YORK, VendorChain
from wheel_assets.fetch.databento_rows import contracts, last_quotes, open_interest, parity_spot
from wheel_assets.fetch.http import ApiCall, HttpClient, Request
from wheel_assets.fetch.osi import option_root
from wheel_assets.fetch.quotes import numbers
from wheel_assets.fetch.source import MarketSource, Reserve

_SOURCE, _DATASET = "databento", "OPRA.PILLAR"
_RANGE, _COST, _DOWNLOAD = "/v0/metadata.get_dataset_range", "/v0/metadata.get_cost", "/v0/timeseries.get_range"
_SCHEMAS = ("definition", "cbbo-1m", "statistics")
_FAMILIES = {"SPX": ("SPX", "SPXW"), "NDX": ("NDX", "NDXP"), "RUT": ("RUT", "RUTW"), "VIX": ("VIX", "VIXW")}
_OPEN, _CLOSE = clock_time(9, 30), clock_time(16, 0)
# One minute holds only the contracts that were updated in it; half an hour holds nearly all.
_WINDOW = timedelta(minutes=30)
_SESSIONS_BACK = 4  # over a long weekend
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")


class DatabentoMarket(MarketSource):
    """Chains of the newest session.

    `reserve` holds dollars of the budget for calls about a key for the length of a block, out of which
    the calls told to `record` are paid; it raises BudgetExceeded. `rate` (decimal a year) discounts
    strikes in put-call parity.
    """

    name: ClassVar[str] = _SOURCE
    concurrency: ClassVar[int] = 1

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        record: Callable[[ApiCall], None],
        *,
        reserve: Reserve,
        rate: float = 0.04,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not api_key:
            raise SettingError(
                "WHEEL_DATABENTO__API_KEY is not set", "Databento asks for one", "copy it from your account"
            )
        self._auth, self._reserve, self._rate = (api_key, ""), reserve, rate
        self._http = HttpClient(
            _SOURCE, base_url, record, explain=databento_fault, secrets=[api_key], max_bytes=256 << 20, sleep=sleep
        )

    def option_chain(self, symbol: str, now: datetime) -> pd.DataFrame:
        """Every listed standard contract, see `MarketSource.option_chain`; raises BudgetExceeded too."""
        try:
            return self._newest_chain(symbol, min(now, self._available_end(symbol)), now)
        except SourceError as error:
            allowed = _allowed_end(error)
            if allowed is None:
                raise
        return self._newest_chain(symbol, allowed, now)

    def price_history(self, symbol: str, now: datetime) -> pd.DataFrame:
        """None: OPRA carries options only, and daily bars of the shares are another, separately priced dataset."""
        what, why = f"no price history of {symbol}", "OPRA, the dataset asked of Databento, carries options only"
        raise SourceError(what, why, "use another market source for it", source=_SOURCE)

    def _newest_chain(self, symbol: str, end: datetime, now: datetime) -> pd.DataFrame:
        """The chain of the newest session before `end` in which anything was quoted."""
        for as_of in sessions(end):
            costs = {schema: self._cost(_query(schema, symbol, as_of), symbol) for schema in _SCHEMAS}
            with self._reserve(_SOURCE, symbol, sum(costs.values())):
                quotes = last_quotes(self._download("cbbo-1m", symbol, as_of, costs))
                if len(quotes):
                    return self._chain(symbol, as_of, quotes, costs).frame(now)
        what = f"Databento has no quotes of {symbol}"
        raise NoContracts(what, f"in {_SESSIONS_BACK} sessions until {end:%Y-%m-%d %H:%M} UTC", source=_SOURCE)

    def _chain(self, symbol: str, as_of: datetime, quotes: pd.DataFrame, costs: dict[str, float]) -> VendorChain:
        """The session's contracts with their quotes, open interest, and the price of the underlying."""
        rows = contracts(self._download("definition", symbol, as_of, costs))
        interest = open_interest(self._download("statistics", symbol, as_of, costs))
        rows = rows.merge(quotes, on="instrument_id", how="left").merge(interest, on="instrument_id", how="left")
        newest = rows["quoted"].max()
        as_of = as_of if pd.isna(newest) else newest.to_pydatetime(warn=False)
        found = parity_spot(rows, as_of.astimezone(NEW_YORK).date(), self._rate)
        if found is None:
            why = "OPRA does not carry it, and too few puts and calls are quoted to imply it"
            raise NoSpotPrice(f"no price of {symbol} from Databento", why, "use another market source", source=_SOURCE)
        spot, expiration = found
        notes = [f"the price of {symbol} is implied by put-call parity of the {expiration} expiration"]
        unquoted = int(rows["quoted"].isna().sum())
        notes += [f"{unquoted} contracts without a quote in {_WINDOW.seconds // 60} minutes"] if unquoted else []
        return VendorChain(_SOURCE, symbol, round(spot, 4), as_of, rows, notes)

    def _available_end(self, symbol: str) -> datetime:
        """Until when this key may see all three schemas."""
        answer = self._http.get(_RANGE, params={"dataset": _DATASET}, auth=self._auth, key=symbol)
        document = answer.json("end")
        schemas = document.get("schema")
        limits = [schemas.get(name) for name in _SCHEMAS] if isinstance(schemas, dict) else []
        ends = [document["end"], *(limit.get("end") for limit in limits if isinstance(limit, dict))]
        try:
            return min(_moment(end) for end in ends)
        except (TypeError, ValueError):
            raise answer.error(UnexpectedAnswer, "Databento sent an unreadable range", str(ends)[:100]) from None

    def _download(self, schema: str, symbol: str, as_of: datetime, costs: dict[str, float], tries: int = 3) -> Answer:
        """One paid answer. A broken one may have been billed, so that a new try must be within the budget too."""
        form = {**_query(schema, symbol, as_of), "encoding": "csv", "compression": "none"}
        form |= {"pretty_px": "true", "pretty_ts": "true"}
        request = Request(_DOWNLOAD, form=form, auth=self._auth, key=symbol, cost_usd=costs[schema])
        try:
            return self._http.send(request)
        except SourceUnreachable:
            if tries == 1:
                raise
        except SourceError as error:
            raise _clearer(error, symbol) from None
        with self._reserve(_SOURCE, symbol, costs[schema]):
            return self._download(schema, symbol, as_of, costs, tries - 1)

    def _cost(self, query: dict[str, str], symbol: str) -> float:
        """The vendor's estimate of one download, which is free to ask for."""
        try:
            answer = self._http.get(_COST, params=query, auth=self._auth, key=symbol)
        except SourceError as error:
            raise _clearer(error, symbol) from None
        cost = float(numbers([answer.json()])[0])
        if not cost >= 0:
            raise answer.error(UnexpectedAnswer, "Databento did not name a price", answer.excerpt)
        return cost


def sessions(end: datetime) -> Iterator[datetime]:
    """Closes of the newest weekday sessions that began before `end`, newest first; of one under way, `end`.

    Holidays are among them, and are found out by having no quotes.
    """
    local, found = end.astimezone(NEW_YORK), 0
    for back in range(4 * _SESSIONS_BACK):
        day = local.date() - timedelta(days=back)
        opening, closing = (datetime.combine(day, at, NEW_YORK) for at in (_OPEN, _CLOSE))
        if day.weekday() < 5 and opening < local and found < _SESSIONS_BACK:
            found += 1
            yield min(closing, local).astimezone(UTC)


def period(schema: str, as_of: datetime) -> tuple[datetime, datetime]:
    """What to ask for, from and until: half an hour of quotes, all of the day so far for the rest."""
    if schema == "cbbo-1m":
        return as_of - _WINDOW, as_of
    return datetime.combine(as_of.date(), clock_time(), UTC), as_of


def databento_fault(answer: Answer) -> VendorFault:
    """The case and message of `detail`, with the end that the key may see where it is named."""
    document = answer.decoded()
    detail = document.get("detail") if isinstance(document, dict) else None
    if not isinstance(detail, dict):
        return VendorFault(None, detail[:200] if isinstance(detail, str) else "")
    payload = detail.get("payload")
    end = payload.get("available_end") if isinstance(payload, dict) else None
    message = f"{str(detail.get('message', ''))[:200]}{f' (until {str(end)[:40]})' if end else ''}"
    return VendorFault(str(detail.get("case", "")) or None, message)


def _query(schema: str, symbol: str, as_of: datetime) -> dict[str, str]:
    """The part of a request that its price depends on."""
    roots = _FAMILIES.get(symbol, (option_root(symbol),))
    start, end = period(schema, as_of)
    return {
        "dataset": _DATASET,
        "schema": schema,
        "symbols": ",".join(f"{root}.OPT" for root in roots),
        "stype_in": "parent",
        "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end": f"{end:%Y-%m-%dT%H:%M:%SZ}",
    }


def _allowed_end(error: SourceError) -> datetime | None:
    """The end that a refusal names as the last one allowed, less a minute; None for other errors."""
    found = _TIME.findall(error.why) if error.code == "data_end_after_available_end" else []
    return _moment(found[-1]) - timedelta(minutes=1) if found else None


def _clearer(error: SourceError, symbol: str) -> SourceError:
    if error.code and error.code.startswith("symbology"):
        what = f"Databento lists no options on {symbol}"
        return restated(error, UnknownSymbol, what, error.why, "check the ticker")
    return error


def _moment(text: Any) -> datetime:
    """A time of Databento's, nanoseconds dropped; UTC where it does not say."""
    moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
