"""Arrows point one way, nothing starts by itself, and the documents tell everything there is."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[1]
PACKAGE = CLONE / "wheel_assets"
# What each part may import of ours; `commands`, `definitions` and `cli` stand above all of them.
FACTS = {
    "columns",
    "tables",
    "rows",
    "settings",
    "strategy",
    "vendor",
    "vendors",
    "setting_types",
    "sections",
    "errors",
    "sanitise",
    "market",
}
PURE = FACTS | {"greeks", "predict", "recommend"}
OURS = {
    "sanitise": set(),
    "errors": {"sanitise"},
    "setting_types": {"errors"},
    "vendor": {"errors", "setting_types"},
    "vendors": {"errors", "setting_types", "vendor"},
    "strategy": {"setting_types"},
    "sections": {"errors", "setting_types", "vendor", "vendors"},
    "settings": {"errors", "sanitise", "setting_types", "sections", "strategy", "vendors", "vendor"},
    "columns": {"errors"},
    "tables": {"errors", "columns"},
    "rows": set(),
    "market": {"columns", "tables", "settings", "errors"},
    "greeks": FACTS,
    "predict": FACTS | {"greeks"},
    "recommend": FACTS | {"greeks"},
    "backtest": PURE,
    "scan": PURE | {"cache"},
    "show": PURE | {"cache", "migrate"},
    "fetch": FACTS,
    "cache": PURE | {"instance"},
    "instance": {"errors"},
    "web": {"errors", "settings", "instance"},
    "storage": PURE | {"cache", "migrate"},
    "migrate": PURE | {"cache", "fetch"},
    "defs": PURE | {"backtest", "cache", "scan", "instance", "fetch", "show", "storage", "migrate", "definitions"},
}
NOT_FOR = {
    "market": {"dagster", "duckdb", "requests"},
    "greeks": {"dagster", "duckdb", "requests"},
    "predict": {"dagster", "duckdb", "requests"},
    "recommend": {"dagster", "duckdb", "requests"},
    "backtest": {"dagster", "duckdb", "requests"},
    "show": {"dagster", "duckdb", "requests"},
    "fetch": {"duckdb"},
    "cache": {"requests"},
    "tables": {"dagster", "duckdb", "requests"},
}
MOST_MODULES = 13  # in one folder, beside its __init__


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def files(part: str) -> list[Path]:
    folder = PACKAGE / part
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{part}.py"]


@pytest.mark.parametrize("part", OURS)
def test_arrows_point_one_way(part):
    for path in files(part):
        used = {name.split(".")[1] for name in imports(path) if name.startswith("wheel_assets.")}
        assert used <= OURS[part] | {part}, path.name


@pytest.mark.parametrize("part", NOT_FOR)
def test_pure_parts_import_nothing_heavy(part):
    for path in files(part):
        assert not {name.split(".")[0] for name in imports(path)} & NOT_FOR[part], path.name


@pytest.mark.parametrize("folder", [PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir())])
def test_no_folder_is_crowded(folder):
    assert len([file for file in folder.glob("*.py") if file.stem != "__init__"]) <= MOST_MODULES


def test_files_of_others_are_opened_by_one_module():
    engine = re.compile(r"\b(duckdb|sqlite3)\.connect\(")
    found = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if engine.search(path.read_text())}
    # The cache itself, Dagster's records, frames in memory, the files of scans.
    own = {"cache/store/cache_file.py", "instance/storage.py", "cache/reading/frames.py", "scan/snapshots.py"}
    assert found == own | {"cache/untrusted_files.py"}


@pytest.mark.parametrize("module", ["wheel_assets", "wheel_assets.cli", "wheel_assets.tables", "wheel_assets.settings"])
def test_importing_is_cheap(module):
    heavy = {"dagster", "duckdb", "pandas", "scipy", "requests"}
    script = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_file_tells_where_it_was_made():
    for path in (path for path in [*PACKAGE.rglob("*.py"), *CLONE.glob("*.*")] if path.is_file()):
        assert str(CLONE) not in path.read_text()
