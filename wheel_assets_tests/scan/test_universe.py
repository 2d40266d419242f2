"""Lists of symbols as people write and index providers export them."""

from __future__ import annotations

import pytest

from wheel_assets.errors import UsageError
from wheel_assets.scan.universe import blocks, symbols_of

EXPORTED = """iShares Core S&P 500 ETF
Fund Holdings as of,"Nov 20, 2026"

Ticker,Name,Weight (%)
"NVDA","NVIDIA CORP","7.1"
"BRK/B","BERKSHIRE","1.6"
"BRK/B","BERKSHIRE, twice","0.1"
"-","CASH COLLATERAL","0.0"
"The content contained herein is owned or licensed ..."
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("U\n smci # a comment\n\n# nothing\nU\nbrk-b\n", ["U", "SMCI", "BRK.B"]),
        ("\ufeffSymbol,Name\nA,Agilent\nBF.B,Brown\n", ["A", "BF.B"]),
        (EXPORTED, ["NVDA", "BRK.B"]),
    ],
)
def test_the_symbols_of_a_list(text, found, tmp_path):
    file = tmp_path / "list"
    file.write_text(text, "utf-8")
    assert symbols_of(file) == (found, {})


@pytest.mark.parametrize(
    ("text", "told"), [("no ticker at all\n", "line 1 is refused"), ("# only a comment\n", "has 0 symbols")]
)
def test_a_list_that_is_none_is_refused(text, told, tmp_path):
    file = tmp_path / "list"
    file.write_text(text)
    with pytest.raises(UsageError, match=told):
        symbols_of(file)


def test_a_line_that_is_no_symbol_costs_that_line(tmp_path):
    file = tmp_path / "list"
    file.write_text("U\nno ticker\nSMCI\n")
    symbols, refused = symbols_of(file)
    assert symbols == ["U", "SMCI"]
    assert "line 2 is refused" in refused["no ticker"]


def test_batches_do_not_depend_on_what_is_asked_for():
    assert list(blocks(list("ABCDE"), 2)) == [["A", "B"], ["C", "D"], ["E"]]
