"""The simulated account is exact to the cent and never short of cash or shares, and no day knows of a later one."""

from __future__ import annotations

import doctest
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from wheel_assets.backtest import document, simulated_account
from wheel_assets.backtest.day import Day, Quote
from wheel_assets.backtest.document import backtest_document
from wheel_assets.backtest.simulated_account import SimulatedAccount
from wheel_assets.backtest.strategies import advised, buy_and_hold, plain_wheel
from wheel_assets.backtest.walk import walk
from wheel_assets.errors import UsageError
from wheel_assets.recommend.advice import Inputs
from wheel_assets.strategy import StrategySettings
from wheel_assets.tables import EVENTS
from wheel_assets_tests.recommend.conftest import PLAIN, TODAY, Desk, osi, stored

RULES = StrategySettings(**PLAIN)


def quote(right, strike, bid, ask, expiration=TODAY):
    return Quote(osi("U", expiration, right, strike), "U", right, expiration, strike, 100, bid, ask)


def day(offset, *, spot=30.0, puts=(), calls=(), events=None):
    """A day with puts and calls of strike, bid, ask and days left on the first day."""
    desk, now = Desk(), datetime(2026, 11, 23, 20, 45, tzinfo=UTC) + timedelta(days=offset)
    for right, rows in (("put", puts), ("call", calls)):
        for strike, bid, ask, days in rows:
            desk.quote(right, strike, bid, ask, days=days, spot=spot, delta=0.3, as_of=now)
    frames = desk.frames()
    return Day(now, frames["option_chains"], frames["greeks"], frames["predictions"], Inputs(events=events))


def entries(track):
    return [(e.date.day, e.event, e.quantity, e.price, str(e.amount), str(e.cash)) for e in track.account.ledger]


def a_cycle():
    """A put sold, assigned; a dividend; a call sold, called away."""
    at = datetime(2026, 12, 29)
    event = {"symbol": "U", "kind": "ex_dividend", "date": at, "amount": 0.1, "estimated": False, "source": "file"}
    paid = stored(EVENTS, [event | {"timestamp": at}], 0)
    return [
        day(0, puts=[(28.0, 1.10, 1.20, 35)]),
        day(35, spot=27.0, puts=[(28.0, 0.95, 1.05, 35)]),
        day(37, spot=27.5, calls=[(29.0, 0.80, 0.90, 70)], events=paid),
        day(70, spot=31.0, calls=[(29.0, 1.95, 2.05, 70)]),
    ]


def test_a_whole_cycle_worked_by_hand():
    track = walk(a_cycle(), {"w": plain_wheel(6_000, ["U"])}, cash=6_000, commission=0.65)["w"]
    assert entries(track) == [
        (23, "deposit", 0, 0.0, "6000.00", "6000.00"),
        (23, "sell", -2, 1.10, "218.70", "6218.70"),  # 2 x 110 - 1.30
        (28, "assignment", 2, 28.0, "-5600.00", "618.70"),
        (29, "dividend", 200, 0.1, "20.00", "638.70"),
        (30, "sell", -2, 0.80, "158.70", "797.40"),
        (1, "called_away", 2, 29.0, "5800.00", "6597.40"),
    ]
    # 6218.70 - 240; 618.70 + 5400; 797.40 + 5500 - 180; cash alone
    assert [str(value) for value in track.equity.values()] == ["5978.70", "6018.70", "6117.40", "6597.40"]


def test_amounts_add_up_to_the_cash_after_every_entry():
    rules = {"w": plain_wheel(6_000, ["U"]), "h": buy_and_hold(6_000, ["U"]), "r": advised(RULES, ["U"])}
    for track in walk(a_cycle(), rules, cash=6_000, commission=0.65).values():
        total = Decimal(0)
        for entry in track.account.ledger:
            total += entry.amount
            assert entry.cash == total >= 0


def test_buying_and_holding_is_worth_what_the_shares_are():
    track = walk(a_cycle(), {"h": buy_and_hold(6_000, ["U"])}, cash=6_000, commission=0.65)["h"]
    assert [str(value) for value in track.equity.values()] == ["6000.00", "5400.00", "5520.00", "6220.00"]  # 20 paid


