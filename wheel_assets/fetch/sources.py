"""Which source the settings name. Each vendor's module is imported only when it is the one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from wheel_assets.errors import SettingError
from wheel_assets.settings import Settings

if TYPE_CHECKING:
    from wheel_assets.fetch.http import ApiCall
    from wheel_assets.fetch.source import AccountSource, MarketSource


def market_source(settings: Settings, record: Callable[[ApiCall], None]) -> MarketSource:
    """Who quotes the chains; every request it makes is told to `record`."""
    if settings.market.source == "cboe":
        from wheel_assets.fetch.cboe import CboeMarket

        return CboeMarket(settings.cboe.base_url, record)
    if settings.market.source == "schwab":
        from wheel_assets.fetch.schwab_market import SchwabMarket
        from wheel_assets.fetch.schwab_session import SchwabSession

        return SchwabMarket(SchwabSession.of(settings.schwab, record))
    from wheel_assets.fetch.sample import SampleMarket

    return SampleMarket()


def account_source(settings: Settings, record: Callable[[ApiCall], None]) -> AccountSource:
    """Who knows the account; raises SettingError where a file is wanted and none is named."""
    if settings.broker.source == "file":
        from wheel_assets.fetch.positions_file import FileAccount

        if settings.broker.file is None:
            raise SettingError("WHEEL_BROKER__FILE is not set", "positions come from a file", "name a CSV or JSON file")
        return FileAccount(settings.broker.file)
    if settings.broker.source == "schwab":
        from wheel_assets.fetch.schwab_account import SchwabAccount
        from wheel_assets.fetch.schwab_session import SchwabSession

        return SchwabAccount(SchwabSession.of(settings.schwab, record))
    from wheel_assets.fetch.sample import SampleAccount

    return SampleAccount()
