"""Cycles by hand: every number here was added up on paper."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.recommend.cycles import cycles, net_basis

PUT, CALL, LATER = "U     260904P00030000", "U     261106C00031000", "U     261218P00028000"


def told(*rows: tuple) -> pd.DataFrame:
    """Transactions from (day, kind, contract or None, quantity, price, amount)."""
    names = ["day", "kind", "option_symbol", "quantity", "price", "amount"]
    frame = pd.DataFrame(rows, columns=names).astype({"quantity": float, "price": float, "amount": float})
    frame["executed_at"] = pd.to_datetime("2026-" + frame.pop("day") + " 20:00")
    return frame.assign(symbol="U")


def holding(**quantities: float) -> pd.DataFrame:
    """Positions of U: `shares`, and contracts by `put`, `call`."""
    codes = {"put": PUT, "call": CALL, "shares": "U"}
    rows = [
        ("stock" if name == "shares" else "option", codes[name], None if name == "shares" else "U", quantity)
        for name, quantity in quantities.items()
    ]
    return pd.DataFrame(rows, columns=["asset_type", "symbol", "underlying", "quantity"])


SOLD = ("08-03", "trade", PUT, -1, 1.2, 119.34)
ASSIGNED = ("09-04", "assignment", PUT, 1, None, 0.0)
BOUGHT = ("09-04", "assignment", None, 100, 30.0, -3000.0)
COVERED = ("09-08", "trade", CALL, -1, 0.9, 89.34)


def test_shares_that_were_put_cost_the_strike_less_the_premium():
    history = cycles(told(SOLD, ASSIGNED, BOUGHT), holding(shares=100))
    (cycle,) = history.cycles
    assert (cycle.ended, cycle.basis, round(cycle.net_basis, 4)) == (None, 30.0, 28.8066)
    assert net_basis(history) == {"U": 28.8066}


def test_the_premium_of_an_open_call_is_not_earned_yet():
    (cycle,) = cycles(told(SOLD, ASSIGNED, BOUGHT, COVERED), holding(shares=100, call=-1)).cycles
    assert (cycle.premiums, cycle.open_premiums, round(cycle.net_basis, 4)) == (119.34, 89.34, 28.8066)


def test_partial_fills_and_a_partial_close():
    rows = told(SOLD, SOLD, ("08-20", "trade", PUT, 1, 0.5, -50.66))
    (cycle,) = cycles(rows, holding(put=-1)).cycles
    assert (cycle.premiums, cycle.open_premiums) == (68.68, 119.34)


def test_what_is_bought_back_and_sold_anew_on_one_day_is_a_roll_and_not_a_new_cycle():
    rows = told(SOLD, ("08-20", "trade", PUT, 1, 0.5, -50.66), ("08-20", "trade", LATER, -1, 1.0, 99.34))
    (cycle,) = cycles(rows).cycles
    assert (cycle.rolls, cycle.premiums, cycle.open_premiums, cycle.ended) == (1, 68.68, 99.34, None)


def test_an_expiration_ends_the_cycle_and_the_next_sale_begins_one():
    rows = told(SOLD, ("09-04", "expiration", PUT, 1, None, 0.0), ("09-08", "trade", LATER, -1, 1.0, 99.34))
    first, second = cycles(rows).cycles
    assert (first.ended, first.profit, second.number, second.ended) == (date(2026, 9, 4), 119.34, 2, None)


def test_shares_that_come_days_after_the_assignment_belong_to_the_same_cycle():
    rows = told(SOLD, ASSIGNED, ("09-08", "trade", None, 100, 30.0, -3000.0))
    (cycle,) = cycles(rows, holding(shares=100)).cycles
    assert (cycle.shares, cycle.cost) == (100, 3000.0)


def test_a_split_changes_the_shares_and_not_the_cost():
    rows = told(SOLD, ASSIGNED, BOUGHT, ("10-01", "split", None, 100, None, 0.0))
    (cycle,) = cycles(rows, holding(shares=200)).cycles
    assert (cycle.shares, cycle.basis) == (200, 15.0)


def test_a_split_renames_an_open_contract_with_its_premium():
    rows = told(SOLD, ("08-10", "split", PUT, 1, None, 0.0), ("08-10", "split", LATER, -2, None, 0.0))
    (cycle,) = cycles(rows).cycles
    assert (cycle.premiums, cycle.open_premiums, cycle.ended) == (0.0, 119.34, None)


@pytest.mark.parametrize(
    ("rows", "held", "why"),
    [
        ([SOLD, ASSIGNED, BOUGHT], {"shares": 200}, "the account holds 200 of U, the transactions come to 100"),
        ([SOLD, ASSIGNED], {"shares": 100}, "moved 100 shares that no transaction books at the strike"),
        ([SOLD], {}, f"the account holds 0 of {PUT}, the transactions come to -1"),
        ([SOLD], {"put": -1}, "would be held, which expired on 2026-09-04"),
        ([("09-04", "expiration", PUT, None, None, 0.0)], {}, "ended by expiration on 2026-09-04 is not known"),
        (
            [COVERED, ("10-01", "trade", None, -100, 31.0, 3100.0)],
            {"call": -1},
            "100 shares were sold that no transaction",
        ),
    ],
)
def test_what_does_not_add_up_is_said_and_has_no_basis(rows, held, why):
    history = cycles(told(*rows), holding(**held), date(2026, 11, 20))
    assert any(why in said for said in history.differences["U"])
    assert net_basis(history) == {}


def test_a_symbol_without_options_has_no_cycle():
    assert cycles(told(("08-03", "trade", None, 100, 30.0, -3000.0))).cycles == ()


def test_no_transactions_are_no_cycles():
    nothing = told(("08-03", "none", None, None, None, 0.0)).assign(symbol=None)
    assert cycles(nothing).cycles == ()


@given(st.lists(st.tuples(st.integers(-3, 3).filter(bool), st.integers(-50_000, 50_000)), min_size=1, max_size=12))
def test_when_all_is_closed_the_profit_is_the_sum_of_all_cash(trades):
    """Whatever was opened and closed in whatever parts, not a cent is lost or found."""
    days = [(datetime(2026, 1, 5, tzinfo=UTC) + pd.Timedelta(days=n)).strftime("%m-%d") for n in range(len(trades) + 1)]
    rows = [(day, "trade", PUT, q, 1.0, cents / 100) for day, (q, cents) in zip(days, trades, strict=False)]
    left = -sum(quantity for quantity, _ in trades)
    rows += [(days[-1], "trade", PUT, left, 1.0, -1.23)] if left else []
    history = cycles(told(*rows))
    assert all(cycle.ended for cycle in history.cycles)
    assert sum(cycle.profit for cycle in history.cycles) == pytest.approx(sum(row[5] for row in rows), abs=0.005 * 13)
