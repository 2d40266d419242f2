"""The registry: every source of data, declared once.

A vendor is an entry of `VENDORS` and a module of `fetch`. Whatever else knows vendors follows from the
entry: the choices and checks of the settings, `wheel config`, `wheel costs`, `wheel login`, what a
cached snapshot depends on, and the table of vendors in the documentation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr

from wheel_assets.errors import SettingError
from wheel_assets.setting_types import Section, address, secret, token_file
from wheel_assets.vendor import (
    BROKER,
    EVENTS,
    MARKET,
    RANKS,
    RATE,
    TRANSACTIONS,
    Limit,
    Need,
    Vendor,
    file_version,
)


class CboeSettings(Section):
    """Cboe's delayed quotes, keyless; read their terms before use."""

    base_url: str = address("https://cdn.cboe.com")


class SchwabSettings(Section):
    """Schwab Trader API."""

    base_url: str = address("https://api.schwabapi.com")
    app_key: SecretStr | None = secret("key of your app")
    app_secret: SecretStr | None = secret("secret of your app")
    callback_url: str = address("https://127.0.0.1:8182", "as registered, byte for byte", r"^https://")
    token_file: Path = token_file("schwab_token.json", "login, mode 0600, layout of schwab-py")


class DatabentoSettings(Section):
    """Databento historical API; every download costs money."""

    base_url: str = address("https://hist.databento.com")
    api_key: SecretStr | None = secret("key")


_FRED, _FRED_CSV = "https://api.stlouisfed.org", "https://fred.stlouisfed.org"


class FredSettings(Section):
    """Rates of the Federal Reserve Bank of St. Louis."""

    base_url: str = address(_FRED)
    api_key: SecretStr | None = secret("key; without one the rates come from FRED's keyless CSV")

    @property
    def csv_base_url(self) -> str:
        """Where the keyless CSV is: on a host of its own, or with the rest where `base_url` is another's."""
        return _FRED_CSV if self.base_url == _FRED else self.base_url


class TreasurySettings(Section):
    """Par yield curve of the US Treasury, keyless."""

    base_url: str = address("https://home.treasury.gov")


class NasdaqSettings(Section):
    """Nasdaq's public calendars, keyless and undocumented; read their terms before use."""

    base_url: str = address("https://api.nasdaq.com")


class FinnhubSettings(Section):
    """Finnhub, for earnings dates; its free plan has no dividends."""

    base_url: str = address("https://finnhub.io")
    api_key: SecretStr | None = secret("key")


class TradierSettings(Section):
    """Tradier Brokerage API."""

    base_url: str = address("https://api.tradier.com", "address; https://sandbox.tradier.com for paper accounts")
    token: SecretStr | None = secret("token of your account, instead of `wheel login tradier`")
    token_file: Path = token_file("tradier_token.json", "login, mode 0600")


class TastytradeSettings(Section):
    """tastytrade's open API."""

    base_url: str = address("https://api.tastyworks.com")
    client_secret: SecretStr | None = secret("client secret of your application, instead of `wheel login tastytrade`")
    refresh_token: SecretStr | None = secret("refresh token of your grant, instead of `wheel login tastytrade`")
    token_file: Path = token_file("tastytrade_token.json", "login, mode 0600")


_ALPACA, _ALPACA_DATA = "https://api.alpaca.markets", "https://data.alpaca.markets"


class AlpacaSettings(Section):
    """Alpaca's trading and market data APIs."""

    base_url: str = address(_ALPACA, "address; https://paper-api.alpaca.markets for paper accounts")
    data_base_url: str | None = address(None, "address of market data, where it is not Alpaca's own")
    key_id: SecretStr | None = secret("key")
    secret_key: SecretStr | None = secret("secret of the key")
    feed: Literal["indicative", "opra"] = Field("indicative", description="option quotes: free, or bought by the month")

    @property
    def data_host(self) -> str:
        """Where market data is: Alpaca's other host, or with the rest where `base_url` is another's."""
        alpaca = self.base_url.endswith(".alpaca.markets")
        return self.data_base_url or (_ALPACA_DATA if alpaca else self.base_url)


