"""Holdings and cash from Schwab, by their specification."""

import numpy as np
import pandas as pd
import pytest

from wheel_assets import errors
from wheel_assets.fetch.schwab.account import SchwabAccount, masked
from wheel_assets.fetch.schwab.market import SchwabMarket
from wheel_assets.tables import POSITIONS

ACCOUNTS = "/trader/v1/accounts"
HASH = "0123456789ABCDEF" * 4


@pytest.fixture
def ask(schwab, fake, vendors, now):
    """The frame of some accounts, checked against its table."""

    def positions(*accounts, account_id="default"):
        fake.on(ACCOUNTS, vendors.Reply(list(accounts)))
        rows = SchwabAccount(schwab).positions(account_id, now)
        POSITIONS.conform(rows.frame)
        return rows

    return positions


def test_shares_options_and_cash_in_one_request(ask, fake, vendors):
    account = vendors.schwab_account(
        vendors.schwab_option_position(), vendors.schwab_stock_position(), availableFundsNonMarginableTrade=21000.0
    )
    option, stock, cash = (row for _, row in ask(account).frame.iterrows())
    assert (option.symbol, option.underlying, option.option_type) == ("XYZ   270115P00095000", "XYZ", "put")
    assert (option.strike, option.expiration, option.multiplier) == (95.0, pd.Timestamp("2027-01-15"), 100)
    assert (option.quantity, option.average_price, option.market_value) == (-2.0, 1.2434, -230.0)
    assert (stock.symbol, stock.quantity, stock.average_price, stock.multiplier) == ("XYZ", 100.0, 98.1, 1)
    assert (cash.symbol, cash.quantity, cash.market_value) == ("USD", 21000.0, 25000.0)
    assert [(seen.path, seen.query) for seen in fake.seen] == [(ACCOUNTS, {"fields": "positions"})]


def test_market_values_add_up_to_the_liquidation_value(ask, vendors):
    sweep = vendors.schwab_stock_position("SWGXX", 5000, "CASH_EQUIVALENT", marketValue=5000.0)
    account = vendors.schwab_account(
        vendors.schwab_stock_position(),
        sweep,
        cashBalance=20000.0,
        liquidationValue=34990.0,
        totalCash=25000.0,
        kind="CASH",
    )
    rows = ask(account)
    assert rows.frame["market_value"].sum() == 34990.0
    assert rows.frame["asset_type"].tolist() == ["stock", "cash"]
    assert "1 CASH_EQUIVALENT positions counted as cash" in rows.notes


@pytest.mark.parametrize(
    ("kind", "balances", "free", "named"),
    [
        ("CASH", {"cashAvailableForTrading": 1.0, "totalCash": 2.0}, 1.0, "cashAvailableForTrading"),
        ("CASH", {"totalCash": 2.0}, 2.0, "totalCash"),
        ("CASH", {}, 25000.0, "cashBalance"),
        (
            "MARGIN",
            {"buyingPower": 9e9, "availableFundsNonMarginableTrade": 3.0},
            3.0,
            "availableFundsNonMarginableTrade",
        ),
        ("MARGIN", {"buyingPower": 9e9, "availableFunds": 8e9}, 25000.0, "cashBalance"),
        ("MARGIN", {"cashAvailableForTrading": 7.0}, 25000.0, "cashBalance"),
        ("OTHER", {"buyingPower": 9e9}, 25000.0, "cashBalance"),
    ],
)
def test_free_cash_is_never_borrowed(ask, vendors, kind, balances, free, named):
    rows = ask(vendors.schwab_account(kind=kind, **balances))
    assert rows.frame["quantity"].tolist() == [free]
    assert f"cash is the account's {named}" in rows.notes


