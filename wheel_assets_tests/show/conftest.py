"""The desk of the tests of `recommend`, to have something to show."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def desks() -> type[Any]:
    """The class of the desk; see `wheel_assets_tests/recommend/conftest.py`."""
    path = Path(__file__).resolve().parents[1] / "recommend" / "conftest.py"
    spec = importlib.util.spec_from_file_location("desk_of_recommend", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.Desk


@pytest.fixture
def desk(desks) -> Any:
    """An empty desk."""
    return desks()
