"""What a row of an export holds."""

from __future__ import annotations

import pytest

from wheel_assets.fetch.positions.exports import Holding, holding_of
from wheel_assets.fetch.positions.text import Row

BY_COLUMNS = {"symbol": "SMCI", "quantity": "-1", "expiration": "2027-01-15", "strike": "35", "option_type": "Put"}


def held(**fields: str) -> Holding:
    holding = holding_of(Row(1, fields))
    assert holding is not None
    return holding


def test_shares() -> None:
    holding = held(symbol="u", quantity="300", average_price="$31.50", market_value="$9,900.00")
    assert (holding.asset_type, holding.symbol, holding.quantity, holding.multiplier) == ("stock", "U", 300, 1)
    assert (holding.average_price, holding.market_value) == (31.5, 9900)


@pytest.mark.parametrize("spelling", ["BRK/B", "BRK B", "BRK.B", "brk.b"])
def test_class_of_a_share(spelling: str) -> None:
    assert held(symbol=spelling, quantity="1").symbol == "BRK.B"


def test_missing_amounts_stay_missing() -> None:
    holding = held(symbol="U", quantity="300", average_price="--", market_value="N/A")
    assert holding.average_price is None
    assert holding.market_value is None


@pytest.mark.parametrize("quantity", ["-2", "(2)", "2-"])
@pytest.mark.parametrize("value", ["-$230.00", "230"])
def test_value_of_a_short_option_is_negative(quantity: str, value: str) -> None:
    holding = held(symbol="XYZ 01/15/2027 95.00 P", quantity=quantity, market_value=value)
    assert (holding.quantity, holding.market_value) == (-2, -230)


@pytest.mark.parametrize("cost", ["-250", "250"])
def test_price_a_share_from_the_cost_of_the_position(cost: str) -> None:
    assert held(symbol="-XYZ270115P95", quantity="-2", cost=cost).average_price == 1.25
    assert held(symbol="XYZ", quantity="200", cost="5000").average_price == 25


def test_option_by_columns() -> None:
    holding = held(**BY_COLUMNS)
    assert holding.symbol == "SMCI  270115P00035000"
    assert (holding.underlying, holding.multiplier) == ("SMCI", 100)


def test_option_by_columns_and_by_symbol_has_to_agree() -> None:
    fields = {"symbol": "XYZ   270115P00095000", "quantity": "-1", "expiration": "20270115", "option_type": "P"}
    assert held(**fields, strike="95").underlying == "XYZ"
    with pytest.raises(ValueError, match=r"its symbol says .*95000, its columns say .*90000"):
        held(**fields, strike="90")


def test_adjusted_series_is_kept_and_noted() -> None:
    holding = held(symbol="XYZ1  270115P00095000", quantity="-1", underlying="XYZ")
    assert (holding.symbol, holding.underlying) == ("XYZ1  270115P00095000", "XYZ")
    assert "adjusted" in holding.note


@pytest.mark.parametrize(
    ("fields", "underlying"),
    [
        ({"symbol": "BRK/B 01/15/2027 400.00 P"}, "BRK.B"),
        ({"symbol": "$SPX 01/15/2027 6,000.00 P"}, "SPX"),
        ({"symbol": "BRKB  270115P00400000", "underlying": "BRK B"}, "BRK.B"),
        ({"symbol": "BRK.B", "expiration": "2027-01-15", "strike": "400", "option_type": "P"}, "BRK.B"),
        ({"symbol": "BRKB  270115P00400000"}, "BRK.B"),
        ({"symbol": "SPXW  270115P06000000"}, "SPX"),
        ({"symbol": "XYZ1  270115P00095000"}, "XYZ"),
        ({"symbol": "-XYZ270115P95"}, "XYZ"),
        ({"symbol": "", "underlying": "XYZ", "expiration": "20270115", "strike": "95", "option_type": "P"}, "XYZ"),
    ],
)
def test_the_underlying_is_a_ticker_as_far_as_the_file_or_the_root_tells(
    fields: dict[str, str], underlying: str
) -> None:
    assert held(quantity="-1", **fields).underlying == underlying


