"""A simulated account: cash to the cent, shares, short options, and the ledger of everything that changed them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any

from wheel_assets.backtest.day import Quote
from wheel_assets.tables import POSITIONS

if TYPE_CHECKING:
    import pandas as pd

CENT = Decimal("0.01")


def cents(amount: float | Decimal) -> Decimal:
    """Dollars in whole cents, half a cent to the even one.

    >>> cents(1.005), cents(65.0)
    (Decimal('1.00'), Decimal('65.00'))
    """
    exact = amount if isinstance(amount, Decimal) else Decimal(repr(float(amount)))
    return exact.quantize(CENT, ROUND_HALF_EVEN)


@dataclass(frozen=True)
class LedgerEntry:
    """One line of the ledger; `amount` is signed dollars after the fee, `cash` the balance after it.

    `quantity` is signed contracts or shares, as the position changes; `price` dollars a share.
    """

    date: date
    event: str  # deposit, sell, buy, buy_shares, assignment, called_away, expiration, dividend
    symbol: str
    quantity: int
    price: float
    fee: Decimal
    amount: Decimal
    cash: Decimal


@dataclass
class Short:
    """Contracts sold of one option; `premium` is dollars a share, `mark` the last price to buy them back at."""

    quote: Quote
    contracts: int
    premium: float
    mark: float


@dataclass
class Shares:
    """Shares of one stock; `paid` is dollars a share, premiums not netted in."""

    quantity: int
    paid: float
    mark: float


@dataclass
class SimulatedAccount:
    """A cash-secured and covered account: an order that would not be is not filled; `not_filled` has the reason."""

    cash: Decimal
    commission: Decimal  # dollars a contract
    shares: dict[str, Shares] = field(default_factory=dict)
    shorts: dict[str, Short] = field(default_factory=dict)
    ledger: list[LedgerEntry] = field(default_factory=list)
    not_filled: list[str] = field(default_factory=list)

    @classmethod
    def opened(cls, day: date, cash: float, commission: float) -> SimulatedAccount:
        """An account with nothing but cash, dollars."""
        account = cls(Decimal(0), cents(commission))
        account._enter(day, "deposit", "USD", 0, 0.0, cents(cash))
        return account

    @property
    def free_cash(self) -> Decimal:
        """Cash that secures no short put, dollars; never negative."""
        return self.cash - sum((_dollars(s.quote.strike, s.contracts, s.quote) for s in self._of("put")), Decimal(0))

    @property
    def equity(self) -> Decimal:
        """Value of the account, dollars: cash and shares less the cost of buying the short options back."""
        stock = sum((cents(lot.quantity * lot.mark) for lot in self.shares.values()), Decimal(0))
        owed = sum((_dollars(s.mark, s.contracts, s.quote) for s in self.shorts.values()), Decimal(0))
        return self.cash + stock - owed

    def free_shares(self, symbol: str) -> int:
        """Shares of `symbol` that cover no short call."""
        held = self.shares[symbol].quantity if symbol in self.shares else 0
        return held - sum(s.contracts * s.quote.multiplier for s in self._of("call") if s.quote.symbol == symbol)

    def sell(self, day: date, quote: Quote, contracts: int) -> bool:
        """Sell to open at the bid; False where it is not secured, not covered or there is no bid."""
        return self._filled(f"{day} sell {contracts} {quote.option_symbol}", self._why_not_sell(quote, contracts)) and (
            self._sold(day, quote, contracts)
        )

    def _why_not_sell(self, quote: Quote, contracts: int) -> str:
        if not quote.bid > 0:
            return "there is no bid"
        if quote.option_type == "call":
            covered = contracts * quote.multiplier <= self.free_shares(quote.symbol)
            return "" if covered else "the shares do not cover it"
        credit = _dollars(quote.bid, contracts, quote) - self.commission * contracts
        needed = _dollars(quote.strike, contracts, quote)
        return "" if self.free_cash + min(credit, Decimal(0)) >= needed else "the cash does not secure it"

    def _sold(self, day: date, quote: Quote, contracts: int) -> bool:
        fee = self.commission * contracts
        before = self.shorts.get(quote.option_symbol)
        held = before.contracts if before else 0
        premium = ((before.premium * held if before else 0.0) + quote.bid * contracts) / (held + contracts)
        self.shorts[quote.option_symbol] = Short(quote, held + contracts, premium, quote.ask)
        self._enter(
            day, "sell", quote.option_symbol, -contracts, quote.bid, _dollars(quote.bid, contracts, quote), fee=fee
        )
        return True

    def buy_back(self, day: date, quote: Quote, contracts: int) -> bool:
        """Buy to close at the ask; False without an ask, or where the free cash does not pay for it."""
        short = self.shorts.get(quote.option_symbol)
        contracts = min(contracts, short.contracts) if short else 0
        what = f"{day} buy {contracts} {quote.option_symbol}"
        if short is None or not self._filled(what, self._why_not_buy(quote, contracts)):
            return False
        short.contracts -= contracts
        if not short.contracts:
            del self.shorts[quote.option_symbol]
        cost, fee = _dollars(quote.ask, contracts, quote), self.commission * contracts
        self._enter(day, "buy", quote.option_symbol, contracts, quote.ask, -cost, fee=fee)
        return True

    def _why_not_buy(self, quote: Quote, contracts: int) -> str:
        if not quote.ask > 0:
            return "there is no ask"
        freed = _dollars(quote.strike, contracts, quote) if quote.option_type == "put" else Decimal(0)
        cost = _dollars(quote.ask, contracts, quote) + self.commission * contracts
        return "" if self.free_cash + freed >= cost else "the free cash does not pay for it"

    def buy_shares(self, day: date, symbol: str, quantity: int, price: float) -> None:
        """Buys shares at `price`, without commission; the caller has the cash."""
        self._hold(symbol, quantity, price, price)
        self._enter(day, "buy_shares", symbol, quantity, price, -cents(quantity * price))

    def settle(self, code: str, spot: float) -> None:
        """Ends an option on its expiration day: in the money by a cent it is assigned, else it expires."""
        short = self.shorts.pop(code)
        quote, count = short.quote, short.contracts
        inside = (quote.strike - spot if quote.option_type == "put" else spot - quote.strike) > 0.005
        if not inside:
            self._enter(quote.expiration, "expiration", code, count, 0.0, Decimal(0))
            return
        sign = 1 if quote.option_type == "put" else -1
        self._hold(quote.symbol, sign * count * quote.multiplier, quote.strike, spot)
        event = "assignment" if sign > 0 else "called_away"
        amount = -sign * _dollars(quote.strike, count, quote)
        self._enter(quote.expiration, event, code, count, quote.strike, amount)

    def receive_dividend(self, day: date, symbol: str, a_share: float) -> None:
        """Credits the dividend of the shares held into its ex-date, on that day."""
        held = self.shares[symbol].quantity if symbol in self.shares else 0
        if held:
            self._enter(day, "dividend", symbol, held, a_share, cents(held * a_share))

    def mark(self, quotes: Mapping[str, Quote], spots: Mapping[str, float]) -> None:
        """Values the holdings: shares at the spot, options at the ask; what has no quote keeps its last value."""
        for symbol, lot in self.shares.items():
            lot.mark = spots.get(symbol, lot.mark)
        for code, short in self.shorts.items():
            ask = quotes[code].ask if code in quotes else math.nan
            short.mark = next(price for price in (ask, short.mark, short.premium) if price == price)

    def positions(self, now: datetime) -> pd.DataFrame:
        """The account as a frame of `tables.POSITIONS`, stored columns."""
        import pandas as pd

        rows = [_row("cash", "USD", float(self.cash), 1.0, float(self.cash))]
        rows += [
            _row("stock", symbol, lot.quantity, lot.paid, lot.quantity * lot.mark, underlying=symbol)
            for symbol, lot in self.shares.items()
        ]
        rows += [_row_of(short) for short in self.shorts.values()]
        naive = pd.Timestamp(now).tz_convert("UTC").tz_localize(None)
        named = pd.DataFrame([row | {"timestamp": naive} for row in rows], columns=[c.name for c in POSITIONS.columns])
        frame = POSITIONS.conform(named)
        return frame.assign(snapshot_id=0, created_at=naive)

    def _of(self, right: str) -> list[Short]:
        return [short for short in self.shorts.values() if short.quote.option_type == right]

    def _hold(self, symbol: str, quantity: int, price: float, mark: float) -> None:
        lot = self.shares.get(symbol) or Shares(0, 0.0, mark)
        total = lot.quantity + quantity
        paid = (lot.quantity * lot.paid + quantity * price) / total if quantity > 0 else lot.paid
        self.shares[symbol] = Shares(total, paid, mark)
        if not total:
            del self.shares[symbol]

    def _filled(self, what: str, why_not: str) -> bool:
        if why_not:
            self.not_filled.append(f"{what}: {why_not}")
        return not why_not

    def _enter(
        self,
        day: date,
        event: str,
        symbol: str,
        quantity: int,
        price: float,
        gross: Decimal,
        *,
        fee: Decimal = Decimal(0),
    ) -> None:
        self.cash += gross - fee
        self.ledger.append(LedgerEntry(day, event, symbol, quantity, price, fee, gross - fee, self.cash))


def _dollars(price: float, contracts: int, quote: Quote) -> Decimal:
    return cents(Decimal(repr(price)) * contracts * quote.multiplier)


def _row(
    asset_type: str, symbol: str, quantity: float, average_price: float, market_value: float, **more: Any
) -> dict[str, Any]:
    named = {
        "account_id": "backtest",
        "asset_type": asset_type,
        "symbol": symbol,
        "multiplier": 1,
        "source": "backtest",
    }
    numbers = {"quantity": quantity, "average_price": average_price, "market_value": market_value}
    return named | numbers | more


def _row_of(short: Short) -> dict[str, Any]:
    quote = short.quote
    worth = -short.mark * short.contracts * quote.multiplier
    contract: dict[str, Any] = {
        "option_type": quote.option_type,
        "expiration": quote.expiration,
        "strike": quote.strike,
    }
    contract |= {"underlying": quote.symbol, "multiplier": quote.multiplier}
    return _row("option", quote.option_symbol, -short.contracts, short.premium, worth, **contract)
