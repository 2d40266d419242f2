"""Cycles of one symbol from its transactions, day by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from wheel_assets.market.osi import OptionSymbol, parse_osi

DELIVERY = timedelta(days=7)  # within which the shares of an assignment are booked
STANDARD = 100  # shares a contract
_ENDS = ("assignment", "exercise")
_NOTHING = 1e-9  # shares or contracts


class SymbolTransaction(NamedTuple):
    """One transaction of a symbol on a day in New York: units and signs as in `tables.TRANSACTIONS`."""

    day: date
    kind: str
    contract: OptionSymbol | None
    quantity: float
    price: float | None
    amount: float


@dataclass(frozen=True)
class Cycle:
    """A cycle of one symbol; money in dollars, fees subtracted.

    `premiums` are those of closed contracts, net of the cost of closing; `open_premiums` those received for open ones.
    `shares_profit` is realised on shares sold. `shares` are held, at `cost` dollars in total. `profit` is everything
    realised.
    """

    symbol: str
    number: int
    began: date
    ended: date | None
    premiums: float
    open_premiums: float
    shares_profit: float
    dividends: float
    fees: float
    shares: float
    cost: float
    rolls: int
    assignments: int
    called_away: int

    @property
    def profit(self) -> float:
        """Realised profit, dollars: premiums of closed contracts, shares sold, dividends, charges."""
        return round(self.premiums + self.shares_profit + self.dividends + self.fees, 2)

    @property
    def basis(self) -> float | None:
        """Cost basis of the shares held, dollars a share; None without shares."""
        return self.cost / self.shares if self.shares > _NOTHING else None

    @property
    def net_basis(self) -> float | None:
        """Cost basis less the premiums earned in this cycle so far, dollars a share.

        >>> Cycle("U", 1, date(2026, 9, 1), None, 180.0, 0, 0, 0, 0, 100, 3000.0, 0, 1, 0).net_basis
        28.2
        """
        return (self.cost - self.premiums) / self.shares if self.shares > _NOTHING else None


@dataclass
class _Books:
    """Running totals of a cycle."""

    contracts: defaultdict[OptionSymbol, list[float]] = field(default_factory=lambda: defaultdict(lambda: [0.0, 0.0]))
    shares: float = 0.0
    cost: float = 0.0
    moved: float = 0.0  # premium of contracts that a split has renamed
    awaited: float = 0.0  # shares of assignments that are not booked yet, sold ones negative
    totals: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def flat(self) -> bool:
        """Whether nothing is held and no delivery is awaited."""
        held = (*(quantity for quantity, _ in self.contracts.values()), self.shares, self.awaited)
        return all(abs(quantity) < _NOTHING for quantity in held)

    def book(self, event: SymbolTransaction, *, is_delivery: bool) -> None:
        """Book one event."""
        if event.kind in ("dividend", "fee"):
            self.totals["dividends" if event.kind == "dividend" else "fees"] += event.amount
        elif event.contract is not None:
            self._option(event.contract, event)
        else:
            self._shares(event)
            self.awaited -= event.quantity if is_delivery else 0.0

    def _option(self, contract: OptionSymbol, event: SymbolTransaction) -> None:
        held, cash = self.contracts[contract]
        closed = min(1.0, -event.quantity / held) if held * event.quantity < 0 else 0.0
        realised = cash * closed
        if event.kind == "split":
            self.moved += realised if closed else 0.0
            gained = 0.0 if closed else self.moved
            self.moved -= gained
            self.contracts[contract] = [held + event.quantity, cash - realised + gained]
            return
        over = abs(event.quantity) - abs(held) * closed if closed == 1.0 else 0.0
        opening = 1.0 if not closed else over / abs(event.quantity) if event.quantity else 0.0
        self.contracts[contract] = [held + event.quantity, cash - realised + event.amount * opening]
        self.totals["premiums"] += realised + event.amount * (1 - opening)
        if event.kind in _ENDS and not contract.is_adjusted:
            shares = -event.quantity if contract.option_type == "call" else event.quantity
            self.awaited += shares * STANDARD
        if event.kind == "assignment":
            self.totals["assignments" if contract.option_type == "put" else "called_away"] += abs(event.quantity)

    def _shares(self, event: SymbolTransaction) -> None:
        if event.kind == "split":
            self.shares += event.quantity
            self.totals["shares_profit"] += event.amount  # of fractions, paid in cash
        elif event.quantity > 0 or self.shares <= 0:
            self.shares, self.cost = self.shares + event.quantity, self.cost - event.amount
        else:
            part = min(1.0, -event.quantity / self.shares)
            self.totals["shares_profit"] += event.amount - self.cost * part
            self.shares, self.cost = self.shares + event.quantity, self.cost * (1 - part)

    def cycle(self, symbol: str, number: int, began: date, ended: date | None) -> Cycle:
        """The cycle so far, amounts rounded to cents."""
        t = self.totals
        return Cycle(
            symbol,
            number,
            began,
            ended,
            premiums=round(t["premiums"], 2),
            open_premiums=round(sum(cash for _, cash in self.contracts.values()), 2),
            shares_profit=round(t["shares_profit"], 2),
            dividends=round(t["dividends"], 2),
            fees=round(t["fees"], 2),
            shares=self.shares,
            cost=round(self.cost, 2),
            rolls=int(t["rolls"]),
            assignments=int(t["assignments"]),
            called_away=int(t["called_away"]),
        )


class Held(NamedTuple):
    """Remaining holdings by the transactions: shares, contracts, and shares of assignments that were never booked."""

    shares: float
    contracts: dict[OptionSymbol, float]
    awaited: float


def cycles_of(symbol: str, events: Sequence[SymbolTransaction]) -> tuple[list[Cycle], Held]:
    """The symbol's cycles, oldest first, and the holdings left at the end.

    A cycle ends with a day that leaves nothing held: closing and selling again on one day is a roll. `events` are
    oldest first.
    """
    finished: list[Cycle] = []
    books, began = _Books(), None
    for day, today in _days(events):
        began = began or day
        for event in today:
            books.book(event, is_delivery=_is_delivery(event, events))
        books.totals["rolls"] += _rolls(today)
        if books.flat and any(event.kind not in ("dividend", "fee") for event in today):
            finished.append(books.cycle(symbol, len(finished) + 1, began, day))
            books, began = _Books(), None
    if began:
        finished.append(books.cycle(symbol, len(finished) + 1, began, None))
    contracts = {contract: held for contract, (held, _) in books.contracts.items() if abs(held) > _NOTHING}
    return finished, Held(books.shares, contracts, books.awaited)


def event_of(row: Any) -> SymbolTransaction:
    """Event of one row of the transactions, its day in New York; raises BadSymbol for an invalid option symbol."""
    contract = parse_osi(row.option_symbol) if row.option_symbol else None
    quantity = 0.0 if row.quantity is None or row.quantity != row.quantity else float(row.quantity)
    price = None if row.price is None or row.price != row.price else float(row.price)
    return SymbolTransaction(row.day, row.kind, contract, quantity, price, float(row.amount))


def _days(events: Iterable[SymbolTransaction]) -> list[tuple[date, list[SymbolTransaction]]]:
    by_day: dict[date, list[SymbolTransaction]] = defaultdict(list)
    for event in events:
        by_day[event.day].append(event)
    return sorted(by_day.items())


def _is_delivery(event: SymbolTransaction, events: Iterable[SymbolTransaction]) -> bool:
    """Whether a share trade is the delivery of an assignment or exercise: at its strike, within `DELIVERY`."""
    if event.contract is not None or event.kind not in ("trade", *_ENDS) or event.price is None:
        return False
    return any(
        end.contract is not None
        and end.kind in _ENDS
        and abs(end.contract.strike - event.price) < 0.005
        and abs(end.day - event.day) <= DELIVERY
        for end in events
    )


def _rolls(today: Sequence[SymbolTransaction]) -> int:
    """Number of rolls on one day: rights both bought and sold, in different contracts."""
    trades = [event for event in today if event.kind == "trade" and event.contract is not None]
    bought = {(e.contract.option_type, e.contract) for e in trades if e.contract and e.quantity > 0}
    sold = {(e.contract.option_type, e.contract) for e in trades if e.contract and e.quantity < 0}
    return sum(1 for right in ("put", "call") if any(b[0] == s[0] == right and b != s for b in bought for s in sold))