def test_advice_is_followed_at_bid_and_ask():
    days = [day(0, puts=[(27.0, 0.60, 0.65, 35)]), day(1, puts=[(27.0, 0.15, 0.20, 35)])]
    track = walk(days, {"w": advised(RULES, ["U"])}, cash=50_000, commission=0.65)["w"]
    sold, bought = track.account.ledger[1:]
    assert (sold.event, sold.price, bought.event, bought.price) == ("sell", 0.60, "buy", 0.20)
    assert bought.quantity == -sold.quantity > 0
    assert sold.amount == Decimal("59.35") * bought.quantity
    assert track.account.shorts == {}


@pytest.mark.slow
def test_a_later_day_changes_nothing_before_it():
    days, rules = a_cycle(), StrategySettings(**PLAIN)
    others = [*days[:3], day(70, spot=11.0, calls=[(29.0, 0.01, 0.02, 70)])]
    for strategy in (plain_wheel, lambda _, symbols: advised(rules, symbols)):
        first, second = (
            walk(d, {"w": strategy(6_000, ["U"])}, cash=6_000, commission=0.65)["w"] for d in (days, others)
        )
        last = days[-1].date
        before = [[e for e in track.account.ledger if e.date < last] for track in (first, second)]
        assert before[0] == before[1] != []
        assert list(first.equity.values())[:3] == list(second.equity.values())[:3]


def test_no_put_without_its_cash_and_no_call_without_its_shares():
    held = SimulatedAccount.opened(TODAY, 5_000, 0.65)
    assert not held.sell(TODAY, quote("put", 51.0, 1.0, 1.1), 1)
    assert not held.sell(TODAY, quote("call", 30.0, 1.0, 1.1), 1)
    assert held.sell(TODAY, quote("put", 30.0, 1.0, 1.1), 1)
    assert not held.sell(TODAY, quote("put", 25.0, 1.0, 1.1), 1)
    assert len(held.not_filled) == 3
    assert held.free_cash == Decimal("2099.35")


@pytest.mark.parametrize(("bid", "ask"), [(float("nan"), 0.05), (0.10, float("nan"))])
def test_nothing_is_filled_where_nobody_bids_or_asks(bid, ask):
    held = SimulatedAccount.opened(TODAY, 50_000, 0.65)
    contract = quote("put", 30.0, bid, ask)
    held.sell(TODAY, contract, 1)
    assert held.buy_back(TODAY, contract, 1) is False
    assert held.not_filled != []


@pytest.mark.parametrize(
    ("right", "spot", "event"),
    [
        ("put", 29.99, "assignment"),
        ("put", 30.0, "expiration"),
        ("call", 30.01, "called_away"),
        ("call", 30.0, "expiration"),
    ],
)
def test_a_cent_in_the_money_is_assigned(right, spot, event):
    held = SimulatedAccount.opened(TODAY, 50_000, 0.65)
    held.buy_shares(TODAY, "U", 100, 30.0)
    held.sell(TODAY, quote(right, 30.0, 1.0, 1.1), 1)
    held.settle(quote(right, 30.0, 1.0, 1.1).option_symbol, spot)
    assert held.ledger[-1].event == event


def test_an_expiration_between_two_days_is_settled_at_the_price_before_and_told():
    days = [day(0, puts=[(28.0, 1.10, 1.20, 35)]), day(36, spot=20.0, puts=[(18.0, 1.0, 1.1, 200)])]
    track = walk(days, {"w": plain_wheel(6_000, ["U"])}, cash=6_000, commission=0.65)["w"]
    assert track.account.ledger[-1].event == "expiration"
    assert track.account.ledger[-1].date == date(2026, 12, 28)
    assert "settled at the price of 2026-11-23" in track.account.not_filled[0]


def test_nothing_to_walk_over_is_an_error():
    with pytest.raises(UsageError, match="nothing to walk over"):
        walk([], {"w": plain_wheel(1, ["U"])}, cash=1, commission=0)


def test_the_document_says_how_little_it_says():
    strategies = {"wheel": advised(RULES, ["U"]), "buy_and_hold": buy_and_hold(6_000, ["U"])}
    told = backtest_document(walk(a_cycle(), strategies, cash=6_000, commission=0.65), ["U"], skipped=[])
    assert "4 trading days" in told["caution"]
    assert told["equity"][-1]["buy_and_hold"] == told["results"]["buy_and_hold"]["equity"] == 6220.0


@pytest.mark.parametrize("module", [simulated_account, document])
def test_the_examples_hold(module):
    assert doctest.testmod(module, extraglobs={"Decimal": Decimal}).failed == 0
