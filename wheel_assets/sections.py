"""The sections of the settings that no vendor brings: each setting with its bounds and its unit, declared once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from wheel_assets.errors import SettingError
from wheel_assets.setting_types import Section
from wheel_assets.vendor import BROKER, EVENTS, MARKET, RATE
from wheel_assets.vendors import offering


def _offered(role: str) -> AfterValidator:
    """The check of a setting that names a vendor of that role."""

    def known(name: str) -> str:
        """The name; raises ValueError for a vendor that does not offer the role."""
        names = offering(role)
        if name not in names:
            raise ValueError(f"it is one of {', '.join(names)}")
        return name

    return AfterValidator(known)


class CacheSettings(Section):
    """Where the cache lies and how much it keeps."""

    dir: Path = Field(Path("~/.wheel_trading/cache"), description="folder of wheel_cache.duckdb")
    max_size_gb: float = Field(5.0, ge=0.01, le=1000, description="size limit of the file, gigabytes")
    ttl_days: float = Field(30, ge=0.01, le=3650, description="snapshots older than this go, days")
    cleanup_interval_hours: float = Field(
        24, ge=0.01, le=8760, description="least time between automatic clean-ups, hours"
    )

    @property
    def ttl(self) -> timedelta:
        """How long a snapshot is kept."""
        return timedelta(days=self.ttl_days)

    @property
    def file(self) -> Path:
        """The DuckDB file; raises SettingError where `~` has no home to stand for."""
        try:
            return self.dir.expanduser() / "wheel_cache.duckdb"
        except RuntimeError as error:
            raise SettingError(
                f"WHEEL_CACHE__DIR={self.dir} has no meaning here", f"{error}", "set WHEEL_CACHE__DIR to a folder"
            ) from error

    @property
    def records(self) -> Path:
        """Folder of Dagster's records where neither DAGSTER_HOME nor a `dagster.yaml` names another."""
        return self.file.parents[1] / "dagster"

    @property
    def backups(self) -> Path:
        """Folder of the archives where WHEEL_BACKUP__DIR names none."""
        return self.file.parents[1] / "backups"


class BackupSettings(Section):
    """Archives that are written when something is stored and the last one is old."""

    dir: str | None = Field(None, description="folder, or URL gs://bucket/folder or s3://bucket/folder, for archives")
    interval_hours: float | None = Field(
        None, ge=0.01, le=8760, validate_default=True, description="a new archive is due at this age of the last, hours"
    )

    @field_validator("interval_hours")
    @classmethod
    def _goes_somewhere(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("dir", "") is None:
            raise ValueError("WHEEL_BACKUP__INTERVAL_HOURS needs WHEEL_BACKUP__DIR")
        return value


class MigrateSettings(Section):
    """Old data that the job `migrate` may read."""

    dir: Path = Field(Path("~/.wheel_trading/inbox"), description="only folder that the job `migrate` reads files from")


class MaxAgeSettings(Section):
    """How old cached data may be before it is fetched again; also each asset's freshness policy."""

    option_chains: float = Field(15, ge=1, le=10080, description="minutes")
    positions: float = Field(30, ge=1, le=10080, description="minutes")
    greeks: float = Field(15, ge=1, le=10080, description="minutes")
    predictions: float = Field(60, ge=1, le=10080, description="minutes")
    risk_free_rate: float = Field(1440, ge=1, le=10080, description="minutes")
    price_history: float = Field(1440, ge=1, le=10080, description="minutes")
    events: float = Field(1440, ge=1, le=10080, description="minutes")
    transactions: float = Field(30, ge=1, le=10080, description="minutes")

    def of(self, table: str) -> timedelta:
        """The age limit of a table; the advice itself is as perishable as its most perishable input."""
        minutes = self.model_dump()
        return timedelta(minutes=minutes.get(table, min(minutes.values())))


class MarketSettings(Section):
    """Who quotes the chains."""

    source: Annotated[str, _offered(MARKET)] = Field("sample", description="vendor of option chains")
    spot_mismatch: Literal["implied", "refuse"] = Field(
        "implied", description="a share price that its options contradict: use the one they imply, or leave it out"
    )


OptionalFile = Annotated[Path | None, BeforeValidator(lambda value: value or None)]  # an empty name is none


class BrokerSettings(Section):
    """Who knows the account."""

    source: Annotated[str, _offered(BROKER)] = Field("sample", description="where positions come from")
    file: OptionalFile = Field(None, description="CSV or JSON with positions, for source `file`")
    cash_is_net: bool | None = Field(
        None, description="whether its cash leaves out the collateral of open puts; read off the balances if not set"
    )
    transactions_file: OptionalFile = Field(
        None, description="transactions as the broker exports them, a CSV or Flex XML file or a folder of them"
    )


class EventsSettings(Section):
    """Earnings and ex-dividend dates."""

    source: Annotated[str, _offered(EVENTS)] = Field("none", description="who knows the earnings and ex-dividend dates")
    file: OptionalFile = Field(None, description="CSV or JSON with your own dates; comes before every source")


class RateSettings(Section):
    """The risk-free rate."""

    source: Annotated[str, _offered(RATE)] = Field("constant", description="where the rate comes from")
    value: float = Field(0.04, ge=-0.02, le=0.25, description="the constant, decimal a year, continuously compounded")


class BudgetSettings(Section):
    """What the data may cost."""

    monthly_usd: float = Field(
        50, ge=0, le=100_000, description="hard stop on paid calls, dollars a calendar month (UTC)"
    )


class ScanSettings(Section):
    """A scan of many symbols: where its files lie, and how its work is shared out."""

    dir: str = Field(
        "~/.wheel_trading/scan", min_length=1, description="folder, or URL gs://bucket/folder or s3://bucket/folder"
    )
    executor: Literal["in_process", "multiprocess", "dask", "celery", "k8s"] = Field(
        "in_process", description="executor of Dagster that runs its steps"
    )
    executor_config: dict[str, Any] = Field({}, description="that executor's own configuration, as JSON")
    shares: int = Field(4, ge=1, le=256, description="steps that the valuation is shared out to")
    batch: int = Field(10, ge=1, le=1000, description="symbols valued in one pass")
