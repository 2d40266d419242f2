"""The Python API: one fetch for all who ask, and a hit that is exactly what the miss was."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from wheel_assets import CacheConfig, Storage, StorageConfig
from wheel_assets.errors import BadFrame, BadSymbol, SettingError, UsageError
from wheel_assets.fetch.sample.sources import SampleMarket

DECEMBER = date(2026, 12, 18)
PUT = "U     261218P00025000"
CHAIN = {
    "symbol": "U",
    "spot_price": 25.5,
    "as_of": datetime(2026, 11, 23, 15, tzinfo=UTC),
    "calls": [{"strike": 26.0, "bid": 0.5, "ask": 0.6, "greeks": (0.4, None)}],
    "puts": [{"strike": 25, "bid": 0.4, "ask": 0.5}, {"strike": 24}],
}
ACCOUNT = {"positions": [{"symbol": "U", "quantity": 100, "cost_basis": 2400.0}], "account_data": {"cash_balance": 5}}


class Fetcher:
    """Counts its calls and answers with what it was made for, sync or async."""

    def __init__(self, answer: Any, error: Exception | None = None) -> None:
        self.answer, self.error = answer, error
        self.calls: Counter[tuple[Any, ...]] = Counter()

    def sync(self, *arguments: Any) -> Any:
        self.calls[arguments] += 1
        if self.error:
            raise self.error
        return self.answer

    async def coroutine(self, *arguments: Any) -> Any:
        await asyncio.sleep(0.01)
        return self.sync(*arguments)


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(StorageConfig(CacheConfig(cache_dir=tmp_path / "cache")))


def counts(storage: Storage) -> dict[str, int]:
    """Snapshots by table, of tables that have any."""
    stats = asyncio.run(storage.get_storage_stats())
    return {name.removesuffix("_count"): n for name, n in stats.items() if name.endswith("_count") and n}


def chain_frame() -> pd.DataFrame:
    return SampleMarket().option_chain("U", datetime(2026, 11, 23, 15, tzinfo=UTC)).frame.head(50)


@pytest.mark.parametrize("kind", ["sync", "coroutine"])
def test_a_hit_is_exactly_what_the_miss_was(storage, kind):
    fetcher = Fetcher(CHAIN)

    async def ask() -> list[Any]:
        return [await storage.get_or_fetch_option_chain("U", DECEMBER, getattr(fetcher, kind)) for _ in range(2)]

    miss, hit = asyncio.run(ask())
    assert repr(miss) == repr(hit) == repr(CHAIN)
    assert fetcher.calls == {("U", DECEMBER): 1}


def test_a_frame_comes_back_as_the_same_frame(storage):
    fetcher = Fetcher(chain_frame())

    async def ask() -> list[Any]:
        return [await storage.get_or_fetch_option_chain("U", DECEMBER, fetcher.sync) for _ in range(2)]

    miss, hit = asyncio.run(ask())
    pd.testing.assert_frame_equal(miss, hit)
    pd.testing.assert_frame_equal(miss, fetcher.answer, check_dtype=False)
    assert fetcher.calls.total() == 1


def test_positions_are_fetched_by_account(storage):
    fetcher = Fetcher(ACCOUNT)

    async def ask() -> list[Any]:
        accounts = ("default", "other", "default")
        return [await storage.get_or_fetch_positions(account, fetcher.sync) for account in accounts]

    assert asyncio.run(ask()) == [ACCOUNT] * 3
    assert fetcher.calls == {("default",): 1, ("other",): 1}


@pytest.mark.parametrize("expiration", [DECEMBER, datetime(2026, 12, 18), "2026-12-18", "2026-12-18T16:00"])
def test_an_expiration_is_the_same_however_written(storage, expiration):
    fetcher = Fetcher(CHAIN)

    async def ask() -> None:
        await storage.get_or_fetch_option_chain("u", DECEMBER, fetcher.sync)
        await storage.get_or_fetch_option_chain("U", expiration, fetcher.sync)

    asyncio.run(ask())
    assert fetcher.calls.total() == 1


def test_age_is_judged_by_whoever_asks(storage):
    fetcher = Fetcher(CHAIN)

    async def ask() -> None:
        for minutes in (15, 15, 0, 1e6):
            await storage.get_or_fetch_option_chain("U", DECEMBER, fetcher.sync, max_age_minutes=minutes)

    asyncio.run(ask())
    assert fetcher.calls.total() == 2


def test_what_a_document_tells_is_there_for_sql_too(storage):
    async def ask() -> None:
        await storage.get_or_fetch_option_chain("U", DECEMBER, Fetcher(CHAIN).sync)
        await storage.get_or_fetch_positions("default", Fetcher(ACCOUNT).sync)

    asyncio.run(ask())
    assert counts(storage) == {"option_chains": 1, "positions": 1, "documents": 2}
    with storage._store.file.attached() as connection:
        contracts = connection.execute("SELECT option_symbol, bid, spot_price, source FROM option_chains").fetchall()
        holdings = connection.execute("SELECT asset_type, quantity, average_price FROM positions").fetchall()
    assert (PUT, 0.4, 25.5, "api") in contracts
    assert len(contracts) == 3
    assert holdings == [("stock", 100, 24), ("cash", 5, None)]


def test_all_who_ask_at_the_same_time_wait_for_one_fetch(storage):
    fetcher = Fetcher(CHAIN)

    async def ask() -> list[Any]:
        return await asyncio.gather(
            *(storage.get_or_fetch_option_chain("U", DECEMBER, fetcher.coroutine) for _ in range(30))
        )

    answers = asyncio.run(ask())
    assert answers == [CHAIN] * 30
    assert fetcher.calls.total() == 1
    answers[0]["calls"].clear()
    assert answers[1] == CHAIN


def test_two_storages_in_two_threads_fetch_once(storage, tmp_path):
    fetcher, answers = Fetcher(CHAIN), []

    def ask() -> None:
        mine = Storage(storage.config)
        answers.append(asyncio.run(mine.get_or_fetch_option_chain("U", DECEMBER, fetcher.coroutine)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [CHAIN] * 4
    assert fetcher.calls.total() == 1


PROCESS = """
import asyncio, sys, time
from datetime import date
from wheel_assets import CacheConfig, Storage, StorageConfig
def fetch(symbol, expiration):
    with open(sys.argv[2], "a") as file:
        file.write("fetched\\n")
    time.sleep(0.3)
    return {"spot_price": 25.5, "puts": [{"strike": 25.0, "bid": 0.4}]}
