"""The fake vendors, for every test of this folder."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

# What must never be seen outside of a request or the token file.
SECRETS = {
    "app key": "planted-app-key",
    "app secret": "planted-app-secret",
    "access": "planted-access-1",
    "new access": "planted-access-2",
    "refresh": "planted-refresh-1",
    "new refresh": "planted-refresh-2",
    "databento": "planted-db-key",
    "fred": "planted-fred-key",
    "tradier": "planted-tradier-token",
    "grant": "planted-grant",
    "alpaca id": "planted-alpaca-id",
    "alpaca": "planted-alpaca-secret",
    "finnhub": "planted-finnhub-key",
    "account": "87654321",
}
NOW = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)  # Friday, 15:30 in New York


def _load(name: str) -> ModuleType:
    """A module beside this file: test folders are no packages."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_VENDORS = _load("fake_vendors")
_BROKERS = _load("fake_brokers")


@pytest.fixture(scope="session")
def vendors() -> ModuleType:
    """Payloads and replies: the module `fake_vendors`."""
    return _VENDORS


@pytest.fixture(scope="session")
def brokers() -> ModuleType:
    """Payloads of Tradier, tastytrade and Alpaca: the module `fake_brokers`."""
    return _BROKERS


@pytest.fixture(scope="session")
def chains() -> ModuleType:
    """One chain in every vendor's writing: the module `fake_chains`."""
    return _load("fake_chains")


@pytest.fixture(scope="session")
def slow_reading() -> ModuleType:
    """The independent readings of `slow_reading`."""
    return _load("slow_reading")


@pytest.fixture
def fake() -> Iterator[Any]:
    """A vendor on a loopback port; an address without a reply is a 404."""
    server = _VENDORS.FakeVendor()
    yield server
    server.close()


@pytest.fixture(scope="session")
def planted() -> dict[str, str]:
    """The secrets that these fixtures use, by name."""
    return SECRETS


@pytest.fixture
def now() -> datetime:
    """The time of asking in these tests."""
    return NOW


@pytest.fixture
def calls() -> list[Any]:
    """The ledger."""
    return []


@pytest.fixture
def waits() -> list[float]:
    """Seconds that a client wanted to sleep."""
    return []


