"""Option chains from Databento: OPRA definitions, quotes and open interest, which all cost money.

The service sells yesterday's data, and today's with a licence: the chain is as of the end of the
newest session that the key may see. A chain is priced before it is downloaded, its price is reserved,
and it is refused where that would take the month's spend over the budget.

OPRA does not carry the price of the underlying. It is implied by put-call parity, out of quotes that
are paid for already; where they do not allow it, shares are looked up in EQUS.MINI, for some more.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from typing import ClassVar

import pandas as pd

from wheel_assets.errors import NoContracts, NoSpotPrice, SourceError
from wheel_assets.fetch.databento.client import SOURCE, DatabentoClient, Query, moment, warnings_of
from wheel_assets.fetch.databento.parsing import contracts, last_quotes, open_interest, parity_spot, quoted_price
from wheel_assets.fetch.http.client import ApiCall
from wheel_assets.fetch.http.response import Response
from wheel_assets.fetch.normalise.chains import VendorChain
from wheel_assets.fetch.source import Access, MarketSource, Reserve
from wheel_assets.market.calendar import NEW_YORK, is_session, session_of
from wheel_assets.market.indices import INDICES
from wheel_assets.market.osi import listed_roots
from wheel_assets.rows import Rows
from wheel_assets.vendors import DatabentoSettings

_OPTIONS, _SHARES = "OPRA.PILLAR", "EQUS.MINI"
_TERMS, _QUOTES, _INTEREST = _SCHEMAS = ("definition", "cbbo-1m", "statistics")
# One minute holds only the contracts that were updated in it; half an hour holds nearly all.
_WINDOW = timedelta(minutes=30)
_SESSIONS_BACK = 4  # over a long weekend
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")


class DatabentoMarket(MarketSource):
    """Chains of the newest session.

    `reserve` as in `DatabentoClient`; `rate` (decimal a year) discounts strikes in put-call parity.
    """

    name: ClassVar[str] = SOURCE
    concurrency: ClassVar[int] = 4

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
        self._client = DatabentoClient(base_url, api_key, record, reserve=reserve, sleep=sleep)
        self._rate = rate

    def option_chain(self, symbol: str, now: datetime) -> Rows:
        """Every listed standard contract, see `MarketSource.option_chain`; raises BudgetExceeded too."""
        end = self._client.available_end(_OPTIONS, _SCHEMAS, symbol)
        try:
            return self._newest_chain(symbol, min(now, end), now)
        except SourceError as error:
            allowed = _allowed_end(error)
            if allowed is None:
                raise
        return self._newest_chain(symbol, allowed, now)

    def price_history(self, symbol: str, now: datetime) -> Rows:
        """None: OPRA carries options only, and daily bars of the shares are another, separately priced dataset."""
        what, why = f"no price history of {symbol}", "OPRA, the dataset asked of Databento, carries options only"
        raise SourceError(what, why, "use another market source for it", source=SOURCE)

    def _newest_chain(self, symbol: str, end: datetime, now: datetime) -> Rows:
        """The chain of the newest session before `end` in which anything was quoted."""
        for as_of in sessions(end):
            priced = {schema: self._client.priced(_query(schema, symbol, as_of), symbol) for schema in _SCHEMAS}
            with self._client.reserved(sum(each.cost for each in priced.values()), symbol):
                answers = {_QUOTES: self._client.download(priced[_QUOTES], symbol)}
                quotes = last_quotes(answers[_QUOTES])
                if len(quotes):
                    answers |= {name: self._client.download(priced[name], symbol) for name in (_TERMS, _INTEREST)}
                    return self._chain(symbol, as_of, quotes, answers).rows(now)
        what = f"Databento has no quotes of {symbol}"
        raise NoContracts(
            what, f"in {_SESSIONS_BACK} sessions until {end:%Y-%m-%d %H:%M} UTC", "check the ticker", source=SOURCE
        )

    def _chain(self, symbol: str, as_of: datetime, quotes: pd.DataFrame, answers: dict[str, Response]) -> VendorChain:
        """The session's contracts with their quotes, open interest, and the price of the underlying."""
        rows = contracts(answers[_TERMS]).merge(quotes, on="instrument_id", how="left")
        rows = rows.merge(open_interest(answers[_INTEREST]), on="instrument_id", how="left")
        newest = rows["quoted"].max()
        quoted = as_of if pd.isna(newest) else newest.to_pydatetime(warn=False)
        spot, note = self._spot(symbol, rows, quoted, as_of)
        notes = list(dict.fromkeys([note, *(text for answer in answers.values() for text in warnings_of(answer))]))
        unquoted = int(rows["quoted"].isna().sum())
        notes += [f"{unquoted} contracts without a quote in {_WINDOW.seconds // 60} minutes"] if unquoted else []
        return VendorChain(SOURCE, symbol, round(spot, 4), quoted, rows, notes)

    def _spot(self, symbol: str, rows: pd.DataFrame, quoted: datetime, as_of: datetime) -> tuple[float, str]:
        """The underlying's price and where it is from: put-call parity, else EQUS.MINI; raises NoSpotPrice."""
        found = parity_spot(rows, quoted.astimezone(NEW_YORK).date(), self._rate)
        if found is not None:
            return found[0], f"share price implied by put-call parity of the {found[1]} expiration"
        why = "OPRA does not carry it, too few puts and calls are quoted to imply it"
        if symbol in INDICES:
            raise _no_spot(symbol, f"{why}, and an index is not traded in {_SHARES}")
        query = Query(_SHARES, "bbo-1m", symbol, "raw_symbol", as_of - _WINDOW, as_of)
        try:
            priced = self._client.priced(query, symbol)
            with self._client.reserved(priced.cost, symbol):
                answer = self._client.download(priced, symbol)
        except SourceError as error:
            raise _no_spot(symbol, f"{why}, and {_SHARES} does not give it: {error.what}, {error.why}") from None
        price = quoted_price(last_quotes(answer))
        if price is None:
            raise _no_spot(symbol, f"{why}, and {_SHARES} has no quote of it in that half hour")
        return price, f"share price of {_SHARES}: too few puts and calls are quoted to imply it"


