"""The examples in the docstrings are true."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["osi", "quotes", "rates", "schwab_account", "schwab_login"])
def test_examples(name):
    result = doctest.testmod(importlib.import_module(f"wheel_assets.fetch.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
