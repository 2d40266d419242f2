"""The examples in the docstrings are true."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("name", ["curve", "osi", "quotes", "schwab_account", "schwab_login", "source", "transport"])
def test_examples(name):
    result = doctest.testmod(importlib.import_module(f"wheel_assets.fetch.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
