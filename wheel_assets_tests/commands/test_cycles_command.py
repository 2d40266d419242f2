"""`wheel cycles`: the account's history as a person and a program see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wheel_assets_tests.forked import wheel

CSV = """executed_at,kind,symbol,option_symbol,quantity,price,fees,amount
2026-08-03,trade,U,U     260904P00030000,-1,1.20,0.66,119.34
2026-09-04,expiration,U,U     260904P00030000,1,,,0
"""


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """An account of cash alone that has sold one put."""
    (tmp_path / "past.csv").write_text(CSV)
    (tmp_path / "now.csv").write_text("symbol,quantity,market_value\nCASH,,60000\n")
    positions = {"WHEEL_BROKER__SOURCE": "file", "WHEEL_BROKER__FILE": "now.csv"}
    return {**positions, "WHEEL_BROKER__TRANSACTIONS_FILE": "past.csv"}


@pytest.mark.slow
def test_the_sample_account_adds_up():
    done = wheel("cycles", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["differences"], document["message"]) == (0, {}, None)
    (cycle,) = document["cycles"]
    assert cycle["net_basis"] == pytest.approx((cycle["cost"] - cycle["premiums"]) / 300, abs=1e-4)


@pytest.mark.slow
def test_the_files_of_a_broker_are_read(files):
    done = wheel("cycles", "--json", **files)
    (cycle,) = json.loads(done.stdout)["cycles"]
    assert (cycle["profit"], cycle["ended"]) == (119.34, "2026-09-04")


@pytest.mark.slow
def test_what_does_not_add_up_is_said_first(files):
    Path("now.csv").write_text("symbol,quantity,market_value\nU,100,3000\nCASH,,60000\n")
    done = wheel("cycles", **files)
    assert done.stdout.startswith("! U: the account holds 100 of U, the transactions come to 0")


@pytest.mark.slow
def test_no_transactions_are_said_to_be_none(files):
    del files["WHEEL_BROKER__TRANSACTIONS_FILE"]
    done = wheel("cycles", **files)
    assert (done.returncode, done.stdout.startswith("! No cycle: no transaction on an option is known.")) == (0, True)


@pytest.mark.slow
def test_a_bad_file_is_one_line(files):
    Path("past.csv").write_text(CSV.replace("-1,1.20", "x,1.20"))
    done = wheel("cycles", **files)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "past.csv was refused; 1 of 2 rows are not understood" in done.stderr