@pytest.mark.parametrize(
    ("kind", "balances", "free"),
    [
        ("MARGIN", {"availableFundsNonMarginableTrade": 60000.0}, 25000.0),
        ("MARGIN", {"availableFundsNonMarginableTrade": 60000.0, "liquidationValue": 40000.0}, 40000.0),
        ("MARGIN", {"availableFundsNonMarginableTrade": 60000.0, "liquidationValue": -500.0, "cashBalance": 0.0}, 0.0),
        ("MARGIN", {"availableFundsNonMarginableTrade": -300.0}, -300.0),
        ("CASH", {"cashAvailableForTrading": 60000.0}, 25000.0),
        ("CASH", {"cashAvailableForTrading": 60000.0, "liquidationValue": None, "cashBalance": None}, 60000.0),
    ],
)
def test_free_cash_is_in_the_account(ask, vendors, kind, balances, free):
    rows = ask(vendors.schwab_account(kind=kind, **{"liquidationValue": 25000.0, **balances}))
    assert rows.frame["quantity"].tolist() == [free]
    cut = sum(balances.get(name, 0) for name in ("availableFundsNonMarginableTrade", "cashAvailableForTrading")) - free
    said = [note for note in rows.notes if "would be borrowed" in note]
    assert [f", less ${cut:,.2f} that" in note for note in said] == ([True] if cut else [])


def test_cash_that_is_not_told_is_an_error(ask, vendors):
    with pytest.raises(errors.UnexpectedAnswer, match="none of availableFundsNonMarginableTrade, cashBalance"):
        ask(vendors.schwab_account(cashBalance="NaN", buyingPower=9e9))


def test_without_a_liquidation_value_the_cash_balance_counts(ask, vendors):
    assert ask(vendors.schwab_account(liquidationValue=None)).frame["market_value"].tolist() == [25000.0]


@pytest.mark.parametrize("account_id", ["default", "87654321", "8765-4321"])
def test_the_configured_name_is_kept_not_the_number(ask, vendors, account_id):
    assert set(ask(vendors.schwab_account(), account_id=account_id).frame["account_id"]) == {account_id}


def test_an_account_is_found_by_its_number(ask, vendors):
    two = (
        vendors.schwab_account(number="11112222", cashBalance=1.0),
        vendors.schwab_account(number="33334444", cashBalance=2.0),
    )
    assert ask(*two, account_id="33334444").frame["quantity"].tolist() == [2.0]


def test_an_account_is_found_by_its_hash_and_the_hash_is_told_to_nobody(schwab, fake, vendors, now, calls):
    fake.on(
        f"{ACCOUNTS}/{HASH}", vendors.Reply(vendors.schwab_account()), vendors.Reply({"message": f"no {HASH}"}, 400)
    )
    account = SchwabAccount(schwab)
    assert len(account.positions(HASH, now).frame) == 1
    with pytest.raises(errors.SourceError) as raised:
        account.positions(HASH, now)
    assert HASH not in f"{raised.value} {vars(raised.value)} {calls}"


@pytest.mark.parametrize("status", [400, 404])
def test_a_hash_that_schwab_does_not_know(schwab, fake, vendors, now, status):
    fake.on(f"{ACCOUNTS}/{HASH}", vendors.Reply(b"", status))  # bodies may be empty on errors
    with pytest.raises(errors.SourceRefused, match=r"Schwab has no account `\.\.\.DEF`; HTTP .*; set WHEEL_ACCOUNT_ID"):
        SchwabAccount(schwab).positions(HASH, now)


@pytest.mark.parametrize(
    ("account_id", "numbers", "there"),
    [
        ("default", ["11112222", "33334444"], r"\.\.\.222 \(MARGIN\), \.\.\.444 \(MARGIN\)"),
        ("99998888", ["11112222"], r"\.\.\.222 \(MARGIN\)"),
        ("default", [], "none"),
    ],
)
def test_a_wrong_account_lists_what_there_is_masked(ask, vendors, account_id, numbers, there):
    with pytest.raises(errors.SourceRefused, match=f"there are: {there}; set WHEEL_ACCOUNT_ID") as raised:
        ask(*(vendors.schwab_account(number=number) for number in numbers), account_id=account_id)
    assert not any(number in str(raised.value) for number in [*numbers, "99998888"])


def test_the_ledger_names_accounts_masked(ask, vendors, calls):
    ask(vendors.schwab_account(), account_id="87654321")
    assert [call.key for call in calls] == ["...321"]


def test_numbers_and_hashes_are_masked():
    assert [masked(name) for name in ("default", "87654321", HASH)] == ["default", "...321", "...DEF"]


