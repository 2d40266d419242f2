"""The documents tell what there is: tables, settings and costs are made from the declarations, links lead somewhere.

`python -m wheel_assets_tests.test_docs` writes the made parts anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import scale_figures
from wheel_assets.cache.upkeep.costs import plan
from wheel_assets.settings import load_settings
from wheel_assets.show.terminal.settings import effective
from wheel_assets.tables import API_CALLS, SCAN, SNAPSHOTS, STORED_TABLES
from wheel_assets.vendor import RANKS, TRANSACTIONS, Vendor
from wheel_assets.vendors import VENDORS

CLONE = Path(__file__).resolve().parents[1]
README, DOCS = CLONE / "README.md", CLONE / "docs"
PAGES = [*CLONE.glob("*.md"), *DOCS.rglob("*.md")]


def tables() -> str:
    """The columns of every table."""
    parts = []
    for table in (*STORED_TABLES, SNAPSHOTS, API_CALLS, SCAN):
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


def vendors() -> str:
    """The registry of vendors."""
    rows = []
    for vendor in VENDORS:
        gives = " · ".join(f"{GIVEN[role]} (`WHEEL_{section(role)}__SOURCE`)" for role in vendor.sources)
        cells = (f"`{vendor.name}`", vendor.title, gives, vendor.access, cost(vendor), vendor.freshness)
        rows.append(f"| {' | '.join((*cells, str(vendor.limit or 'none')))} |")
    names = ("name", "what it is", "gives", "needs", "costs", "its data is", "pace kept")
    return "\n".join([f"| {' | '.join(names)} |", "|---" * len(names) + "|", *rows])


GIVEN = {"market": "chains", "broker": "positions", "rate": "rates", "events": "events", "transactions": "transactions"}
GIVEN |= {"ranks": "volatility ranks"}


def section(role: str) -> str:
    """The section of the settings that chooses the vendor of a role."""
    return {TRANSACTIONS: "broker", RANKS: "events"}.get(role, role).upper()


def cost(vendor: Vendor) -> str:
    """What it is planned to cost, and for what."""
    return f"${vendor.monthly_usd:g} a month: {vendor.usage}" if vendor.remote else "nothing"


def benchmark() -> str:
    """The kept result of the benchmark of the commands."""
    return f"```text\n{(CLONE / 'benchmarks' / 'results' / 'commands.txt').read_text()}```"


# Each made part: the page in docs/ that holds it, and what makes it.
MADE = {"tables": tables, "costs": costs, "settings": settings, "vendors": vendors, "benchmarks": benchmark}
MADE["scale"] = scale_figures.page


def made_part(name: str) -> str:
    """What stands between the marks of a made part."""
    found = re.search(f"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", (DOCS / f"{name}.md").read_text(), re.S)
    assert found, name
    return found[1]


@pytest.mark.parametrize("name", MADE)
def test_the_made_parts_are_up_to_date(name):
    assert made_part(name) == MADE[name](), "run: python -m wheel_assets_tests.test_docs"


def test_every_command_is_told():
    from wheel_assets.cli import COMMANDS

    told = README.read_text()
    assert [name for name in COMMANDS if f"wheel {name}" not in told] == []


def test_the_readme_is_read_in_one_sitting():
    assert len(README.read_text().splitlines()) <= 180


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", list(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_every_page_is_within_reach_of_the_readme(page):
    assert f"docs/{page.name}" in README.read_text()


def write() -> None:
    """Write the made parts anew."""
    for name, make in MADE.items():
        page = DOCS / f"{name}.md"
        text = page.read_text()
        page.write_text(text.replace(f"<!-- {name} -->\n{made_part(name)}", f"<!-- {name} -->\n{make()}"))


if __name__ == "__main__":
    write()
