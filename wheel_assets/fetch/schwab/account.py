"""Holdings and cash of a Schwab account."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from wheel_assets.errors import BadSymbol, SourceError, SourceRefused, UnexpectedAnswer
from wheel_assets.fetch.http.response import restated
from wheel_assets.fetch.normalise.chains import naive_utc
from wheel_assets.fetch.normalise.holdings import ONLY_ACCOUNT, SEVERAL, masked
from wheel_assets.fetch.normalise.quotes import counts, numbers
from wheel_assets.fetch.schwab.session import SOURCE, SchwabSession, session_of
from wheel_assets.fetch.source import Access, AccountSource
from wheel_assets.market.osi import parse_osi
from wheel_assets.rows import Rows
from wheel_assets.sanitise import is_account
from wheel_assets.tables import POSITIONS

_ACCOUNTS = "/trader/v1/accounts"
_WITH_POSITIONS = {"fields": "positions"}
_HASH = re.compile(r"[0-9A-Za-z]{40,}")
# Cash that may be set aside for puts. Never a margin account's buying power: that is borrowed.
_FREE_CASH = {
    "CASH": ("cashAvailableForTrading", "totalCash", "cashBalance"),
    "MARGIN": ("availableFundsNonMarginableTrade", "cashBalance"),
}
_SHARES_OR_OPTIONS = ("EQUITY", "COLLECTIVE_INVESTMENT", "OPTION")
_COUNTED_AS = {"CASH_EQUIVALENT": "cash"}
_SHARES_A_CONTRACT = 100


class SchwabAccount(AccountSource):
    """An account of the Trader API, by `default` (the only one), number, or hash."""

    name: ClassVar[str] = SOURCE

    def __init__(self, session: SchwabSession) -> None:
        self._session = session

    def positions(self, account_id: str, now: datetime) -> Rows:
        """Holdings and cash, see `AccountSource.positions`. Schwab gives no time: they are as of `now`."""
        account = self._account(account_id, now)
        holdings, notes = _holdings(account.get("positions") or [])
        cash, cash_notes = _cash(account, sum(row["market_value"] for row in holdings))
        stamp = pd.Timestamp(naive_utc(now)).as_unit("us")
        frame = pd.DataFrame([*holdings, cash], columns=[column.name for column in POSITIONS.columns])
        frame = frame.assign(timestamp=stamp, account_id=account_id, source=SOURCE)
        return Rows(frame, (*notes, *cash_notes, *self._session.notes(now)))

    def _account(self, account_id: str, now: datetime) -> dict[str, Any]:
        """The `securitiesAccount` that was asked for, in one request."""
        if _HASH.fullmatch(account_id):
            return self._account_of_hash(account_id, now)
        documents = self._session.get(_ACCOUNTS, _WITH_POSITIONS, now, key=masked(account_id)).json()
        if not isinstance(documents, list):
            raise _unexpected("its accounts are no list")
        return _chosen([_securities_account(document) for document in documents], account_id)

    def _account_of_hash(self, account_hash: str, now: datetime) -> dict[str, Any]:
        path, key = f"{_ACCOUNTS}/{account_hash}", masked(account_hash)
        try:
            answer = self._session.get(
                path, _WITH_POSITIONS, now, key=key, endpoint=f"{_ACCOUNTS}/{{hash}}", secret=account_hash
            )
        except SourceError as error:
            if error.status not in (400, 404):
                raise
            what, remedy = f"Schwab has no account `{key}`", "set WHEEL_ACCOUNT_ID to the account's number or hash"
            raise restated(error, SourceRefused, what, error.why, remedy) from None
        return _securities_account(answer.json())


def open_account(access: Access) -> SchwabAccount:
    """Factory named in the registry entry."""
    return SchwabAccount(session_of(access))


def _chosen(accounts: list[dict[str, Any]], account_id: str) -> dict[str, Any]:
    """The account of that number, or the only one; raises SourceRefused, listing what there is, masked."""
    wanted = accounts
    if account_id != ONLY_ACCOUNT:
        wanted = [account for account in accounts if is_account(_plain(account_id), _plain(account["accountNumber"]))]
    if len(wanted) == 1:
        return wanted[0]
    there = ", ".join(f"{masked(account['accountNumber'])} ({account.get('type')})" for account in accounts) or "none"
    what = f"Schwab has {len(wanted) or 'no'} accounts for `{masked(account_id)}`"
    raise SourceRefused(what, f"there are: {there}", SEVERAL, source=SOURCE, endpoint=_ACCOUNTS)


def _securities_account(document: Any) -> dict[str, Any]:
    account = document.get("securitiesAccount") if isinstance(document, dict) else None
    if not isinstance(account, dict) or not isinstance(account.get("accountNumber"), str):
        raise _unexpected("no securitiesAccount with an accountNumber")
    return account


def _holdings(positions: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of shares and options; what is no holding of its own is counted."""
    if not isinstance(positions, list) or not all(isinstance(position, dict) for position in positions):
        raise _unexpected("its positions are no list of objects")
    kinds = [_instrument(position).get("assetType") for position in positions]
    rows = [_row(position) for position, kind in zip(positions, kinds, strict=True) if kind != "CASH_EQUIVALENT"]
    counted = Counter(str(kind) for kind in kinds if kind not in _SHARES_OR_OPTIONS)
    notes = [
        f"{count} {kind} positions counted as {_COUNTED_AS.get(kind, 'shares')}" for kind, count in counted.items()
    ]
    return [row for row in rows if row["quantity"]], [*notes, *_option_notes(positions)]


