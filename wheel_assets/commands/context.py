"""What every command of `wheel` begins with: the settings, the cache they name, a console to print on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from wheel_assets.market.calendar import NEW_YORK

if TYPE_CHECKING:
    from rich.console import Console

    from wheel_assets.cache.store.store import Store
    from wheel_assets.settings import Settings


def settings_and_store() -> tuple[Settings, Store]:
    """The settings in force and the cache that they name."""
    from wheel_assets.cache.store.store import store_at
    from wheel_assets.cache.upkeep.maintenance import Limits
    from wheel_assets.settings import load_settings

    settings = load_settings()
    return settings, store_at(settings.cache.file, Limits.of(settings.cache))


def console() -> Console:
    """The console of standard output; see `show.terminal.console`."""
    from wheel_assets.show.terminal.console import console as made

    return made()


def moment(text: str) -> datetime:
    """The aware time of a parameter in ISO 8601, of New York where it names no zone: 2026-11-20T15:30."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a time such as 2026-11-20T15:30") from None
    return time if time.tzinfo else time.replace(tzinfo=NEW_YORK)
