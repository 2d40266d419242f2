"""Which source the settings name. Each vendor's module is imported only when it is the one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING

from wheel_assets.errors import SettingError
from wheel_assets.settings import SchwabSettings, Settings

if TYPE_CHECKING:
    from pydantic import SecretStr

    from wheel_assets.fetch.http.client import ApiCall
    from wheel_assets.fetch.schwab.session import SchwabSession
    from wheel_assets.fetch.source import AccountSource, EventSource, MarketSource, RateSource, TransactionSource

Record = Callable[["ApiCall"], None]


def market_source(
    settings: Settings, record: Record, reserve: Callable[[str, str, float, float], AbstractContextManager[None]]
) -> MarketSource:
    """Who quotes the chains; every request it makes is told to `record`.

    `reserve(source, key, dollars, limit)` holds money for paid calls, see `cache.ledger.Ledger.reserve`.
    """
    if settings.market.source == "cboe":
        from wheel_assets.fetch.cboe import CboeMarket

        return CboeMarket(settings.cboe.base_url, record)
    if settings.market.source == "schwab":
        from wheel_assets.fetch.schwab.market import SchwabMarket

        return SchwabMarket(_schwab_session(settings.schwab, record))
    if settings.market.source == "databento":
        from wheel_assets.fetch.databento.market import DatabentoMarket

        return DatabentoMarket(
            settings.databento.base_url,
            _shown(settings.databento.api_key),
            record,
            reserve=lambda source, key, dollars: reserve(source, key, dollars, settings.budget.monthly_usd),
            rate=settings.rate.value,  # for put-call parity within weeks: a point of it moves a price by 0.1 % at most
        )
    from wheel_assets.fetch.sample.sources import SampleMarket

    return SampleMarket()


def account_source(settings: Settings, record: Record) -> AccountSource:
    """Who knows the account; raises SettingError where a file is wanted and none is named."""
    if settings.broker.source == "file":
        from wheel_assets.fetch.positions.file import FileAccount

        if settings.broker.file is None:
            raise SettingError("WHEEL_BROKER__FILE is not set", "positions come from a file", "name a CSV or JSON file")
        return FileAccount(settings.broker.file)
    if settings.broker.source == "schwab":
        from wheel_assets.fetch.schwab.account import SchwabAccount

        return SchwabAccount(_schwab_session(settings.schwab, record))
    from wheel_assets.fetch.sample.sources import SampleAccount

    return SampleAccount()


def transaction_source(settings: Settings, record: Record) -> TransactionSource:
    """Who knows what happened in the account: the files that are named, else the broker where it can tell."""
    if settings.broker.transactions_file is not None:
        from wheel_assets.fetch.transactions.file import FileTransactions

        return FileTransactions(settings.broker.transactions_file)
    from wheel_assets.fetch.transactions.unknown import NoTransactions

    return NoTransactions()


def event_source(settings: Settings, record: Record) -> EventSource:
    """Who knows the earnings and ex-dividend dates: your own file before every other source."""
    from wheel_assets.fetch.events.file import FileEvents
    from wheel_assets.fetch.events.trust import ByTrust
    from wheel_assets.fetch.events.unknown import NoEvents

    named: list[EventSource] = [FileEvents(settings.events.file)] if settings.events.file else []
    if settings.events.source not in ("none", "file"):
        raise SettingError(f"WHEEL_EVENTS__SOURCE={settings.events.source} is not there yet", "", "use file")
    return ByTrust(named) if len(named) > 1 else named[0] if named else NoEvents()


def rate_source(settings: Settings, record: Record) -> RateSource:
    """Who knows the risk-free rate; the others that publish the same yields stand behind the one chosen.

    FRED's API, where there is a key, then its keyless CSV, then the Treasury; or the Treasury, then FRED's
    CSV. The constant is never fallen back on: it would pass for what the market says.
    """
    if settings.rate.source == "constant":
        from wheel_assets.fetch.rates.constant import ConstantRate

        return ConstantRate(settings.rate.value)
    from wheel_assets.fetch.rates.published import FirstOf, FredCsvRate, FredRate, TreasuryRate

    treasury = TreasuryRate(settings.treasury.base_url, record)
    fred_csv = FredCsvRate(settings.fred.csv_base_url, record)
    if settings.rate.source == "treasury":
        return FirstOf([treasury, fred_csv])
    key = _shown(settings.fred.api_key)
    return FirstOf([*([FredRate(settings.fred.base_url, key, record)] if key else []), fred_csv, treasury])


@cache
def _schwab_session(settings: SchwabSettings, record: Record) -> SchwabSession:
    """The one session of this process: market and account share its pace, and what it learnt of the login."""
    from wheel_assets.fetch.schwab.session import SchwabSession

    return SchwabSession.of(settings, record)


def _shown(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
