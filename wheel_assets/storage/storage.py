"""The cache from Python: get or fetch, in a script or a notebook, without Dagster.

    storage = Storage()
    await storage.initialize()
    chain = await storage.get_or_fetch_option_chain("U", date(2026, 12, 18), fetch_func=my_fetch)

A fetch function may be sync or async, and may return a frame in the columns of its table
(`wheel_assets.tables`), or any document of plain Python values. A hit gives back exactly what the miss
did, types included: both are read from what was stored. An empty answer is passed on and not kept, an
exception is passed on; nothing is tried twice. Concurrent callers of the same key, in this process or in another, wait
for one fetch.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wheel_assets.errors import SettingError, UsageError

if TYPE_CHECKING:
    from wheel_assets.cache.store.store import Store
    from wheel_assets.cache.upkeep.maintenance import Removal
    from wheel_assets.settings import Settings
    from wheel_assets.storage.get_or_fetch import CachedValue, CacheRequest, ValueCache

GREEKS = ("delta", "gamma", "theta", "vega", "rho", "iv")
# What the original design called its tables.
OLD_NAMES = {"position_snapshots": "positions", "greeks_cache": "greeks", "predictions_cache": "predictions"}


@dataclass(frozen=True)
class CacheConfig:
    """Location and limits of the cache; None takes the value of the WHEEL_CACHE__… setting."""

    cache_dir: Path | str | None = None
    max_size_gb: float | None = None
    ttl_days: float | None = None
    cleanup_interval_hours: float | None = None


@dataclass(frozen=True)
class StorageConfig:
    """Configuration of a `Storage`.

    With `backup_dir` (a folder or a URL) and `backup_interval_hours` an archive is written whenever
    something is stored and the last one is older than that; None: as the WHEEL_BACKUP__… settings say.
    `enable_gcs_backup` says that `backup_dir` is a `gs://` URL, and is refused where it is not.
    """

    cache_config: CacheConfig = field(default_factory=CacheConfig)
    backup_dir: str | None = None
    backup_interval_hours: float | None = None
    enable_gcs_backup: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        if self.enable_gcs_backup and not str(self.backup_dir).startswith(("gs://", "gcs://")):
            raise SettingError("enable_gcs_backup=True is refused", "backup_dir is not a gs:// URL", "set it to one")


class Storage:
    """The cache with get-or-fetch; all methods are async. One instance per program is enough."""

    def __init__(self, config: StorageConfig | None = None) -> None:
        self.config = config or StorageConfig()
        self._flights: dict[tuple[int, CacheRequest], asyncio.Task[CachedValue]] = {}

    async def initialize(self) -> None:
        """Open the cache, creating it if necessary; raises SettingError or StoreError."""
        await asyncio.to_thread(lambda: self._store.index([]))

    async def get_or_fetch_option_chain(
        self,
        symbol: str,
        expiration: date | datetime | str,
        fetch_func: Callable[[str, Any], Any],
        max_age_minutes: float = 15,
    ) -> Any:
        """The chain of one expiration: cached within `max_age_minutes`, else from `fetch_func(symbol, expiration)`.

        `expiration` is a date, or its ISO text. Raises UsageError for an argument that is none of these (BadSymbol for
        the symbol), BadFrame for a result that cannot be stored, StoreError, and any error of `fetch_func`.
        """
        from wheel_assets.settings import checked_symbol

        name = f"{checked_symbol(symbol)}:{_day(expiration)}"
        return await self._get_or_fetch("option_chains", name, partial(fetch_func, symbol, expiration), max_age_minutes)

    async def get_or_fetch_positions(
        self, account_id: str, fetch_func: Callable[[str], Any], max_age_minutes: float = 30
    ) -> Any:
        """The holdings of an account: from the cache if within `max_age_minutes`, else `fetch_func(account_id)`.

        The key is the end of the account number with a digest of it; `fetch_func` gets the number. Raises as
        `get_or_fetch_option_chain` does.
        """
        from wheel_assets.cache.account_masking import account_key

        name = account_key(account_id)
        return await self._get_or_fetch("positions", name, partial(fetch_func, account_id), max_age_minutes)

    async def store_greeks(
        self, option_symbol: str, spot_price: float, risk_free_rate: float, greeks: Mapping[str, float | None]
    ) -> None:
        """Store delta, gamma, theta, vega, rho and iv of a contract, in the units of `wheel_assets.tables`.

        `spot_price` is dollars a share, `risk_free_rate` decimal a year. A missing value stays missing. Raises
        BadSymbol for an invalid OSI code, UsageError for an unknown name or no value at all.
        """
        from wheel_assets.market.osi import parse_osi

        unknown = sorted(set(greeks) - set(GREEKS))
        if unknown or not any(value is not None for value in greeks.values()):
            raise UsageError(f"greeks {unknown} are refused", "", f"give at least one of {', '.join(GREEKS)}")
        code = parse_osi(option_symbol).osi
        value: dict[str, Any] = {"option_symbol": code, "spot_price": spot_price, "risk_free_rate": risk_free_rate}
        await self._keep("greeks", code, value | {name: greeks.get(name) for name in GREEKS})

    async def get_greeks(self, option_symbol: str, max_age_minutes: float | None = 15) -> dict[str, Any] | None:
        """The newest values of `store_greeks`: option_symbol, spot_price, risk_free_rate and each of the Greeks.

        None where nothing stored is within `max_age_minutes` (None: any age). Raises BadSymbol for an invalid OSI code.
        """
        from wheel_assets.market.osi import parse_osi

        return await self._get("greeks", parse_osi(option_symbol).osi, max_age_minutes)

    async def store_prediction(
        self,
        prediction_id: str,
        input_features: Mapping[str, Any],
        predictions: Mapping[str, Any],
        model_version: str,
    ) -> None:
        """Store a prediction; it replaces an earlier one with the same id."""
        await self._keep(
            "predictions",
            prediction_id,
            {
                "prediction_id": prediction_id,
                "input_features": dict(input_features),
                "predictions": dict(predictions),
                "model_version": model_version,
            },
        )

    async def get_prediction(self, prediction_id: str, max_age_minutes: float | None = None) -> dict[str, Any] | None:
        """The newest prediction stored under this id; None where there is none within the maximum age."""
        return await self._get("predictions", prediction_id, max_age_minutes)

    async def get_storage_stats(self) -> dict[str, Any]:
        """The document of `wheel stats --json`: `<table>_count`, `<table>_oldest_days`, `db_size_mb` and more."""
        from wheel_assets.cache.upkeep.stats import stats

        return await asyncio.to_thread(stats, self._store, self._settings.max_age.of)

    async def cleanup_old_data(self) -> Removal:
        """Remove snapshots older than the TTL or beyond the size limit, and compact the file; raises StoreError."""
        return await asyncio.to_thread(self._store.maintenance.cleanup)

    async def clear_all(self) -> Removal:
        """Remove everything except the ledger of API calls; raises StoreError."""
        return await asyncio.to_thread(self._store.maintenance.clear)

    async def export_to_parquet(self, table: str, output_dir: Path | str) -> Path:
        """Write a table to `<output_dir>/<table>_<YYYYMMDD>.parquet`; return it. Raises UsageError, StoreError."""
        from wheel_assets.cache.archive.backup import export_table

        return await asyncio.to_thread(export_table, self._store, OLD_NAMES.get(table, table), Path(output_dir))

    async def import_from_parquet(self, parquet_file: Path | str, table: str) -> int:
        """Import the rows of an exported table and return how many; rows already present change nothing.

        Raises UsageError for a file that cannot be read, or where some rows were refused: the others are stored then.
        """
        from wheel_assets.migrate.migration import migrate

        name = OLD_NAMES.get(table, table)
        done = await asyncio.to_thread(migrate, self._store, Path(parquet_file), table=name)
        if done.refused:
            first = done.refused[0]
            why = f"{first.where}: {first.reason}"
            raise UsageError(f"{len(done.refused)} rows of {parquet_file} were refused", why, "the others are in")
        return sum(done.rows.values())

    @cached_property
    def _settings(self) -> Settings:
        from wheel_assets.settings import load_settings

        cache = _given(asdict(self.config.cache_config), cache_dir="dir")
        backup = {"backup_dir": self.config.backup_dir, "backup_interval_hours": self.config.backup_interval_hours}
        sections = {"cache": cache, "backup": _given(backup, backup_dir="dir", backup_interval_hours="interval_hours")}
        return load_settings(**{name: section for name, section in sections.items() if section})

    @cached_property
    def _store(self) -> Store:
        from wheel_assets.cache.archive.periodic import periodic_backup
        from wheel_assets.cache.store.store import store_at
        from wheel_assets.cache.upkeep.maintenance import Limits

        store = store_at(self._settings.cache.file, Limits.of(self._settings.cache))
        store.after_put = periodic_backup(self._settings.backup)
        return store

    @cached_property
    def _values(self) -> ValueCache:
        from wheel_assets.migrate.document_rows import told_rows
        from wheel_assets.storage.get_or_fetch import ValueCache

        return ValueCache(self._store, told_rows)

    async def _get_or_fetch(self, table: str, name: str, fetch: Callable[[], Any], max_age_minutes: float) -> Any:
        request = _request(table, name, max_age_minutes)
        # One flight a loop: a task cannot be awaited from another loop. Threads meet at the store's lock.
        loop = asyncio.get_running_loop()
        flight = (id(loop), request)
        if flight not in self._flights:
            task = loop.create_task(self._fly(request, fetch))
            self._flights[flight] = task
            task.add_done_callback(lambda _: self._flights.pop(flight, None))
        # Shielded: who stops waiting does not take the answer from the others.
        answer = await asyncio.shield(self._flights[flight])
        return answer.value

    async def _fly(self, request: CacheRequest, fetch: Callable[[], Any]) -> CachedValue:
        """Look, and if there is nothing young enough fetch and keep, in a thread of its own.

        A shared pool was rejected: its threads, all waiting for fetches, would leave none to a fetch
        that needs one itself.
        """
        found, newest = await asyncio.to_thread(lambda: self._values.find(request))
        if found is not None:
            return found
        loop = asyncio.get_running_loop()

        def fly() -> CachedValue:
            """Get or fetch the answer in a worker thread."""
            return self._values.get_or_fetch(request, lambda: _result(fetch, loop), newest)

        pool = ThreadPoolExecutor(1, thread_name_prefix="wheel-fetch")
        try:
            return await loop.run_in_executor(pool, contextvars.copy_context().run, fly)
        finally:
            pool.shutdown(wait=False)

    async def _keep(self, table: str, name: str, value: dict[str, Any]) -> None:
        await asyncio.to_thread(lambda: self._values.keep(_request(table, name, None), value))

    async def _get(self, table: str, name: str, max_age_minutes: float | None) -> dict[str, Any] | None:
        found, _ = await asyncio.to_thread(lambda: self._values.find(_request(table, name, max_age_minutes)))
        return None if found is None else dict(found.value)


def _given(section: Mapping[str, Any], **names: str) -> dict[str, Any]:
    """What is given of a group of settings, under the names it has there."""
    return {names.get(name, name): value for name, value in section.items() if value is not None}


def _result(fetch: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> Any:
    """Result of a fetch function: called in this thread; a coroutine is awaited in the caller's loop."""
    result = fetch()
    if not inspect.isawaitable(result):
        return result

    async def awaited() -> Any:
        """The awaited result of the fetch function."""
        return await result

    return asyncio.run_coroutine_threadsafe(awaited(), loop).result()


def _request(table: str, name: str, max_age_minutes: float | None) -> CacheRequest:
    from wheel_assets.storage.get_or_fetch import CacheRequest

    if max_age_minutes is not None and not max_age_minutes >= 0:
        raise UsageError(
            f"max_age_minutes={max_age_minutes} is refused", "it is not a maximum age", "give minutes, 0 or more"
        )
    return CacheRequest(table, name, None if max_age_minutes is None else timedelta(minutes=max_age_minutes))


def _day(expiration: date | datetime | str) -> date:
    if isinstance(expiration, str):
        try:
            return datetime.fromisoformat(expiration).date()
        except ValueError as error:
            raise UsageError(
                f"{expiration[:30]!r} is not an expiration", f"{error}", "give a date, for example 2026-12-18"
            ) from error
    return expiration.date() if isinstance(expiration, datetime) else expiration