async def main():
    storage = Storage(StorageConfig(CacheConfig(cache_dir=sys.argv[1])))
    print(await storage.get_or_fetch_option_chain("U", date(2026, 12, 18), fetch))
asyncio.run(main())
print("dagster" in sys.modules)
"""


@pytest.mark.slow
def test_processes_that_ask_at_the_same_time_fetch_once(tmp_path):
    command = [sys.executable, "-c", PROCESS, str(tmp_path / "cache"), str(tmp_path / "log")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = {process.communicate()[0] for process in processes}
    assert outputs == {"{'spot_price': 25.5, 'puts': [{'strike': 25.0, 'bid': 0.4}]}\nFalse\n"}
    assert (tmp_path / "log").read_text() == "fetched\n"


def test_fetches_that_need_threads_do_not_starve_each_other(storage):
    async def fetch(account: str) -> Any:
        return await asyncio.to_thread(lambda: [account])

    async def ask() -> list[Any]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
        return await asyncio.gather(*(storage.get_or_fetch_positions(f"a{n}", fetch) for n in range(6)))

    assert asyncio.run(asyncio.wait_for(ask(), 60)) == [[f"a{n}"] for n in range(6)]


@pytest.mark.parametrize("empty", [None, {}, [], {"spot_price": 25.5, "calls": [], "puts": []}, chain_frame().head(0)])
def test_an_empty_answer_is_passed_on_and_not_kept(storage, empty):
    fetcher = Fetcher(empty)

    async def ask() -> list[Any]:
        return [await storage.get_or_fetch_option_chain("U", DECEMBER, fetcher.sync) for _ in range(2)]

    assert [repr(answer) for answer in asyncio.run(ask())] == [repr(empty)] * 2
    assert fetcher.calls.total() == 2
    assert counts(storage) == {}


@pytest.mark.parametrize("kind", ["sync", "coroutine"])
def test_a_failure_is_passed_on_not_tried_again_and_not_kept(storage, kind):
    fetcher = Fetcher(CHAIN, ConnectionError("no route"))

    async def ask() -> list[Any]:
        asked = (storage.get_or_fetch_option_chain("U", DECEMBER, getattr(fetcher, kind)) for _ in range(5))
        return await asyncio.gather(*asked, return_exceptions=True)

    assert [repr(answer) for answer in asyncio.run(ask())] == ["ConnectionError('no route')"] * 5
    assert fetcher.calls.total() == 1
    assert counts(storage) == {}


def test_a_failure_does_not_take_the_old_answer_away(storage):
    async def ask() -> Any:
        await storage.get_or_fetch_option_chain("U", DECEMBER, Fetcher(CHAIN).sync)
        with pytest.raises(ConnectionError):
            await storage.get_or_fetch_option_chain("U", DECEMBER, Fetcher(0, ConnectionError()).sync, 0)
        return await storage.get_or_fetch_option_chain("U", DECEMBER, Fetcher(0).sync)

    assert asyncio.run(ask()) == CHAIN


def test_who_stops_waiting_does_not_take_the_answer_from_the_others(storage):
    fetcher = Fetcher(CHAIN)

    async def ask() -> Any:
        first = asyncio.create_task(storage.get_or_fetch_option_chain("U", DECEMBER, fetcher.coroutine))
        second = asyncio.create_task(storage.get_or_fetch_option_chain("U", DECEMBER, fetcher.coroutine))
        while not storage._flights:
            await asyncio.sleep(0.001)
        first.cancel()
        return await second

    assert asyncio.run(ask()) == CHAIN
    assert fetcher.calls.total() == 1


@pytest.mark.parametrize("answer", [{"puts": [{1, 2}]}, [object()], chain_frame().drop(columns="strike")])
def test_what_could_not_be_given_back_as_it_is_is_refused(storage, answer):
    with pytest.raises(BadFrame):
        asyncio.run(storage.get_or_fetch_option_chain("U", DECEMBER, Fetcher(answer).sync))
    assert counts(storage) == {}


def test_greeks_come_back_and_missing_stays_missing(storage):
    async def ask() -> list[Any]:
        await storage.store_greeks("U261218P00025000", 25.5, 0.04, {"delta": -0.3, "iv": 0.5, "rho": None})
        return [await storage.get_greeks(code) for code in (PUT, "U261218P00025000", "U261218C00025000")]

    padded, compact, other = asyncio.run(ask())
    known = {"option_symbol": PUT, "spot_price": 25.5, "risk_free_rate": 0.04, "delta": -0.3, "iv": 0.5}
    assert padded == compact == known | dict.fromkeys(("gamma", "theta", "vega", "rho"))
    assert other is None
    assert counts(storage) == {"greeks": 1, "documents": 1}


@pytest.mark.parametrize("greeks", [{}, {"delta": None}, {"delta": 0.1, "speed": 1.0}])
def test_greeks_of_no_value_or_another_name_are_refused(storage, greeks):
    with pytest.raises(UsageError, match="at least one of delta"):
        asyncio.run(storage.store_greeks(PUT, 25.5, 0.04, greeks))


def test_a_prediction_of_the_same_id_takes_the_place_of_the_last(storage):
    async def ask() -> Any:
        for version in ("v1", "v2"):
            await storage.store_prediction("p1", {"option_symbol": PUT}, {"prob_itm": 0.3}, version)
        assert await storage.get_prediction("p2") is None
        return await storage.get_prediction("p1")

    assert asyncio.run(ask()) == {
        "prediction_id": "p1",
        "input_features": {"option_symbol": PUT},
        "predictions": {"prob_itm": 0.3},
        "model_version": "v2",
    }
    assert counts(storage) == {"predictions": 2, "documents": 2}


def test_maintenance_is_a_method_away(storage):
    async def ask() -> Any:
        await storage.initialize()
        await storage.get_or_fetch_option_chain("U", DECEMBER, Fetcher(CHAIN).sync)
        await storage.cleanup_old_data()
        before = await storage.get_storage_stats()
        await storage.clear_all()
        return before["option_chains_count"], (await storage.get_storage_stats())["option_chains_count"]

    assert asyncio.run(ask()) == (1, 0)


@pytest.mark.parametrize("name", ["option_chains", "positions"])
def test_a_table_goes_out_and_comes_back_once(storage, tmp_path, name):
    async def ask() -> list[Any]:
        await storage.get_or_fetch_option_chain("U", DECEMBER, Fetcher(chain_frame()).sync)
        await storage.get_or_fetch_positions("default", Fetcher(ACCOUNT).sync)
        path = await storage.export_to_parquet(name, tmp_path / "out")
        await storage.clear_all()
        return [await storage.import_from_parquet(path, name) for _ in range(2)]

    assert asyncio.run(ask()) == {"option_chains": [50, 50], "positions": [2, 2]}[name]
    assert counts(storage) == {name: 1}


def test_the_original_names_of_tables_are_understood(storage, tmp_path):
    path = asyncio.run(storage.export_to_parquet("position_snapshots", tmp_path))
    assert path.name.startswith("positions_")
    with pytest.raises(UsageError, match="there is no table nonsense"):
        asyncio.run(storage.export_to_parquet("nonsense", tmp_path))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda s: s.get_or_fetch_option_chain("A B", DECEMBER, Fetcher(CHAIN).sync), BadSymbol),
        (lambda s: s.get_or_fetch_option_chain("U", "soon", Fetcher(CHAIN).sync), UsageError),
        (lambda s: s.get_or_fetch_option_chain("U", DECEMBER, Fetcher(CHAIN).sync, -1), UsageError),
        (lambda s: s.get_or_fetch_option_chain("U", DECEMBER, Fetcher(CHAIN).sync, float("nan")), UsageError),
        (lambda s: s.get_greeks("nonsense"), BadSymbol),
    ],
)
def test_wrong_use_is_refused_before_anything_is_fetched(storage, call, error):
    with pytest.raises(error):
        asyncio.run(call(storage))


def test_settings_of_the_code_come_before_those_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("WHEEL_CACHE__DIR", str(tmp_path / "environment"))
    monkeypatch.setenv("WHEEL_CACHE__TTL_DAYS", "7")
    storage = Storage(StorageConfig(CacheConfig(cache_dir=tmp_path / "code", max_size_gb=1)))
    asyncio.run(storage.initialize())
    assert (tmp_path / "code" / "wheel_cache.duckdb").exists()
    assert asyncio.run(storage.get_storage_stats())["limit_mb"] == 1000
    assert storage._settings.cache.ttl_days == 7


@pytest.mark.parametrize(
    "config",
    [
        lambda: StorageConfig(enable_gcs_backup=True),
        lambda: StorageConfig(enable_gcs_backup=True, backup_dir="/tmp"),
        lambda: Storage(StorageConfig(CacheConfig(max_size_gb=-1)))._settings,
        lambda: Storage(StorageConfig(backup_dir="x", backup_interval_hours=0))._settings,
        lambda: Storage(StorageConfig(backup_interval_hours=1))._settings,
    ],
)
def test_settings_that_make_no_sense_are_refused(config):
    with pytest.raises(SettingError):
        config()


def test_a_destination_alone_is_for_archives_by_hand(tmp_path):
    backup = Storage(StorageConfig(backup_dir=str(tmp_path)))._settings.backup
    assert (backup.dir, backup.interval_hours) == (str(tmp_path), None)


def test_a_backup_rides_on_what_is_stored(tmp_path):
    config = StorageConfig(CacheConfig(cache_dir=tmp_path / "cache"), str(tmp_path / "out"), 1)
    asyncio.run(Storage(config).get_or_fetch_option_chain("U", DECEMBER, Fetcher(CHAIN).sync))
    assert len(list((tmp_path / "out").glob("wheel-*/manifest.json"))) == 1
