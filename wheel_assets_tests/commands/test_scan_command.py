"""`wheel scan`: what is bad costs itself, and no invented or older number passes for one of now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wheel_assets_tests.forked import wheel

pytestmark = pytest.mark.slow


def test_a_bad_line_and_an_unknown_symbol_cost_themselves():
    Path("list.txt").write_text("SOFI\nno ticker\nZZZZQ\nU\n")
    document = json.loads(wheel("scan", "--json", "--symbols-file", "list.txt").stdout)
    assert {row["symbol"] for row in document["ranking"]} == {"SOFI", "U"}
    assert [row["rank"] for row in document["ranking"]] == [1, 2]
    assert document["sample"]
    assert "line 2 is refused" in document["not_evaluated"]["no ticker"]
    assert document["not_evaluated"]["ZZZZQ"].startswith("the sample market has no ZZZZQ")


def test_made_up_quotes_are_called_so():
    assert wheel("scan", "--symbol", "U").stdout.startswith("SAMPLE DATA")


def test_where_nothing_came_it_fails_though_others_are_there():
    wheel("scan", "--symbol", "U")
    done = wheel("scan", "--symbol", "ZZZZQ")
    assert done.returncode == 1
    assert done.stderr.startswith("wheel: error: none of 1 symbols was evaluated; ZZZZQ: the sample market has no")


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("WHEEL_SCAN__EXECUTOR_CONFIG", '{"nonsense": 1}', "WHEEL_SCAN__EXECUTOR_CONFIG of multiprocess is refused"),
        ("WHEEL_SCAN__DIR", "/dev/null/scan", "/dev/null/scan/chains/U.parquet could not be written"),
    ],
)
def test_what_is_set_wrong_is_said_in_one_line(setting, value, told):
    done = wheel("scan", "--symbol", "U", **{"WHEEL_SCAN__EXECUTOR": "multiprocess", setting: value})
    assert done.returncode in (1, 2)
    assert done.stderr.splitlines()[-1].startswith(f"wheel: error: {told}")
    assert "Traceback" not in done.stderr
