"""The number of an account, set and named on the command line, stands in nothing that is printed or kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

NUMBER = "8765432199"
COMMANDS = (
    ("recommend", "--json"),
    ("recommend", "--account", NUMBER, "-v"),
    ("explain",),
    ("cycles", "--account", NUMBER),
    ("stats", "--json"),
    ("config",),
    ("report", "report.html"),
    ("backup", "archive"),
    ("restore", "archive"),
    ("cleanup",),
)


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file below a folder: its name, and its content as text; what is packed is unpacked."""
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        yield name, name
        if path.suffix == ".parquet":
            yield name, str(duckdb.sql(f"SELECT * FROM '{path}'").fetchall())
        elif path.suffix == ".duckdb":
            yield from ((name, rows) for rows in tables(path))
        if path.is_file():
            yield name, path.read_bytes().decode("latin-1")


def tables(path: Path) -> Iterator[str]:
    """The rows of every table of a database."""
    with duckdb.connect(str(path), read_only=True) as connection:
        for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
            yield str(connection.execute(f'SELECT * FROM "{table}"').fetchall())


@pytest.mark.slow
def test_no_command_and_no_run_leaves_the_number_behind(sample_user):
    (sample_user.folder / "dagster_home").mkdir()
    sample_user.settings |= {
        "WHEEL_ACCOUNT_ID": NUMBER,
        "DAGSTER_HOME": str(sample_user.folder / "dagster_home"),
    }
    materialize = ("dagster", "asset", "materialize", "-m", "wheel_assets.definitions", "--select", "+recommendation")
    printed = []
    for command in [("wheel", *each) for each in COMMANDS] + [materialize]:
        done = sample_user.run(*command)
        assert done.returncode == 0, (command, done.stderr)
        printed.append((" ".join(command[:2]), done.stdout + done.stderr))
    kept = list(texts(sample_user.folder))
    assert any("...199" in text for name, text in kept if name.endswith(".duckdb"))
    assert any("...199" in text for _, text in printed)
    assert [name for name, text in [*printed, *kept] if NUMBER in text] == []
