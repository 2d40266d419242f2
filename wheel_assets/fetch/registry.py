"""Opening the sources that the settings choose; a vendor's module is imported only when it is the one.

The vendors themselves are declared in `wheel_assets.vendors`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from wheel_assets.errors import SettingError
from wheel_assets.fetch.source import Access, Record, Remember, Reserve, no_memory, no_reserve
from wheel_assets.vendor import BROKER, EVENTS, MARKET, RANKS, RATE, TRANSACTIONS, file_version
from wheel_assets.vendors import vendor_named

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import datetime

    from wheel_assets.fetch.login import Terminal
    from wheel_assets.fetch.source import (
        AccountSource,
        EventSource,
        MarketSource,
        RankSource,
        RateSource,
        TransactionSource,
    )
    from wheel_assets.settings import Settings


def market_source(
    settings: Settings, record: Record, reserve: Callable[[str, str, float, float], AbstractContextManager[None]]
) -> MarketSource:
    """Market source of the settings; every request it makes is passed to `record`.

    `reserve(source, key, dollars, limit)` reserves dollars for paid calls, see `cache.upkeep.ledger.Ledger.reserve`.
    """

    def within_budget(source: str, key: str, dollars: float) -> AbstractContextManager[None]:
        """Reserve dollars within the monthly budget of the settings."""
        return reserve(source, key, dollars, settings.budget.monthly_usd)

    source: MarketSource = _opened(MARKET, settings, record, within_budget)
    return source


def account_source(settings: Settings, record: Record) -> AccountSource:
    """Source of the account's positions."""
    source: AccountSource = _opened(BROKER, settings, record)
    return source


def transaction_source(settings: Settings, record: Record) -> TransactionSource:
    """Source of transactions: the files of the settings, else the broker where it offers them."""
    source: TransactionSource
    if settings.broker.transactions_file is not None:
        from wheel_assets.fetch.transactions.file import FileTransactions

        source = FileTransactions(settings.broker.transactions_file)
    elif TRANSACTIONS in settings.chosen(TRANSACTIONS).sources:
        source = _opened(TRANSACTIONS, settings, record)
    else:
        from wheel_assets.fetch.transactions.unknown import NoTransactions

        source = NoTransactions()
    return source


def event_source(settings: Settings, record: Record, remember: Remember = no_memory) -> EventSource:
    """Source of earnings and ex-dividend dates: the user's own file takes precedence over every other source.

    `remember` keeps what is asked once for all symbols, such as a day of a calendar.
    """
    asked: EventSource = _opened(EVENTS, settings, record, remember=remember)
    if settings.events.file is None:
        return asked
    from wheel_assets.fetch.events.file import FileEvents
    from wheel_assets.fetch.events.trust import ByTrust

    own = FileEvents(settings.events.file)
    return ByTrust([own, asked]) if settings.chosen(EVENTS).remote else own


def rank_source(settings: Settings, record: Record) -> RankSource:
    """Source of IV ranks: the first configured vendor that offers them."""
    from wheel_assets.fetch.events.unknown import NoRanks

    chosen = (settings.chosen(role) for role in (EVENTS, MARKET, BROKER))
    vendor = next((vendor for vendor in chosen if RANKS in vendor.sources), None)
    source: RankSource = function_at(vendor.sources[RANKS])(Access(settings, record)) if vendor else NoRanks()
    return source


def has_source(settings: Settings, role: str) -> bool:
    """Whether a vendor or a file is configured for a role."""
    if role == TRANSACTIONS:
        return settings.broker.transactions_file is not None or TRANSACTIONS in settings.chosen(role).sources
    return role != EVENTS or settings.events.file is not None or settings.chosen(role).remote


def rate_source(settings: Settings, record: Record) -> RateSource:
    """Source of the risk-free rate."""
    source: RateSource = _opened(RATE, settings, record)
    return source


def log_in(broker: str, settings: Settings, record: Record, terminal: Terminal, now: datetime) -> str:
    """Log a user in at a vendor; return the closing message. Raises SettingError for a vendor without a login."""
    vendor = vendor_named(broker)
    if not vendor.login:
        raise SettingError(f"{broker} has no login", f"it needs {vendor.access}", "see `wheel config`")
    return str(function_at(vendor.login)(Access(settings, record), terminal, now))


def vendor_fingerprint(settings: Settings, role: str) -> str:
    """Fingerprint of a role's data: vendor, address, and the user's own files that take precedence."""
    vendor = settings.chosen(role)
    own_files = {TRANSACTIONS: settings.broker.transactions_file, EVENTS: settings.events.file}
    parts = (vendor.name, vendor.fingerprint(vendor, settings, role), file_version(own_files.get(role)))
    return " ".join(part for part in parts if part)


def function_at(path: str) -> Callable[..., Any]:
    """The function that an entry of the registry names: `module:function`, the module one of `fetch`."""
    module, _, name = path.partition(":")
    function: Callable[..., Any] = getattr(import_module(f"wheel_assets.fetch.{module}"), name)
    return function


def _opened(
    role: str, settings: Settings, record: Record, reserve: Reserve = no_reserve, remember: Remember = no_memory
) -> Any:
    """The source of the configured vendor for a role."""
    return function_at(settings.chosen(role).sources[role])(Access(settings, record, reserve, remember))