def _option_notes(positions: list[dict[str, Any]]) -> list[str]:
    """Which options do not deliver plain 100 shares, by their codes."""
    options = [instrument for instrument in map(_instrument, positions) if instrument.get("assetType") == "OPTION"]
    return [note for option in options if (note := parse_osi(option["symbol"]).deliverable_note)]


def _row(position: dict[str, Any]) -> dict[str, Any]:
    """One holding. Schwab's quantities are unsigned by side, its average price is a share's, fees in."""
    instrument = _instrument(position)
    symbol = instrument.get("symbol")
    names = ("longQuantity", "shortQuantity", "averagePrice", "marketValue")
    held_long, held_short, average_price, market_value = numbers([position.get(name) for name in names], no_value=())
    quantity = held_long - held_short
    if not isinstance(symbol, str) or not np.isfinite(quantity):
        raise _unexpected(f"a position of {str(symbol)[:40]!r} without a quantity")
    contract = _option(instrument, symbol) if instrument.get("assetType") == "OPTION" else _shares(symbol)
    return {**contract, "quantity": quantity, "average_price": average_price, "market_value": market_value}


def _shares(symbol: str) -> dict[str, Any]:
    return {"asset_type": "stock", "symbol": _ticker(symbol), "multiplier": 1}


def _option(instrument: dict[str, Any], symbol: str) -> dict[str, Any]:
    """A contract's terms; an option that cannot be read must not go missing, for it may bind cash."""
    try:
        option = parse_osi(symbol)
    except BadSymbol as error:
        raise _unexpected(str(error)) from None
    underlying = instrument.get("underlyingSymbol")
    return {
        "asset_type": "option",
        "symbol": option.osi,
        "underlying": _ticker(underlying) if isinstance(underlying, str) and underlying else option.underlying,
        "option_type": option.option_type,
        "expiration": pd.Timestamp(option.expiration),
        "strike": option.strike,
        "multiplier": _multiplier(instrument) or _SHARES_A_CONTRACT,
    }


def _multiplier(instrument: dict[str, Any]) -> int:
    """Shares a contract, 0 where Schwab does not say: its documents have the field, its answers often not."""
    return int(counts([instrument.get("optionMultiplier")]).fillna(0)[0])


def _cash(account: dict[str, Any], holdings_value: float) -> tuple[dict[str, Any], list[str]]:
    """The cash row: free to trade, and in the account, which is what liquidation would bring beyond the holdings."""
    balances = account.get("currentBalances")
    if not isinstance(balances, dict):
        raise _unexpected("no currentBalances")
    names = _FREE_CASH.get(str(account.get("type")), _FREE_CASH["MARGIN"])
    usable = [(name, value) for name in names if np.isfinite(value := _dollars(balances, name))]
    if not usable:
        raise _unexpected(f"none of {', '.join(names)} among its balances")
    name, free = usable[0]
    held = _dollars(balances, "liquidationValue") - holdings_value
    held = held if np.isfinite(held) else _dollars(balances, "cashBalance")
    own = np.fmax(held, _dollars(balances, "cashBalance"))
    borrowed = f", less ${free - own:,.2f} that would be borrowed" if free > own else ""
    row = {"asset_type": "cash", "symbol": "USD", "multiplier": 1, "market_value": held}
    return row | {"quantity": np.fmin(free, own)}, [f"cash is the account's {name}{borrowed}"]


def _dollars(balances: dict[str, Any], name: str) -> float:
    return float(numbers([balances.get(name)], no_value=())[0])


def _instrument(position: dict[str, Any]) -> dict[str, Any]:
    instrument = position.get("instrument")
    if not isinstance(instrument, dict):
        raise _unexpected("a position without an instrument")
    return instrument


def _ticker(symbol: str) -> str:
    """Schwab's `$SPX` and `BRK/B` as this project writes them."""
    return symbol.strip().lstrip("$").replace("/", ".")


def _plain(number: str) -> str:
    return re.sub(r"[^\w.]", "", number)


def _unexpected(why: str) -> UnexpectedAnswer:
    what = "Schwab sent an account that cannot be read"
    return UnexpectedAnswer(what, why, "its layout may have changed", source=SOURCE, endpoint=_ACCOUNTS)
