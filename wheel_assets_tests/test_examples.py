"""The examples in the docstrings of the pure and the fetching parts are true."""

import doctest
import importlib
import pkgutil

import pytest

import wheel_assets.fetch
import wheel_assets.market

PACKAGES = (wheel_assets.fetch, wheel_assets.market)
MODULES = [
    module.name
    for package in PACKAGES
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.ispkg
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