@pytest.mark.parametrize(
    ("symbol", "underlying", "expected"),
    [
        ("SPXW  270115P05000000", "$SPX", "SPX"),
        ("BRKB  270115P00400000", "BRK/B", "BRK.B"),
        ("XYZ   270115P00095000", None, "XYZ"),
    ],
)
def test_underlyings_are_tickers(ask, vendors, symbol, underlying, expected):
    instrument = {"assetType": "OPTION", "symbol": symbol, "underlyingSymbol": underlying}
    frame = ask(vendors.schwab_account(vendors.schwab_option_position(instrument=instrument))).frame
    assert frame["underlying"].iloc[0] == expected


@pytest.mark.parametrize(("told", "multiplier"), [(10, 10), ("100", 100), (None, 100), ("NaN", 100)])
def test_a_multiplier_that_is_not_told_is_a_hundred(ask, vendors, told, multiplier):
    option = vendors.schwab_option_position()
    option["instrument"]["optionMultiplier"] = told
    rows = ask(vendors.schwab_account(option))
    assert rows.frame["multiplier"].iloc[0] == multiplier
    assert not any("multiplier" in note for note in rows.notes)  # its answers rarely tell: no news


def test_an_adjusted_option_is_shown_with_a_warning(ask, vendors):
    rows = ask(vendors.schwab_account(vendors.schwab_option_position("XYZ1  270115P00095000")))
    assert (rows.frame["symbol"].iloc[0], rows.frame["underlying"].iloc[0]) == ("XYZ1  270115P00095000", "XYZ")
    assert any("XYZ1  270115P00095000 is adjusted or FLEX" in note for note in rows.notes)


def test_the_end_of_the_login_is_said_beside_the_positions(schwab, fake, vendors, now, token_file):
    token_file(days=6.75)
    fake.on(ACCOUNTS, vendors.Reply([vendors.schwab_account()]))
    notes = SchwabAccount(schwab).positions("default", now).notes
    assert any(note.startswith("the Schwab login ends on Saturday 2026-11-21 02:30 UTC") for note in notes)


def test_the_end_of_the_login_is_said_in_the_same_words_beside_every_chain(schwab, fake, vendors, now, token_file):
    token_file(days=6.75)
    fake.on(ACCOUNTS, vendors.Reply([vendors.schwab_account()]))
    fake.on("/marketdata/v1/chains", vendors.Reply(vendors.schwab_chain()))
    both = SchwabAccount(schwab).positions("default", now), SchwabMarket(schwab).option_chain("XYZ", now)
    first, second = ([note for note in each.notes if "login ends" in note] for each in both)
    assert first == second
    assert len(first) == 1


def test_positions_that_are_closed_are_left_out(ask, vendors):
    assert len(ask(vendors.schwab_account(vendors.schwab_stock_position(shares=0.0))).frame) == 1


def test_a_bad_average_price_is_null(ask, vendors):
    frame = ask(vendors.schwab_account(vendors.schwab_stock_position(averagePrice="NaN"))).frame
    assert np.isnan(frame["average_price"].iloc[0])


@pytest.mark.parametrize(
    ("position", "words"),
    [
        ({"longQuantity": 1.0, "shortQuantity": 0.0}, "a position without an instrument"),
        ({"instrument": {"symbol": "XYZ"}, "longQuantity": "many"}, "a position of 'XYZ' without a quantity"),
        (
            {"instrument": {"assetType": "OPTION", "symbol": "??"}, "longQuantity": 1, "shortQuantity": 0},
            "not an option symbol",
        ),
        ("XYZ", "its positions are no list of objects"),
    ],
)
def test_a_position_that_cannot_be_read_does_not_go_missing(ask, vendors, position, words):
    with pytest.raises(errors.UnexpectedAnswer, match=words.replace("?", r"\?")):
        ask(vendors.schwab_account(position))


@pytest.mark.parametrize(
    "accounts", [[{}], [[]], [{"securitiesAccount": {}}], [{"securitiesAccount": {"accountNumber": 12345678}}]]
)
def test_accounts_of_another_shape_are_refused(ask, accounts):
    with pytest.raises(errors.UnexpectedAnswer, match="no securitiesAccount"):
        ask(*accounts)
