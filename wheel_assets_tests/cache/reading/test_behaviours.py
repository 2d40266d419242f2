"""The behaviours of a DuckDB IO manager, of the stock one and of ours; their table in `docs/any-graph.md` is made here.

`python -m wheel_assets_tests.cache.reading.test_behaviours` writes it anew.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dagster_duckdb_pandas import DuckDBPandasIOManager

from wheel_assets.cache.reading.duckdb_io_manager import ReadThroughDuckDBIOManager
from wheel_assets_tests.cache.reading.behaviours import BEHAVIOURS, Bench, bench

PAGE = Path(__file__).resolve().parents[3] / "docs" / "any-graph.md"
BEGIN, END = "<!-- behaviours -->\n", "<!-- /behaviours -->"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::ResourceWarning"),
]


def shows(behaviour: Callable[[Bench], None], resource: Any) -> bool:
    """Whether a manager shows a behaviour."""
    with bench(resource) as on:
        try:
            behaviour(on)
        except Exception:  # noqa: BLE001  # whatever it raises, it does not
            return False
    return True


def line(behaviour: Callable[[Bench], None]) -> str:
    """The line of the table about a behaviour."""
    managers = (DuckDBPandasIOManager, ReadThroughDuckDBIOManager)
    told = " | ".join("yes" if shows(behaviour, of) else "**no**" for of in managers)
    return f"| {' '.join((behaviour.__doc__ or '').split())} | {told} |\n"


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.__name__)
def test_the_table_names_who_shows_a_behaviour_and_ours_does(behaviour):
    told = line(behaviour)
    assert told.endswith("| yes |\n")
    assert told in PAGE.read_text(), "run: python -m wheel_assets_tests.cache.reading.test_behaviours"


def test_the_table_has_all_behaviours_and_no_others():
    table = PAGE.read_text().split(BEGIN)[1].split(END)[0]
    assert len(table.splitlines()) == len(BEHAVIOURS) + 2


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    before, rest = PAGE.read_text().split(BEGIN)
    head = "| | `DuckDBPandasIOManager` | `ReadThroughDuckDBIOManager` |\n|---|---|---|\n"
    PAGE.write_text(before + BEGIN + head + "".join(map(line, BEHAVIOURS)) + END + rest.split(END)[1])
