"""Declarations that all assets share."""

from __future__ import annotations

from functools import cache
from typing import Any, TypedDict

import dagster as dg
from pydantic import Field, field_validator

from wheel_assets.cache.reading.io_manager import freshness
from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.reading.outputs import table_metadata
from wheel_assets.cache.reading.request import OPTIONAL, OPTIONAL_PULLED
from wheel_assets.defs.checks.table_checks import checks_of
from wheel_assets.defs.flow import STAGES
from wheel_assets.fetch.registry import has_source
from wheel_assets.settings import AccountAlias, Settings, checked_symbol, load_settings
from wheel_assets.tables import SnapshotTable

OWNER = "team:wheel"


@cache
def settings() -> Settings:
    """The settings of this process, read once; raises SettingError."""
    return load_settings()


class AssetArguments(TypedDict):
    """The arguments of `dg.asset` that follow from a table."""

    code_version: str
    freshness_policy: dg.FreshnessPolicy
    metadata: dict[str, Any]
    check_specs: list[dg.AssetCheckSpec]
    kinds: set[str]
    owners: list[str]


def declared(table: SnapshotTable) -> AssetArguments:
    """The arguments of `dg.asset` that follow from a table: version, schema, check, age limit, kinds, owner."""
    return {
        "code_version": STAGES[table.name].code_version,
        "freshness_policy": freshness(settings().max_age.of(table.name)),
        "metadata": table_metadata(table),
        "check_specs": checks_of(table),
        "kinds": {"duckdb", "pandas"},
        "owners": [OWNER],
    }


def where_known(role: str) -> dg.AssetIn:
    """An optional input of an asset, pulled where a source is configured for it."""
    return dg.AssetIn(metadata=OPTIONAL_PULLED if has_source(settings(), role) else OPTIONAL)


class SymbolsConfig(dg.Config):
    """Run config: symbols; the watchlist if not set."""

    symbols: list[str] = Field(default=list(settings().symbols), description="symbols to work on")

    @field_validator("symbols")
    @classmethod
    def _checked(cls, symbols: list[str]) -> list[str]:
        with one_line_errors():
            return [checked_symbol(symbol) for symbol in symbols]


class AccountConfig(dg.Config):
    """Run config: the account."""

    account_id: AccountAlias = Field(
        default=settings().account_id, description="account; `default` is the broker's only one"
    )
