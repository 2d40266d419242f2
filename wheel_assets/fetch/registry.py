"""Opening the sources that the settings choose; a vendor's module is imported only when it is the one.

The vendors themselves are declared in `wheel_assets.vendors`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from wheel_assets.errors import SettingError
from wheel_assets.fetch.source import Access, Record, Reserve, no_reserve
from wheel_assets.vendors import BROKER, MARKET, RATE, vendor_named

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from wheel_assets.fetch.login import Terminal
    from wheel_assets.fetch.source import AccountSource, MarketSource, RateSource
    from wheel_assets.settings import Settings


def market_source(
    settings: Settings, record: Record, reserve: Callable[[str, str, float, float], AbstractContextManager[None]]
) -> MarketSource:
    """Who quotes the chains; every request it makes is told to `record`.

    `reserve(source, key, dollars, limit)` holds money for paid calls, see `cache.ledger.Ledger.reserve`.
    """

    def within_budget(source: str, key: str, dollars: float) -> AbstractContextManager[None]:
        return reserve(source, key, dollars, settings.budget.monthly_usd)

    source: MarketSource = _opened(MARKET, settings, record, within_budget)
    return source


def account_source(settings: Settings, record: Record) -> AccountSource:
    """Who knows the account."""
    source: AccountSource = _opened(BROKER, settings, record)
    return source


def rate_source(settings: Settings, record: Record) -> RateSource:
    """Who knows the risk-free rate."""
    source: RateSource = _opened(RATE, settings, record)
    return source


def log_in(broker: str, settings: Settings, record: Record, terminal: Terminal, now: datetime) -> str:
    """Have a person log in at a vendor; what to tell at the end. Raises SettingError where it knows no login."""
    vendor = vendor_named(broker)
    if not vendor.login:
        raise SettingError(f"{broker} knows no login", f"it needs {vendor.access}", "see `wheel config`")
    return str(function_at(vendor.login)(Access(settings, record), terminal, now))


def function_at(path: str) -> Callable[..., Any]:
    """The function that an entry of the registry names: `module:function`, the module one of `fetch`."""
    module, _, name = path.partition(":")
    function: Callable[..., Any] = getattr(import_module(f"wheel_assets.fetch.{module}"), name)
    return function


def _opened(role: str, settings: Settings, record: Record, reserve: Reserve = no_reserve) -> Any:
    """The chosen vendor's source for a role."""
    return function_at(settings.chosen(role).sources[role])(Access(settings, record, reserve))
