"""A vendor is one entry of the registry and one module; everything that offers vendors follows from the entry."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from wheel_assets.errors import SettingError
from wheel_assets.fetch.registry import function_at
from wheel_assets.settings import load_settings
from wheel_assets.vendor import RANKS, ROLES, TRANSACTIONS
from wheel_assets.vendors import VENDORS, offering, vendor_named

PACKAGE = Path(__file__).parents[1] / "wheel_assets"
REMOTE = [vendor for vendor in VENDORS if vendor.remote]
# The old design's tables knew one vendor's layout; `migrate` reads them.
MAY_NAME_THEM = {"vendors.py", "migrate"}

# Enters a vendor of a module that nothing else knows, and uses it in every way there is.
NEWCOMER = """
import sys, types
from click.testing import CliRunner
from pydantic import SecretStr
from wheel_assets import vendors
from wheel_assets.setting_types import Section, address, secret
from wheel_assets.vendor import Need, Vendor

class AcmeSettings(Section):
    base_url: str = address("https://acme.example")
    key: SecretStr | None = secret("key")

acme = types.ModuleType("wheel_assets.fetch.acme")
acme.open_market = lambda access: ("market", access.settings.of(AcmeSettings).base_url)
acme.log_in = lambda access, terminal, now: "logged in to acme"
sys.modules[acme.__name__] = acme
vendors.VENDORS += (Vendor(
    name="acme", title="Acme chains", sources={"market": "acme:open_market"}, settings=AcmeSettings,
    needs=(Need("WHEEL_ACME__KEY", "ask Acme"),), login="acme:log_in", usage="one call", monthly_usd=3,
),)

from wheel_assets.cli import main
from wheel_assets.fetch.registry import market_source
from wheel_assets.settings import load_settings

def run(*words):
    done = CliRunner().invoke(main, words, catch_exceptions=True)
    return f"{done.output}{done.exception or ''}"

settings = load_settings()
print(settings.chosen("market").name, market_source(settings, print, print))
print("WHEEL_ACME__BASE_URL" in run("config"), "planted" in run("config"))
print("Acme chains" in run("costs"))
print("logged in to acme" in run("login", "acme"))
from wheel_assets.defs.resources import WheelIOManager
print(WheelIOManager.fingerprint("option_chains"))
"""


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("WHEEL_MARKET__SOURCE", "acme")
    return monkeypatch


@pytest.mark.slow
def test_one_entry_is_offered_everywhere(environment):
    environment.setenv("WHEEL_ACME__KEY", "planted")
    done = subprocess.run([sys.executable, "-c", NEWCOMER], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "acme ('market', 'https://acme.example')",
        "True False",
        "True",
        "True",
        "acme https://acme.example",
    ]


@pytest.mark.slow
def test_what_its_entry_says_it_needs_is_asked_for(environment):
    done = subprocess.run([sys.executable, "-c", NEWCOMER], capture_output=True, text=True, check=False)
    assert "WHEEL_ACME__KEY is not set; WHEEL_MARKET__SOURCE=acme needs it; ask Acme" in done.stderr


def test_a_name_without_an_entry_is_refused_with_those_that_have_one(environment):
    with pytest.raises(SettingError, match="WHEEL_MARKET__SOURCE=acme is refused; it is one of sample, cboe, schwab"):
        load_settings()
    with pytest.raises(SettingError, match="'acme' is not a source of data"):
        vendor_named("acme")


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_every_entry_leads_to_functions(vendor):
    assert set(vendor.sources) <= {*ROLES, TRANSACTIONS, RANKS}
    for path in (*vendor.sources.values(), *([vendor.login] if vendor.login else [])):
        assert callable(function_at(path)), path


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_a_default_that_asks_nobody(role):
    assert not load_settings().chosen(role).remote
    assert len(offering(role)) > 1


@pytest.mark.parametrize("vendor", REMOTE, ids=lambda vendor: vendor.name)
def test_every_remote_vendor_tells_what_it_takes(vendor):
    assert all((vendor.usage, vendor.access, vendor.freshness, vendor.settings.__doc__))


@cache
def strings(path: Path) -> set[str]:
    """The whole texts of a module: a vendor that is named in code is one of them."""
    return {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}


@pytest.mark.parametrize("vendor", REMOTE, ids=lambda vendor: vendor.name)
def test_nothing_else_names_it(vendor):
    others = (path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in MAY_NAME_THEM)
    naming = {f"{path.relative_to(PACKAGE)}" for path in others if vendor.name in strings(path)}
    modules = {path.partition(":")[0].partition(".")[0] for path in vendor.sources.values()}
    modules.add(f"transactions/{vendor.name}.py")  # the layout of its export
    assert all(any(name.startswith(f"fetch/{module}") for module in modules) for name in naming), naming
