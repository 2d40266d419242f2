"""Exports of transactions: every broker's tells the same account, and what is not understood is refused."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from wheel_assets.errors import BadTransactionsFile
from wheel_assets.fetch.transactions.file import FileTransactions
from wheel_assets.recommend.cycles import cycles
from wheel_assets.rows import Rows
from wheel_assets.tables import TRANSACTIONS

_SPEC = importlib.util.spec_from_file_location("exports", Path(__file__).with_name("exports.py"))
exports = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(exports)
SCHWAB, EXPORTS = exports.SCHWAB, exports.EXPORTS
NOW = datetime(2026, 11, 20, 21, tzinfo=UTC)
HEADER = SCHWAB.splitlines()[0] + "\n"


@pytest.fixture
def read(tmp_path: Path):
    """The transactions of files with these contents, in one folder."""

    def read(*contents: str, account: str = "default") -> Rows:
        folder = tmp_path / "exports"
        folder.mkdir(exist_ok=True)
        for place, content in enumerate(contents):
            (folder / f"{place}.csv").write_text(content)
        return FileTransactions(folder).transactions(account, None, NOW)

    return read


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_tells_the_same_wheel_to_the_cent(read, name):
    frame = read(EXPORTS[name]).frame
    history = cycles(frame, today=NOW.date())
    (cycle,) = history.cycles
    assert (cycle.premiums, cycle.shares_profit, cycle.dividends, cycle.profit) == (302.36, 199.98, 25.0, 527.34)
    assert (cycle.rolls, cycle.assignments, cycle.called_away) == (1, 1, 1)
    assert (str(cycle.began), str(cycle.ended), dict(history.differences)) == ("2026-08-03", "2026-11-06", {})
    assert round(frame["amount"].sum(), 2) == 10_527.34


@pytest.mark.parametrize("name", EXPORTS)
def test_every_frame_fits_its_table_and_is_in_order(read, name):
    frame = read(EXPORTS[name]).frame
    pd.testing.assert_frame_equal(TRANSACTIONS.conform(frame), frame)
    assert frame["executed_at"].is_monotonic_increasing
    assert set(frame["source"]) == {"file"}


@pytest.mark.parametrize("name", EXPORTS)
def test_units_are_those_of_the_table(read, name):
    sale = read(EXPORTS[name]).frame.query("option_symbol == 'U     260904P00030000' and quantity < 0").iloc[0]
    assert (sale["kind"], sale["symbol"], sale["price"], sale["amount"]) == ("trade", "U", 1.2, 119.34)
    assert sale["fees"] == pytest.approx(0.66) or name == "ibkr flex"


def test_overlapping_exports_count_once_and_equal_fills_twice(read):
    half = HEADER + "".join(line + "\n" for line in SCHWAB.splitlines()[5:])
    assert len(read(SCHWAB, half).frame) == 10
    fill = '"08/03/2026","Sell to Open","U 09/04/2026 30.00 P","PUT","1","$1.20","$0.66","$119.34"\n'
    rows = read(HEADER + fill + fill, HEADER + fill)
    assert len(rows.frame) == 2
    assert rows.notes == ("1 transactions stand in more than one of the files and count once",)


@pytest.mark.parametrize(("opened", "sign"), [("Sell to Open", 1), ("Buy to Open", -1)])
def test_an_expiration_closes_what_was_held(read, opened, sign):
    expired = '"09/04/2026","Expired","U 09/04/2026 30.00 P","PUT","1","","",""\n'
    trade = f'"08/03/2026","{opened}","U 09/04/2026 30.00 P","PUT","1","$1.20","$0.66","$119.34"\n'
    assert list(read(HEADER + expired + trade).frame["quantity"]) == [-sign, sign]


def test_an_expiration_of_what_nobody_opened_has_no_sign(read):
    rows = read(HEADER + '"09/04/2026","Expired","U 09/04/2026 30.00 P","PUT","1","","",""\n')
    assert rows.frame["quantity"].isna().all()
    assert "opened before these transactions begin" in rows.notes[0]


def test_a_split_and_an_unknown_action_are_kept(read):
    rows = '"09/04/2026","Stock Split","U","UNITY","100","","",""\n"09/04/2026","Voodoo","U","UNITY","","","","$5.00"\n'
    frame = read(HEADER + rows).frame
    assert sorted(frame[["kind", "amount"]].itertuples(index=False, name=None)) == [("other", 5.0), ("split", 0.0)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "no row of it has the headings of a broker"),
        ("symbol,quantity\nU,1\n", "no row of it has the headings"),
        (
            HEADER + '"09/04/2026","Buy","U","UNITY","x","$1","","-$1.00"\n',
            "1 of 1 rows .* row 2 .*'x' is not a number",
        ),
        (HEADER + '"soon","Buy","U","UNITY","1","$1","","-$1.00"\n', "'soon' is not a date"),
        (HEADER + '"09/04/2026","Buy","U","UNITY","","$1","","-$1.00"\n', "no quantity"),
        (HEADER + '"09/04/2026","Sell to Open","U 02/30/2027 9 P","P","1","$1","","$1.00"\n', "not a date"),
        ("<!DOCTYPE html><html></html>", "web page"),
        ("<FlexQueryResponse>", "XML is damaged"),
        (HEADER + '"09/04/2026","Buy', "line 2"),
    ],
)
def test_what_is_not_understood_is_refused_whole_in_one_line(read, content, why):
    with pytest.raises(BadTransactionsFile, match=why) as refused:
        read(content)
    assert "\n" not in str(refused.value)


def test_a_missing_file_names_the_setting(tmp_path):
    with pytest.raises(BadTransactionsFile, match="check WHEEL_BROKER__TRANSACTIONS_FILE"):
        FileTransactions(tmp_path / "nowhere.csv").transactions("default", None, NOW)


def test_of_several_accounts_one_has_to_be_named(read):
    rows = exports.OWN.replace("executed_at", "account_id,executed_at").replace("\n2026", "\n111,2026")
    both = rows + rows.splitlines()[1].replace("111", "222") + "\n"
    with pytest.raises(BadTransactionsFile, match=r"\.\.\.111, \.\.\.222"):
        read(both.replace(",other,,", ",other,U,"))
    assert len(read(both.replace(",other,,", ",other,U,"), account="111").frame) == 10