def open_market(access: Access) -> DatabentoMarket:
    """Factory named in the registry entry; the constant rate will do: a point moves the spot by 0.1 % within weeks."""
    settings, rate = access.settings.of(DatabentoSettings), access.settings.rate.value
    key = settings.api_key.get_secret_value() if settings.api_key else None
    return DatabentoMarket(settings.base_url, key, access.record, reserve=access.reserve, rate=rate)


def sessions(end: datetime) -> Iterator[datetime]:
    """Closes of the newest sessions that began before `end`, newest first; of one under way, `end`."""
    today, found = end.astimezone(NEW_YORK).date(), 0
    for back in range(4 * _SESSIONS_BACK):
        session = session_of(today - timedelta(days=back))
        opens, closes = (at.replace(tzinfo=UTC) for at in (session.opens, session.closes))
        if is_session(session.day) and opens < end and found < _SESSIONS_BACK:
            found += 1
            yield min(closes, end.astimezone(UTC))


def _query(schema: str, symbol: str, as_of: datetime) -> Query:
    """One download of a chain: half an hour of quotes, all of the day so far for the rest."""
    start = as_of - _WINDOW if schema == _QUOTES else datetime.combine(as_of.date(), clock_time(), UTC)
    parents = ",".join(f"{root}.OPT" for root in listed_roots(symbol))
    return Query(_OPTIONS, schema, parents, "parent", start, as_of)


def _allowed_end(error: SourceError) -> datetime | None:
    """The end that a refusal names as the last one allowed, less a minute; None for other errors."""
    found = _TIME.findall(error.why) if error.code == "data_end_after_available_end" else []
    return moment(found[-1]) - timedelta(minutes=1) if found else None


def _no_spot(symbol: str, why: str) -> NoSpotPrice:
    return NoSpotPrice(f"no price of {symbol} from Databento", why, "use another market source", source=SOURCE)
