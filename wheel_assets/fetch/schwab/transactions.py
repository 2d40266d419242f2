"""What happened in a Schwab account: an activity holds the items that it moved, its fees among them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from wheel_assets.fetch.normalise.holdings import ONLY_ACCOUNT, chosen_number, dollars, masked
from wheel_assets.fetch.schwab.session import SOURCE, SchwabSession, session_of
from wheel_assets.fetch.source import Access, TransactionSource
from wheel_assets.fetch.transactions.broker_rows import damaged, ended, finite, known, named, rows_of, time_of
from wheel_assets.fetch.transactions.frame import Transaction
from wheel_assets.rows import Rows

_ACCOUNTS = "/trader/v1/accounts"
_HASH = re.compile(r"[0-9A-Za-z]{40,}")
_AS_FAR_AS_IT_GOES = timedelta(days=364)
_TYPES = "TRADE,RECEIVE_AND_DELIVER,DIVIDEND_OR_INTEREST"
_MOVED = ("EQUITY", "OPTION", "COLLECTIVE_INVESTMENT")


class SchwabTransactions(TransactionSource):
    """Trades, assignments, expirations and dividends of the last year at most."""

    name: ClassVar[str] = SOURCE

    def __init__(self, session: SchwabSession) -> None:
        self._session = session

    def transactions(self, account_id: str, since: datetime | None, now: datetime) -> Rows:
        """See `TransactionSource.transactions`."""
        account_hash = self._hash(account_id, now)
        first = max(since or now - _AS_FAR_AS_IT_GOES, now - _AS_FAR_AS_IT_GOES)
        times = {"startDate": _written(first), "endDate": _written(now), "types": _TYPES}
        endpoint = f"{_ACCOUNTS}/{{hash}}/transactions"
        path = f"{_ACCOUNTS}/{account_hash}/transactions"
        sent = self._session.get(
            path, times, now, key=masked(account_id), endpoint=endpoint, secret=account_hash
        ).json()
        if not isinstance(sent, list) or not all(isinstance(row, dict) for row in sent):
            raise damaged(SOURCE, "they are no list of objects")
        found = [each for activity in sent for each in _transactions(activity)]
        return rows_of(SOURCE, found, account_id, since, now)

    def _hash(self, account_id: str, now: datetime) -> str:
        """What stands for the account's number in paths."""
        if _HASH.fullmatch(account_id):
            return account_id
        sent = self._session.get(f"{_ACCOUNTS}/accountNumbers", {}, now, key=masked(account_id)).json()
        pairs = [row for row in sent if isinstance(row, dict)] if isinstance(sent, list) else []
        hashes = {str(row.get("accountNumber")): str(row.get("hashValue")) for row in pairs}
        wanted = account_id if account_id == ONLY_ACCOUNT else re.sub(r"[^\w.]", "", account_id)
        found = hashes[chosen_number(SOURCE, list(hashes), wanted)]
        if not _HASH.fullmatch(found):
            raise damaged(SOURCE, "an account's hash is none")
        return found


def open_transactions(access: Access) -> SchwabTransactions:
    """Factory named in the registry entry."""
    return SchwabTransactions(session_of(access))


def _transactions(activity: dict[str, Any]) -> Iterator[Transaction]:
    """A row for every holding that was moved; the cash of the activity, fees taken off, stands in the first."""
    sent = activity.get("transferItems")
    items = [item for item in sent if isinstance(item, dict)] if isinstance(sent, list) else []
    moved = [item for item in items if not item.get("feeType") and _instrument(item).get("assetType") in _MOVED]
    fees = -sum(known(dollars(item, "cost")) or 0.0 for item in items if item.get("feeType"))
    amount = finite(SOURCE, dollars(activity, "netAmount"), "a netAmount")
    when, kind = time_of(SOURCE, activity.get("time")), _kind(activity)
    for place, item in enumerate(moved or [{}]):
        symbol, contract = named(_instrument(item).get("symbol"))
        first = place == 0
        quantity = known(dollars(item, "amount")) if kind not in ("dividend", "fee", "other") else None
        price = known(dollars(item, "price")) if kind == "trade" or (quantity and not contract) else None
        yield Transaction(
            when, kind, symbol, contract, quantity, price, fees if first else None, amount if first else 0.0
        )


def _kind(activity: dict[str, Any]) -> str:
    what, words = str(activity.get("type")), str(activity.get("description")).lower()
    if what == "TRADE":
        return "trade"
    if what == "DIVIDEND_OR_INTEREST":
        return "other" if "interest" in words else "dividend"
    return ended(words) or ("split" if "split" in words else "other")


def _instrument(item: dict[str, Any]) -> dict[str, Any]:
    instrument = item.get("instrument")
    return instrument if isinstance(instrument, dict) else {}


def _written(moment: datetime) -> str:
    """A time as Schwab wants it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
