"""What happened in the made-up account: puts that were assigned, then the call and the put that it still holds."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Any

from wheel_assets.fetch.sample.sources import SampleAccount
from wheel_assets.fetch.source import Access, TransactionSource
from wheel_assets.fetch.transactions.frame import Transaction, transaction_frame
from wheel_assets.fetch.transactions.layout import at_close
from wheel_assets.market.calendar import NEW_YORK, last_session
from wheel_assets.market.osi import format_osi
from wheel_assets.rows import Rows

FEE = 0.65  # dollars a contract
_FRIDAY = 4


class SampleTransactions(TransactionSource):
    """A history that leads to the positions of `SampleAccount`, whatever day it is."""

    name = "sample"
    incremental = False

    def transactions(self, account_id: str, since: datetime | None, now: datetime) -> Rows:
        """Three puts sold and assigned, a call and a put sold; the shares cost the strike less the premium."""
        today = now.astimezone(NEW_YORK).date()
        held: list[Any] = list(SampleAccount().positions(account_id, now).frame.itertuples())
        (shares,), options = ([row for row in held if row.asset_type == kind] for kind in ("stock", "option"))
        history = _assigned_puts(shares.symbol, shares.quantity, shares.average_price, today)
        for days, option in zip((15, 10), options, strict=True):
            when = last_session(today - timedelta(days=days))
            history.append(_sale(when, option.underlying, option.symbol, option.quantity, option.average_price))
        return Rows(transaction_frame(self.name, history, account_id, now))


def _assigned_puts(symbol: str, shares: float, cost: float, today: date) -> list[Transaction]:
    """Puts whose strike less the premium is the `cost` of the shares that they brought, dollars a share."""
    strike = math.ceil((cost + 0.4) * 2) / 2
    ended = today - timedelta(days=28 + (today.weekday() - _FRIDAY) % 7)
    put, contracts = format_osi(symbol, ended, "put", strike), shares / 100
    assigned = Transaction(at_close(ended), "assignment", symbol, put, contracts)
    bought = Transaction(at_close(ended), "assignment", symbol, None, shares, strike, 0.0, -shares * strike)
    sold = last_session(ended - timedelta(days=35))
    return [_sale(sold, symbol, put, -contracts, round(strike - cost, 2)), assigned, bought]


def _sale(day: date, symbol: str, contract: str, contracts: float, price: float) -> Transaction:
    fees = round(FEE * -contracts, 2)
    amount = round(-contracts * price * 100 - fees, 2)
    return Transaction(at_close(day), "trade", symbol, contract, contracts, price, fees, amount)


def open_transactions(_: Access) -> SampleTransactions:
    """Factory named in the registry entry."""
    return SampleTransactions()
