"""What every asset here declares alike, and how its errors reach a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import dagster as dg
from pydantic import Field

from wheel_assets.cache.io_manager import freshness, table_metadata
from wheel_assets.errors import WheelError
from wheel_assets.settings import Settings, load_settings
from wheel_assets.tables import SnapshotTable

OWNER = "team:wheel"


@cache
def settings() -> Settings:
    """The settings of this process, read once; raises SettingError."""
    return load_settings()


def declared(table: SnapshotTable) -> dict[str, Any]:
    """The arguments of `dg.asset` that follow from a table: schema, age limit, kinds, owner."""
    return {
        "freshness_policy": freshness(settings().max_age.of(table.name)),
        "metadata": table_metadata(table),
        "kinds": {"duckdb", "pandas"},
        "owners": [OWNER],
    }


class SymbolsConfig(dg.Config):
    """Which symbols; the watchlist unless a run asks for others."""

    symbols: list[str] = Field(list(settings().symbols), description="symbols to work on")


class AccountConfig(dg.Config):
    """Which account."""

    account_id: str = Field(settings().account_id, description="account; `default` is the broker's only one")


@contextmanager
def one_sentence() -> Iterator[None]:
    """End the step with our error's one sentence as its description, instead of a wall of traceback."""
    try:
        yield
    except WheelError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
