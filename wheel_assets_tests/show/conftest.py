"""The accounts and caches that other parts are tested with, shown here."""

from __future__ import annotations

from wheel_assets_tests.cache.conftest import (
    _ephemeral,
    clock,
    instance,
    make_frame,
    make_rows,
    toy,
    toy_store,
    toy_with_history,
)
from wheel_assets_tests.recommend.conftest import desk, new_desk

__all__ = ["_ephemeral", "clock", "desk", "instance", "make_frame", "make_rows", "new_desk"]
__all__ += ["toy", "toy_store", "toy_with_history"]