def _positions_file(_: Vendor, settings: Any, role: str) -> str:
    return file_version(settings.broker.file) if role == BROKER else ""


def _alpaca(vendor: Vendor, settings: Any, role: str) -> str:
    """The address and, for chains, the feed: indicative quotes do not pass for real ones."""
    section = getattr(settings, vendor.name)
    return f"{section.base_url} {section.feed}" if role == MARKET else str(section.base_url)


def _constant(_: Vendor, settings: Any, role: str) -> str:
    return f"{settings.rate.value}"


_APP_PAGE = "copy it from your app's page"

VENDORS: tuple[Vendor, ...] = (
    Vendor(
        name="sample",
        title="made-up market and account",
        sources={
            MARKET: "sample.sources:open_market",
            BROKER: "sample.sources:open_account",
            TRANSACTIONS: "sample.transactions:open_transactions",
        },
        freshness="the close of the last session",
    ),
    Vendor(
        name="file",
        title="your own CSV or JSON file",
        sources={BROKER: "positions.file:open_account", EVENTS: "events.file:open_events"},
        needs=(
            Need("WHEEL_BROKER__FILE", "name a CSV or JSON file", BROKER),
            Need("WHEEL_EVENTS__FILE", "name a CSV or JSON file", EVENTS),
        ),
        fingerprint=_positions_file,
        access="a file, such as your broker's export",
        freshness="as written",
    ),
    Vendor(
        name="none",
        title="none: events are left out",
        sources={EVENTS: "events.unknown:open_events"},
        freshness="never",
    ),
    Vendor(
        name="constant",
        title="the rate that you set",
        sources={RATE: "rates.constant:open_rate"},
        fingerprint=_constant,
        freshness="as set",
    ),
    Vendor(
        name="cboe",
        title="Cboe delayed quotes",
        sources={MARKET: "cboe:open_market"},
        settings=CboeSettings,
        usage="one request a symbol and pull, keyless",
        limit=Limit(1, 1.0),  # a client that asked every 0.25 s was shut out after 60 requests
        access="nothing; personal, non-commercial use by Cboe's terms",
        freshness="about 15 minutes late",
    ),
    Vendor(
        name="schwab",
        title="Schwab chains, account, prices",
        sources={
            MARKET: "schwab.market:open_market",
            BROKER: "schwab.account:open_account",
            TRANSACTIONS: "schwab.transactions:open_transactions",
        },
        settings=SchwabSettings,
        needs=(Need("WHEEL_SCHWAB__APP_KEY", _APP_PAGE), Need("WHEEL_SCHWAB__APP_SECRET", _APP_PAGE)),
        login="schwab.prompt:log_in",
        usage="with your account; one request a symbol and pull, more where the answer would be too large",
        limit=Limit(100, 60.0),  # maintained clients state 120 before a 429
        access="an account, an app, a login every seven days",
        freshness="real time, delayed until the exchange agreements are signed",
    ),
    Vendor(
        name="tradier",
        title="Tradier chains, account, events",
        sources={
            MARKET: "tradier.market:open_market",
            BROKER: "tradier.account:open_account",
            EVENTS: "tradier.events:open_events",
            TRANSACTIONS: "tradier.transactions:open_transactions",
        },
        settings=TradierSettings,
        login="tradier.session:log_in",
        usage="with your account; one request an expiration, about 15 a symbol and pull, four for the account",
        limit=Limit(100, 60.0),  # 120 a minute are allowed, 60 in the sandbox
        access="an account, a token that is pasted once",
        freshness="real time, volatilities hourly",
    ),
    Vendor(
        name="tastytrade",
        title="tastytrade chains, account, IV rank, events",
        sources={
            MARKET: "tastytrade.market:open_market",
            BROKER: "tastytrade.account:open_account",
            EVENTS: "tastytrade.metrics:open_events",
            TRANSACTIONS: "tastytrade.transactions:open_transactions",
            RANKS: "tastytrade.metrics:open_ranks",
        },
        settings=TastytradeSettings,
        login="tastytrade.session:log_in",
        usage="with your account; one request a hundred contracts, about 5 a symbol and pull, three for the account",
        limit=Limit(1, 1.0),  # none is published; bursts are turned away
        access="an account, an application and a grant, pasted once; some grants get no quotes",
        freshness="real time",
    ),
    Vendor(
        name="alpaca",
        title="Alpaca chains, account",
        sources={
            MARKET: "alpaca.market:open_market",
            BROKER: "alpaca.account:open_account",
            TRANSACTIONS: "alpaca.transactions:open_transactions",
        },
        settings=AlpacaSettings,
        needs=(
            Need("WHEEL_ALPACA__KEY_ID", "copy it from your dashboard"),
            Need("WHEEL_ALPACA__SECRET_KEY", "copy it from your dashboard"),
        ),
        fingerprint=_alpaca,
        usage="one request a thousand contracts, about 3 a symbol and pull, two for the account",
        limit=Limit(180, 60.0),  # 200 a minute are allowed
        access="an account, also a paper one, and a key; real quotes cost $99 a month at Alpaca",
        freshness="indicative quotes: limit prices need checking",
    ),
    Vendor(
        name="databento",
        title="Databento OPRA (yesterday's chains)",
        sources={MARKET: "databento.market:open_market"},
        settings=DatabentoSettings,
        needs=(Need("WHEEL_DATABENTO__API_KEY", "copy it from your account"),),
        usage="about $0.06 a stock and pull, $0.35 for SPY; once a trading day for 10 stocks",
        monthly_usd=13,
        limit=Limit(20, 1.0),  # of metadata; the other calls may be five times as many
        access="a key; every download costs money",
        freshness="the last session before today",
    ),
    Vendor(
        name="fred",
        title="FRED rates",
        sources={RATE: "rates.published:open_fred"},
        settings=FredSettings,
        usage="one request a day, six with a key",
        access="nothing, or a free key",
        freshness="a business day late",
    ),
    Vendor(
        name="treasury",
        title="Treasury rates",
        sources={RATE: "rates.published:open_treasury"},
        settings=TreasurySettings,
        usage="one request a day",
        freshness="a business day late",
    ),
    Vendor(
        name="nasdaq",
        title="Nasdaq event calendars",
        sources={EVENTS: "events.nasdaq:open_events"},
        settings=NasdaqSettings,
        usage="two requests a day looked ahead, then two a day; keyless",
        limit=Limit(1, 0.5),  # it throttles
        access="nothing; undocumented, read its terms",
        freshness="a day",
    ),
    Vendor(
        name="finnhub",
        title="Finnhub earnings dates",
        sources={EVENTS: "events.finnhub:open_events"},
        settings=FinnhubSettings,
        needs=(Need("WHEEL_FINNHUB__API_KEY", "copy it from your account"),),
        usage="one request a symbol and day",
        limit=Limit(55, 60.0),  # its free plan allows 60
        access="a free key",
        freshness="a day",
    ),
)


def offering(role: str) -> dict[str, Vendor]:
    """The vendors that can take a role, by name, in the order declared."""
    return {vendor.name: vendor for vendor in VENDORS if role in vendor.sources}


def vendor_named(name: str) -> Vendor:
    """The vendor of that name; raises SettingError where none is declared."""
    found = next((vendor for vendor in VENDORS if vendor.name == name), None)
    if found is None:
        known = ", ".join(vendor.name for vendor in VENDORS)
        raise SettingError(f"{name[:40]!r} is not a source of data", f"known: {known}", "see `wheel config`")
    return found