@pytest.mark.parametrize(
    ("fields", "amount"),
    [
        ({"symbol": "Cash & Cash Investments", "quantity": "--", "market_value": "$25,000.00"}, 25000),
        ({"symbol": "SPAXX**", "quantity": "", "market_value": "$1,000.00"}, 1000),
        ({"symbol": "CASH", "quantity": "500"}, 500),
        ({"asset_type": "cash", "symbol": "USD", "quantity": "500", "market_value": "500"}, 500),
        ({"cash": "-12.50"}, -12.5),
    ],
)
def test_cash_in_many_shapes(fields: dict[str, str], amount: float) -> None:
    holding = held(**fields)
    assert (holding.asset_type, holding.symbol, holding.market_value) == ("cash", "USD", amount)


def test_a_stock_may_have_the_ticker_cash() -> None:
    assert held(symbol="CASH", asset_type="Equity", quantity="100").asset_type == "stock"


@pytest.mark.parametrize(
    "fields",
    [
        {"symbol": "Account Total", "market_value": "$34,760.00"},
        {"symbol": "Positions Total", "market_value": "$34,760.00"},
        {"symbol": "Pending Activity", "market_value": "-$5.00"},
        {"symbol": "Total"},
        {"symbol": "U", "quantity": "100", "detail": "LOT"},
        {"symbol": "U", "quantity": "0"},
    ],
)
def test_rows_that_hold_nothing(fields: dict[str, str]) -> None:
    assert holding_of(Row(1, fields)) is None


@pytest.mark.parametrize(
    ("symbol", "kind"), [("912828XX1", ""), ("VFIAX", "Mutual Fund"), ("US TREASURY 0 11/28", "Fixed Income")]
)
def test_funds_and_bonds_count_by_their_value(symbol: str, kind: str) -> None:
    holding = held(symbol=symbol, asset_type=kind, quantity="10", market_value="9,900")
    assert (holding.asset_type, holding.market_value) == ("stock", 9900)


def test_other_currency_leaves_no_dollars() -> None:
    holding = held(symbol="SAP", quantity="10", currency="EUR", average_price="100", market_value="1500")
    assert holding.market_value is None
    assert "EUR" in holding.note


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"symbol": "U", "quantity": "12x"}, "'12x' is not a number"),
        ({"symbol": "U", "quantity": ""}, "no quantity"),
        ({"symbol": "", "quantity": "1"}, "neither a ticker nor an option"),
        ({"symbol": "WHAT IS THIS", "quantity": "1"}, "neither a ticker nor an option"),
        ({"symbol": "U PUT JAN 25", "quantity": "1", "asset_type": "OPT"}, "not an option"),
        ({"symbol": "-XYZ270115P95", "quantity": "1", "asset_type": "Equity"}, "is an option"),
        ({"symbol": "XYZ 02/30/2027 95.00 P", "quantity": "1"}, "not a date"),
        ({"symbol": "XYZ270115P00000000", "quantity": "1"}, "neither"),
        (BY_COLUMNS | {"expiration": ""}, "needs an expiration"),
        (BY_COLUMNS | {"option_type": "X"}, "P or C"),
        (BY_COLUMNS | {"strike": "0"}, "not a listed contract"),
        (BY_COLUMNS | {"symbol": ""}, "not a listed contract"),
        ({"symbol": "-XYZ270115P95", "quantity": "0.5"}, "whole number of contracts"),
        ({"symbol": "-XYZ270115P95", "quantity": "1", "multiplier": "-3"}, "multiplier -3"),
        ({"symbol": "-XYZ270115P95", "quantity": "1", "underlying": "?!"}, "not a symbol"),
        ({"symbol": "U", "quantity": "1", "multiplier": "100"}, "no multiplier"),
        ({"symbol": "ESZ6", "quantity": "1", "asset_type": "FUT"}, "'fut' is not understood"),
        ({"symbol": "U", "quantity": "1", "cash": "100"}, "row of its own"),
        ({"symbol": "U", "quantity": "1", "currency": "\u20ac"}, "not a currency"),
        ({"symbol": "CASH", "market_value": "--"}, "cash without an amount"),
    ],
)
def test_rows_that_are_refused(fields: dict[str, str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        holding_of(Row(1, fields))
