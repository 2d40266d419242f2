"""The examples in all docstrings are true."""

import doctest
import importlib
from pathlib import Path

import pytest

import wheel_assets

ROOT = Path(wheel_assets.__file__).parent
MODULES = [
    ".".join(("wheel_assets", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in sorted(ROOT.rglob("*.py"))
    if ">>>" in path.read_text()
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
