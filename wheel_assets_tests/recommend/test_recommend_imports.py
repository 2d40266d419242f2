"""Cheap to import."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import wheel_assets.recommend

MODULES = [
    module.name.removeprefix("wheel_assets.recommend.")
    for module in pkgutil.walk_packages(wheel_assets.recommend.__path__, "wheel_assets.recommend.")
]


def test_nothing_heavy_is_imported():
    imports = "; ".join(f"import wheel_assets.recommend.{name}" for name in MODULES)
    heavy = "{'pandas', 'scipy', 'rich', 'dagster', 'duckdb', 'requests'}"
    code = f"import sys; {imports}; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
