"""Openings against a twin that loops over plain rows, one rule after another, without pandas."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from statistics import NormalDist

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
        held = min(self.days - 21, self.days * 0.75)
        by_time = 1 - math.sqrt((self.days - held) / self.days)
        move = (0.5 - by_time) * self.bid / self.delta
        early = 1 - NormalDist().cdf(move / (30.0 * 0.5 * math.sqrt(held / 365)))
        earned = early * 0.5 + (1 - early) * by_time
        kept = earned * 100 * self.bid - 100 * (self.ask - self.bid) - 2 * COMMISSION
        tail = 0.05 * min(self.cvar, 0) * math.sqrt(held / self.days)
        return (kept / self.secured_by * (1 - self.prob) + tail) * 365 / (held * (1 - early / 2))

    def may_be_sold(self):
        if self.bid <= 0 or self.ask < self.bid:
            return False
        wide = (self.ask - self.bid) / ((self.ask + self.bid) / 2) > 0.25
        fitting = 30 <= self.days <= 45 and 0.10 <= self.delta <= 0.30 and self.interest >= 10
        out_of_the_money = self.strike <= 30 if self.right == "put" else self.strike >= 30
        return fitting and out_of_the_money and not wide and self.bid >= 0.10 and self.yearly >= 0.08


def drawn_offers(chance):
    offers = {}
    for _ in range(60):
        bid = chance.randrange(0, 120) / 100
        where = (chance.choice(SYMBOLS), chance.choice(["put", "call"]), float(chance.randrange(20, 40)))
        days = chance.choice([19, 29, 30, 33, 37, 40, 45, 47])
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
    for offer in (o for o in sellable if o.right == "call"):
        held, paid = shares.get(offer.symbol, (0, math.nan))
        if held >= 100 and offer.strike >= paid and (offer.symbol, "call") not in opened:
            opened[offer.symbol, "call"] = (offer.strike, offer.days, held // 100)
    room = {s: SHARE * PORTFOLIO - 30.0 * shares.get(s, (0, 0))[0] for s in SYMBOLS}
    puts = {s: [o for o in sellable if (o.symbol, o.right) == (s, "put") and o.secured_by <= room[s]] for s in SYMBOLS}
    served = []
    for symbol in sorted((s for s in SYMBOLS if puts[s]), key=lambda s: (min(o.secured_by for o in puts[s]), s)):
        cheapest = min(o.secured_by for o in puts[symbol])
        if cheapest <= cash:
            served.append((symbol, cheapest))
            cash -= cheapest
    served.sort(key=lambda entry: -puts[entry[0]][0].worth)
    chosen = {}
    for symbol, seat in served:
        chosen[symbol] = next(o for o in puts[symbol] if o.secured_by <= cash + seat)
        cash -= chosen[symbol].secured_by - seat
    for symbol, offer in chosen.items():
        more = math.floor(min(cash, room[symbol] - offer.secured_by) / offer.secured_by)
        cash -= more * offer.secured_by
        opened[symbol, "put"] = (offer.strike, offer.days, 1 + more)
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