@pytest.fixture
def token_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a login made `days` ago whose access token lives `minutes` more."""
    path = tmp_path / "login" / "schwab_token.json"

    def write(days: float = 1, minutes: float = 20, **changes: Any) -> Path:
        token = {"access_token": SECRETS["access"], "refresh_token": SECRETS["refresh"]}
        token |= {"expires_at": int((NOW + timedelta(minutes=minutes)).timestamp())} | changes
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"creation_timestamp": (NOW - timedelta(days=days)).timestamp(), "token": token}))
        path.chmod(0o600)
        return path

    return write


@pytest.fixture
def schwab(fake: Any, calls: list[Any], waits: list[float], token_file: Callable[..., Path]) -> Any:
    """A session at the fake, logged in since yesterday."""
    from wheel_assets.fetch.schwab.session import SchwabSession

    key, secret = SECRETS["app key"], SECRETS["app secret"]
    return SchwabSession(fake.url, calls.append, key, secret, token_file(), sleep=waits.append)


@pytest.fixture
def cboe(fake: Any, calls: list[Any], waits: list[float]) -> Any:
    """The Cboe market at the fake."""
    from wheel_assets.fetch.cboe import CboeMarket

    return CboeMarket(fake.url, calls.append, sleep=waits.append)


@dataclass
class Vendor:
    """One vendor at the fake: where it is asked, what it answers, how often it is tried, what it is asked for."""

    path: str
    good: Any
    tries: int
    table: str
    source: Any

    def ask(self) -> Any:
        """What the asset of its table asks of it."""
        if self.table == "risk_free_rate":
            return self.source.risk_free_rate(NOW)
        if self.table == "positions":
            return self.source.positions("default", NOW)
        if self.table == "events":
            return self.source.events(["XYZ"], NOW.date() + timedelta(days=3), NOW)
        chain = self.table == "option_chains"
        return (self.source.option_chain if chain else self.source.price_history)("XYZ", NOW)


@pytest.fixture
def vendor_named(fake: Any, calls: list[Any], waits: list[float], cboe: Any, schwab: Any) -> Callable[[str], Vendor]:
    """Any vendor by its name in `VENDORS`, ready to answer well."""
    from wheel_assets.fetch.alpaca.account import AlpacaAccount
    from wheel_assets.fetch.alpaca.market import AlpacaMarket
    from wheel_assets.fetch.alpaca.session import AlpacaSession
    from wheel_assets.fetch.databento.market import DatabentoMarket
    from wheel_assets.fetch.events.finnhub import FinnhubEarnings
    from wheel_assets.fetch.events.nasdaq import NasdaqCalendar
    from wheel_assets.fetch.rates.published import FredCsvRate, FredRate, TreasuryRate
    from wheel_assets.fetch.schwab.account import SchwabAccount
    from wheel_assets.fetch.schwab.market import SchwabMarket
    from wheel_assets.fetch.tastytrade.account import TastytradeAccount
    from wheel_assets.fetch.tastytrade.market import TastytradeMarket
    from wheel_assets.fetch.tastytrade.metrics import TastytradeEvents
    from wheel_assets.fetch.tastytrade.session import TastytradeSession
    from wheel_assets.fetch.tradier.account import TradierAccount
    from wheel_assets.fetch.tradier.events import TradierEvents
    from wheel_assets.fetch.tradier.market import TradierMarket
    from wheel_assets.fetch.tradier.session import TradierSession

    def free(*_: Any) -> AbstractContextManager[None]:
        return nullcontext()

    def named(name: str) -> Vendor:
        sleep = {"sleep": waits.append}
        market = DatabentoMarket(fake.url, SECRETS["databento"], calls.append, reserve=free, **sleep)
        treasury = TreasuryRate(fake.url, calls.append, **sleep)
        fred = FredRate(fake.url, SECRETS["fred"], calls.append, **sleep)
        fred_csv = FredCsvRate(fake.url, calls.append, **sleep)
        sources = {
            "cboe": ("option_chains", cboe),
            "cboe history": ("price_history", cboe),
            "schwab chains": ("option_chains", SchwabMarket(schwab)),
            "schwab history": ("price_history", SchwabMarket(schwab)),
            "schwab account": ("positions", SchwabAccount(schwab)),
            "databento": ("option_chains", market),
            "fred": ("risk_free_rate", fred),
            "fred csv": ("risk_free_rate", fred_csv),
            "treasury": ("risk_free_rate", treasury),
        }
        tradier = TradierSession(fake.url, calls.append, SECRETS["tradier"], **sleep)
        tastytrade = TastytradeSession(fake.url, calls.append, SECRETS["grant"], SECRETS["refresh"], **sleep)
        alpaca = AlpacaSession(fake.url, fake.url, calls.append, SECRETS["alpaca id"], SECRETS["alpaca"], **sleep)
        sources |= {
            "tradier chains": ("option_chains", TradierMarket(tradier)),
            "tradier account": ("positions", TradierAccount(tradier)),
            "tastytrade chains": ("option_chains", TastytradeMarket(tastytrade)),
            "tastytrade account": ("positions", TastytradeAccount(tastytrade)),
            "alpaca chains": ("option_chains", AlpacaMarket(alpaca)),
            "alpaca account": ("positions", AlpacaAccount(alpaca)),
            "tradier events": ("events", TradierEvents(tradier)),
            "tastytrade events": ("events", TastytradeEvents(tastytrade)),
            "nasdaq": ("events", NasdaqCalendar(fake.url, calls.append, **sleep)),
            "finnhub": ("events", FinnhubEarnings(fake.url, SECRETS["finnhub"], calls.append, **sleep)),
        }
        path, good = (_VENDORS.good_answers(fake) | _BROKERS.serve(fake, _VENDORS.Reply))[name]
        fake.on(path, good)
        return Vendor(path, good, 4 if name.startswith("schwab") else 3, *sources[name])

    return named


@pytest.fixture(scope="module")
def real_assets(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The real assets over a cache file; one for a whole module, for a failure leaves it as it was."""
    return _load("real_assets").RealAssets(tmp_path_factory.mktemp("real"), NOW)
