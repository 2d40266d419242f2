"""The month's budget, held by several processes that buy at the same moment, and by one that is killed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import pytest

from wheel_assets.cache.store.store import Store

COST, DOWNLOAD = "/v0/metadata.get_cost", "/v0/timeseries.get_range"
BUYER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from wheel_assets.cache.upkeep.ledger import Ledger
from wheel_assets.cache.store.store import Store
from wheel_assets.errors import WheelError
from wheel_assets.fetch.registry import market_source
from wheel_assets.settings import load_settings

url, path, symbol, budget = sys.argv[1:]
databento = {"base_url": url, "api_key": "db-key"}
settings = load_settings(market={"source": "databento"}, databento=databento, budget={"monthly_usd": float(budget)})
with Ledger(Store(Path(path))).kept() as ledger:
    market = market_source(settings, ledger.record, ledger.reserve)
    try:
        print(len(market.option_chain(symbol, datetime(2026, 11, 20, 20, 30, tzinfo=UTC)).frame))
    except WheelError as error:
        print(error)
"""


@pytest.fixture(scope="module")
def vendors():
    """The payloads of the fake vendors."""
    path = Path(__file__).parents[2] / "fetch" / "fake_vendors.py"
    spec = importlib.util.spec_from_file_location("fake_vendors", path)
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def fake(vendors):
    """Databento, whose chains cost three cents."""
    server = vendors.FakeVendor()
    vendors.Databento(server, price=0.01)
    yield server
    server.close()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache" / "wheel_cache.duckdb")


@pytest.fixture
def buyer(fake, store):
    """Start a process that buys the chain of a symbol."""

    def start(symbol: str, budget: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", BUYER, fake.url, str(store.path), symbol, str(budget)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    return start


def spent(store: Store) -> float:
    return store.spent(datetime(2020, 1, 1))


@pytest.mark.slow
def test_four_that_know_their_price_at_the_same_moment_do_not_pass_the_budget_together(buyer, fake, store, vendors):
    together = threading.Barrier(4)

    def price(seen):
        if seen.query["schema"] == "statistics":  # the last of three: now everybody may check the budget
            together.wait(60)
        return vendors.Reply(0.01)

    fake.on(COST, price)
    buyers = [buyer(symbol, 0.07) for symbol in ("AAA", "BBB", "CCC", "DDD")]
    told = [process.communicate(timeout=120)[0] for process in buyers]
    assert sorted("would cost $0.0300" in words for words in told) == [False, False, True, True]
    assert fake.paths().count(DOWNLOAD) == 6
    assert spent(store) == pytest.approx(0.06)


@pytest.mark.slow
def test_a_download_that_is_killed_is_spent(buyer, fake, store, vendors):
    begun, over = threading.Event(), threading.Event()

    def never_ends(_):
        begun.set()
        over.wait(60)
        return vendors.Reply(reset=True)

    fake.on(DOWNLOAD, never_ends)
    process = buyer("AAA", 0.05)
    assert begun.wait(60)
    process.kill()
    process.communicate()
    over.set()
    assert spent(store) == pytest.approx(0.03)
    assert "$0.03 of this month's $0.05 are spent" in buyer("AAA", 0.05).communicate(timeout=60)[0]


@pytest.mark.slow
def test_what_the_vendor_refuses_is_given_back(buyer, fake, store, vendors):
    fake.on(DOWNLOAD, vendors.Reply({"detail": {"case": "account_insufficient_funds", "message": "none"}}, 402))
    assert "refuses this client" in buyer("AAA", 0.05).communicate(timeout=60)[0]
    assert spent(store) == 0
