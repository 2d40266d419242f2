"""The README tells what there is: its tables are made from the declarations, its commands work as pasted.

`python wheel_assets_tests/end_to_end/test_readme.py` writes the made parts anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wheel_assets.cache.upkeep.costs import plan
from wheel_assets.settings import effective, load_settings
from wheel_assets.tables import API_CALLS, SNAPSHOTS, STORED_TABLES

CLONE = Path(__file__).resolve().parents[2]
README = CLONE / "README.md"
BLOCKS = re.findall(r"```sh\n(.*?)```", README.read_text(), re.S)
# Run by other tests, or this very one.
ELSEWHERE = ("make test", "dagster dev", "make benchmark", "python benchmarks/")


def tables() -> str:
    """The columns of every table."""
    parts = []
    for table in (*STORED_TABLES, SNAPSHOTS, API_CALLS):
        parts += [f"**`{table.name}`** {table.meaning}", "", "| column | type | meaning |", "|---|---|---|"]
        parts += [f"| `{c.name}` | {c.type} | {c.description.replace('|', chr(92) + '|')} |" for c in table.columns]
        parts.append("")
    return "\n".join(parts).strip()


def settings() -> str:
    """Every setting with its default."""
    rows = [
        f"| `{name}` | {value} | {meaning} |".replace("|delta|", "\\|delta\\|")
        for name, value, meaning in effective(load_settings())
    ]
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows])


def costs() -> str:
    """The plan of what the data costs."""
    rows = [f"| {part.component} | {part.usage} | ${part.planned_usd:g} |" for part in plan()]
    limit = load_settings().budget.monthly_usd
    stop = "a paid call that would pass it is refused, with the estimate, before it is made"
    rows.append(f"| **all of it, at most** | `WHEEL_BUDGET__MONTHLY_USD`: {stop} | **${limit:g}** |")
    return "\n".join(["| component | usage | a month |", "|---|---|---|", *rows])


def benchmark() -> str:
    """The kept result of the benchmark of the commands."""
    return f"```text\n{(CLONE / 'benchmarks' / 'results' / 'commands.txt').read_text()}```"


MADE = {"tables": tables, "costs": costs, "settings": settings, "benchmark": benchmark}


def part(name: str, text: str) -> str:
    """What stands between the marks of a made part."""
    found = re.search(f"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", text, re.S)
    assert found, name
    return found[1]


@pytest.mark.parametrize("name", MADE)
def test_the_made_parts_are_up_to_date(name):
    assert part(name, README.read_text()) == MADE[name](), "run: python wheel_assets_tests/end_to_end/test_readme.py"


def test_every_command_is_told():
    from wheel_assets.cli import main

    told = README.read_text()
    assert [name for name in main.commands if f"wheel {name}" not in told] == []


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is committed or about to be, with this environment as its `.venv`."""
    folder = tmp_path_factory.mktemp("clone") / "wheel_assets"
    ignored = shutil.ignore_patterns(".git", ".venv", ".dagster", ".tmp_*", "build", "*.egg-info", "__pycache__")
    shutil.copytree(CLONE, folder, ignore=ignored)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0][:30])
def test_every_command_works_as_pasted(clone, block, market):
    lines = [line for line in block.splitlines() if not line.startswith(ELSEWHERE)]
    if not (Path(sys.prefix) / "installed").exists():
        lines = [line for line in lines if not line.startswith("make")]
    environment = {**os.environ, "WHEEL_CBOE__BASE_URL": market.url, "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"}
    script = "set -e\nwheel recommend >/dev/null\n" + "\n".join(lines).replace("SMCI,PLTR", "AAA,BBB")
    done = subprocess.run(["bash", "-c", script], cwd=clone, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def write() -> None:
    """Write the made parts of the README anew."""
    text = README.read_text()
    for name, make in MADE.items():
        text = text.replace(f"<!-- {name} -->\n{part(name, text)}", f"<!-- {name} -->\n{make()}")
    README.write_text(text)


if __name__ == "__main__":
    write()
