"""The table of bad input, third part: histories, accounts, rates and files that arrive whole and are wrong inside.

For every source: what is refused, with its sentence and with the cache as it was before, and what is
accepted, as it is stored. Everything goes through the real assets into a cache file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from wheel_assets.errors import BadPositionsFile, SourceRefused, UnexpectedAnswer, UnknownSymbol, WheelError
from wheel_assets.fetch.positions.file import FileAccount

BARS = {"cboe history": ("data", "cboe_bar"), "schwab history": ("candles", "schwab_bar")}
NOT_LIVE = "no price history of XYZ from {}; {} bars, of which none has a close of the last year; check the ticker"
HISTORIES: dict[str, tuple[list[Any], int]] = {
    "no close": ([{"close": None}, {"close": "NaN"}, {"close": 0}, {"close": -999.0}], 4),
    "no day": ([{"date": None, "datetime": None}, {"date": "soon", "datetime": "soon"}], 2),
    "of years ago": ([{"date": "2020-01-02", "datetime": 1577944800000}], 1),
    "of a day that is not over": ([{"date": "2026-11-20", "datetime": 1795150800000}], 1),
    "of a weekend": ([{"date": "2026-11-15", "datetime": 1794718800000}], 1),
}

UNREADABLE = "Schwab sent an account that cannot be read; {}; its layout may have changed"
FIRST_BALANCES = "availableFundsNonMarginableTrade, cashBalance"
# Changes to the account of an option and a hundred shares, and what is said.
ACCOUNTS: dict[str, tuple[dict[str, Any], str]] = {
    "no quantity": ({"shares": {"longQuantity": None}}, "a position of 'XYZ' without a quantity"),
    '"NaN" quantity': ({"shares": {"longQuantity": "NaN"}}, "a position of 'XYZ' without a quantity"),
    "no instrument": ({"shares": {"instrument": None}}, "a position without an instrument"),
    "unreadable option": (
        {"code": "gibberish"},
        "'gibberish' is not an option symbol; for example 'XYZ 270115P00095000'",
    ),
    "no balances": ({"balances": {"cashBalance": None}}, f"none of {FIRST_BALANCES} among its balances"),
    "blank balances": ({"balances": {"cashBalance": ""}}, f"none of {FIRST_BALANCES} among its balances"),
}

RATES: dict[str, tuple[str, list[tuple[str, str]], str]] = {
    "nothing published": ("fred", [("2026-11-20", "."), ("2026-11-19", ".")], "fred has no value of DGS3MO"),
    "empty": ("fred", [], "fred has no value of DGS3MO"),
    "blank": ("treasury", [("11/19/2026", "")], "treasury has no value of 3 Mo"),
    "older than a week": (
        "fred",
        [("2026-11-12", "3.9")],
        "fred's DGS3MO is too old; its newest value is of 2026-11-12",
    ),
    "397 percent": ("fred", [("2026-11-19", "397")], "fred's DGS3MO of 2026-11-19 is absurd; 397.0 percent"),
    "of last week": (
        "treasury",
        [("11/10/2026", "3.97")],
        "treasury's 3 Mo is too old; its newest value is of 2026-11-10",
    ),
}
# What is taken instead: the newest value that is one, of a day that has come.
USED_RATES = {
    "a holiday": ("fred", [("2026-11-20", "."), ("2026-11-19", ""), ("2026-11-18", "3.96")]),
    "-999": ("fred", [("2026-11-19", "-999"), ("2026-11-18", "3.96")]),
    "the future": ("fred", [("2026-12-19", "9.9"), ("2026-11-18", "3.96")]),
    "any order": ("treasury", [("11/17/2026", "3.90"), ("11/18/2026", "3.96"), ("11/13/2026", "3.80")]),
    "N/A": ("treasury", [("11/19/2026", "N/A"), ("11/18/2026", "3.96")]),
}

HEAD = "symbol,quantity,avg_price\n"
AGAIN = "; export the positions once more as CSV, or see examples/positions.csv"
MEND = "; mend or delete these rows"
FILES: dict[str, tuple[str | bytes | None, str]] = {
    "absent": (None, "there is no such file; check WHEEL_BROKER__FILE"),
    "empty": ("", f"it is empty{AGAIN}"),
    "a page": ("<html><body>Access Denied</body></html>", f"its XML holds no FlexStatement{AGAIN}"),
    "truncated JSON": ('{"positions": [{"sym', f"Unterminated string starting at: line 1 column 17 (char 16){AGAIN}"),
    "no text": (b"\x00\xff\x00\xfe", f"it is not text{AGAIN}"),
    "wrong shape": (
        "a,b\n1,2\n",
        f"no row of it names a symbol and a quantity, it begins: a,b; 1,2{AGAIN}",
    ),
    "nothing but a header": (HEAD, f"it holds no position and no cash{AGAIN}"),
    "nothing but totals": (f"{HEAD}Account Total,,\n", f"it holds no position and no cash{AGAIN}"),
    "words for a number": (
        f"{HEAD}U,many,30\nCASH,9,\n",
        f"1 of 2 rows are not understood: row 2 [U many 30]: 'many' is not a number{MEND}",
    ),
    "no quantity": (
        f"{HEAD}U,,30\nCASH,9,\n",
        f"1 of 2 rows are not understood: row 2 [U 30]: no quantity{MEND}",
    ),
    "sent twice": (
        f"{HEAD}U,100,30\nU,50,31\n",
        f"1 of 2 rows are not understood: row 3 [U 50 31]: U stands in row 2 already; hold it in one row{MEND}",
    ),
    "no such day": (
        f"{HEAD}XYZ 01/45/2027 95.00 P,-1,1\n",
        f"1 of 1 rows are not understood: row 2 [XYZ 01/45/2027 95.00 P -1 1]: '01/45/2027' is not a date{MEND}",
    ),
}


@pytest.fixture
def refused(real_assets) -> Callable[..., tuple[type[WheelError], str]]:
    """Fetch in vain, after a good answer; the error, which must have left the cache as it was."""

    def ask(table: str, good: Callable[[], Any], bad: Callable[[], Any]) -> tuple[type[WheelError], str]:
        if not real_assets.cache([table])[table]:
            real_assets.fetch(table, good())
        before = real_assets.cache()
        source = bad()
        with pytest.raises(WheelError) as raised:
            real_assets.fetch(table, source)
        assert real_assets.cache() == before
        return type(raised.value), str(raised.value)

    return ask


@pytest.fixture
def answering(vendor_named, fake, vendors) -> Callable[..., Any]:
    """A source whose vendor answers with this, or well where nothing is given."""

    def named(name: str, body: Any = None, **reply: Any) -> Any:
        vendor = vendor_named(name)
        if body is not None:
            fake.on(vendor.path, vendors.Reply(body, **reply))
        return vendor.source

    return named


@pytest.fixture
def rate_of(answering) -> Callable[[str, list[tuple[str, str]]], Any]:
    """A source whose vendor has published these values."""

    def published(name: str, values: list[tuple[str, str]]) -> Any:
        if name == "fred":
            return answering(name, {"observations": [{"date": day, "value": value} for day, value in values]})
        lines = ['Date,"3 Mo"', *(f"{day},{value}" for day, value in values)]
        return answering(name, "\n".join(lines) + "\n", content_type="text/csv")

    return published


@pytest.mark.parametrize("name", BARS)
@pytest.mark.parametrize("fault", HISTORIES)
def test_a_history_without_a_session_is_refused(refused, answering, vendors, name, fault):
    changes, count = HISTORIES[fault]
    key, bar = BARS[name]
    body = {key: [getattr(vendors, bar)() | change for change in changes]}
    told = refused("price_history", lambda: answering(name), lambda: answering(name, body))
    assert told == (UnexpectedAnswer, NOT_LIVE.format(name.split()[0], count))


def test_an_empty_history_of_schwab_is_an_unknown_symbol(refused, answering):
    body = {"candles": [], "symbol": "XYZ", "empty": True}
    told = refused("price_history", lambda: answering("schwab history"), lambda: answering("schwab history", body))
    assert told == (UnknownSymbol, "Schwab has no price history of XYZ; its answer is empty; check the ticker")


@pytest.mark.parametrize("name", BARS)
@pytest.mark.parametrize("value", [None, "", "NaN", -999.0, -1.0, [], True])
def test_any_other_number_of_a_history_is_stored_as_null(real_assets, answering, vendors, name, value):
    key, bar = BARS[name]
    bad = getattr(vendors, bar)() | dict.fromkeys(("open", "high", "low", "volume"), value)
    real_assets.fetch("price_history", answering(name, {key: [bad]}))
    (row,) = real_assets.newest("price_history").to_dict("records")
    assert row["close"] == 99.9
    assert all(pd.isna(row[column]) for column in ("open", "high", "low", "volume"))


def account(vendors: Any, shares: Any = None, code: str = "XYZ   270115P00095000", balances: Any = None) -> list[Any]:
    """An option and a hundred shares, but for these changes."""
    positions = vendors.schwab_option_position(code), vendors.schwab_stock_position() | (shares or {})
    return [vendors.schwab_account(*positions, **(balances or {}))]


@pytest.mark.parametrize("fault", ACCOUNTS)
def test_an_account_that_cannot_be_read_in_full_is_refused(refused, answering, vendors, fault):
    changes, why = ACCOUNTS[fault]
    body = account(vendors, **changes)
    told = refused("positions", lambda: answering("schwab account"), lambda: answering("schwab account", body))
    assert told == (UnexpectedAnswer, UNREADABLE.format(why))


@pytest.mark.parametrize(("count", "there"), [(0, "none"), (2, "...321 (MARGIN), ...321 (MARGIN)")])
def test_no_account_or_several_are_refused_by_their_last_digits(refused, answering, vendors, count, there):
    accounts = account(vendors) * count
    told = refused("positions", lambda: answering("schwab account"), lambda: answering("schwab account", accounts))
    what = f"Schwab has {count or 'no'} accounts for `default`; there are: {there}; "
    assert told == (SourceRefused, f"{what}set WHEEL_ACCOUNT_ID to one number, or to `...` and more of its last digits")


def test_of_a_holding_only_its_prices_may_be_missing(real_assets, answering, vendors):
    body = account(
        vendors, {"longQuantity": "100.0", "averagePrice": None, "marketValue": "NaN"}, "XYZ1  270115P00095000"
    )
    real_assets.fetch("positions", answering("schwab account", body))
    option, shares, _ = real_assets.newest("positions").to_dict("records")
    assert (option["symbol"], option["quantity"]) == ("XYZ1  270115P00095000", -2.0)
    assert shares["quantity"] == 100
    assert pd.isna([shares["average_price"], shares["market_value"]]).all()


@pytest.mark.parametrize("fault", RATES)
def test_a_rate_that_is_none_is_refused(refused, rate_of, fault):
    name, values, words = RATES[fault]
    good = ("11/19/2026" if name == "treasury" else "2026-11-19", "3.97")
    told = refused("risk_free_rate", lambda: rate_of(name, [good]), lambda: rate_of(name, values))
    assert told[0] is UnexpectedAnswer
    assert told[1].removesuffix("; try again later or set WHEEL_RATE__SOURCE") == words


@pytest.mark.parametrize("fault", USED_RATES)
def test_the_newest_rate_that_is_one_is_stored(real_assets, rate_of, fault):
    real_assets.fetch("risk_free_rate", rate_of(*USED_RATES[fault]))
    rows = real_assets.newest("risk_free_rate").set_index("tenor_years")
    assert set(rows["observation_date"]) == {pd.Timestamp("2026-11-18")}
    assert rows.loc[0.25, "value"] == pytest.approx(0.0394053, abs=1e-7)  # 4 ln(1 + 0.0396 / 4)


@pytest.mark.parametrize("fault", FILES)
def test_a_file_that_cannot_be_read_in_full_is_refused(refused, tmp_path: Path, fault):
    content, why = FILES[fault]
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(f"{HEAD}U,100,30\nCASH,9,\n")
    if content is not None:
        bad.write_bytes(content if isinstance(content, bytes) else content.encode())
    told = refused("positions", lambda: FileAccount(good), lambda: FileAccount(bad))
    assert told == (BadPositionsFile, f"the positions file {bad} was refused; {why}")
