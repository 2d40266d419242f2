"""Openings against a twin that loops over plain rows, one rule after another, without pandas."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import pytest

SYMBOLS = ("A", "B", "C")
SHARE, PORTFOLIO, COMMISSION = 0.25, 100_000.0, 0.65


@dataclass(frozen=True)
class Offer:
    """A contract as the twin sees it."""

    symbol: str
    right: str
    strike: float
    bid: float
    ask: float
    days: int
    delta: float
    prob: float
    cvar: float
    interest: int

    @property
    def secured_by(self):
        return 100 * (self.strike if self.right == "put" else 30.0)

    @property
    def credit(self):
        return 100 * self.bid - COMMISSION

    @property
    def yearly(self):
        return self.credit / self.secured_by * 365 / self.days

    @property
    def worth(self):
        return (self.credit / self.secured_by * (1 - self.prob) + 0.05 * min(self.cvar, 0)) * 365 / self.days

    def may_be_sold(self):
        if self.bid <= 0 or self.ask < self.bid:
            return False
        wide = (self.ask - self.bid) / ((self.ask + self.bid) / 2) > 0.25
        fitting = 7 <= self.days <= 45 and 0.10 <= self.delta <= 0.30 and self.interest >= 10
        return fitting and not wide and self.bid >= 0.05 and self.yearly >= 0.08


def drawn_offers(chance):
    offers = {}
    for _ in range(60):
        bid = chance.randrange(0, 120) / 100
        where = (chance.choice(SYMBOLS), chance.choice(["put", "call"]), float(chance.randrange(20, 40)))
        days = chance.choice([5, 12, 19, 26, 33, 40, 47])
        offers[(*where, days)] = Offer(
            *where,
            bid,
            bid + chance.choice([0.01, 0.03, 0.05, 0.30]),
            days,
            round(chance.uniform(0.05, 0.35), 3),
            round(chance.uniform(0, 0.5), 3),
            round(chance.uniform(-0.3, 0.05), 3),
            chance.choice([5, 50, 500]),
        )
    return list(offers.values())


def best_first(offers):
    return sorted(offers, key=lambda offer: -offer.worth)


def twin(offers, cash, shares):
    """What to open: {(symbol, right): (strike, days, contracts)}."""
    sellable = best_first(offer for offer in offers if offer.may_be_sold())
    opened = {}
    for offer in sellable:
        held, paid = shares.get(offer.symbol, (0, math.nan))
        if (offer.symbol, offer.right) in opened:
            continue
        if offer.right == "put":
            number = math.floor(min(cash, SHARE * PORTFOLIO - 30.0 * held) / offer.secured_by)
        else:
            number = held // 100 if offer.strike >= paid else 0
        if number > 0:
            opened[offer.symbol, offer.right] = (offer.strike, offer.days, number)
            cash -= number * offer.secured_by if offer.right == "put" else 0
    return opened


@pytest.mark.parametrize("seed", range(12))
def test_the_twin_opens_the_same(new_desk, seed):
    chance = random.Random(seed)
    offers, cash = drawn_offers(chance), chance.choice([2_500, 9_000, 40_000, 200_000])
    shares = {symbol: (chance.choice([100, 250, 400]), chance.choice([24.5, 31.0])) for symbol in SYMBOLS[:2]}
    desk = new_desk().cash(cash)
    for offer in offers:
        more = {name: getattr(offer, name) for name in ("symbol", "days", "delta", "prob", "cvar", "interest")}
        desk.quote(offer.right, offer.strike, offer.bid, offer.ask, **more)
    for symbol, (held, paid) in shares.items():
        desk.stock(held, paid, symbol)
    frame = desk.advise(symbols=SYMBOLS, portfolio_value=PORTFOLIO).frame
    frame = frame[frame["action"].isin(["open_csp", "open_cc"])]
    days = (frame["expiration"] - frame["timestamp"].dt.normalize()).dt.days
    right = frame["action"].map({"open_csp": "put", "open_cc": "call"})
    rows = zip(frame["symbol"], right, frame["strike"], days, frame["quantity"], strict=True)
    assert {(symbol, side): tuple(rest) for symbol, side, *rest in rows} == twin(offers, cash, shares)
