"""Old files, as the original design wrote them: its schemas, with made-up data."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from wheel_assets.cache.store.store import Store

NOW = datetime(2026, 11, 23, 15, 0)
PUT, CALL = "U     250117P00025000", "U     250117C00026000"

ORIGINAL = """
CREATE TABLE option_chains (symbol VARCHAR NOT NULL, expiration DATE NOT NULL, timestamp TIMESTAMP NOT NULL,
    spot_price DECIMAL(10,2), data JSON, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (symbol, expiration, timestamp));
CREATE TABLE position_snapshots (account_id VARCHAR NOT NULL, timestamp TIMESTAMP NOT NULL, positions JSON,
    account_data JSON, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (account_id, timestamp));
CREATE TABLE greeks_cache (option_symbol VARCHAR NOT NULL, timestamp TIMESTAMP NOT NULL, spot_price DECIMAL(10,2),
    risk_free_rate DECIMAL(6,4), delta DECIMAL(6,4), gamma DECIMAL(8,6), theta DECIMAL(8,4), vega DECIMAL(8,4),
    rho DECIMAL(8,4), iv DECIMAL(6,4), created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE predictions_cache (prediction_id VARCHAR PRIMARY KEY, timestamp TIMESTAMP NOT NULL, input_features JSON,
    predictions JSON, model_version VARCHAR, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
"""
CHAIN = {
    "spot_price": 25.5,
    "calls": [{"strike": 26, "bid": 0.5, "ask": 0.6, "volume": 7}],
    "puts": [{"strike": 25.0, "bid": 0.4, "ask": 0.5, "implied_volatility": 0.45, "mid": 0.45}],
}
HOLDINGS = [
    {"symbol": "U", "quantity": 100.0, "position_type": "STOCK", "market_value": 2550.0, "cost_basis": 2400.0},
    {"symbol": PUT, "quantity": -2.0, "position_type": "OPTION", "market_value": -90.0, "cost_basis": 2.4,
     "underlying": "U", "strike": 25.0, "expiration": "2025-01-17T00:00:00", "option_type": "PUT"},
]  # fmt: skip
V1 = """
CREATE TABLE positions (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TIMESTAMP NOT NULL,
    account_number TEXT NOT NULL, symbol TEXT NOT NULL, quantity REAL NOT NULL, position_type TEXT NOT NULL,
    market_value REAL, cost_basis REAL,
    underlying TEXT, strike REAL, expiration DATE, option_type TEXT, raw_data JSON,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE account_snapshots (id INTEGER PRIMARY KEY, timestamp TIMESTAMP, account_number TEXT, cash_balance REAL);
CREATE TABLE orders (id INTEGER PRIMARY KEY, order_id TEXT);
"""


@pytest.fixture
def cache(tmp_path: Path) -> Store:
    """An empty cache whose clock stands still."""
    return Store(tmp_path / "cache" / "wheel_cache.duckdb", clock=lambda: NOW)


@pytest.fixture
def original(template: Path, tmp_path: Path) -> Path:
    """A cache file of the original design with a row in each table."""
    return Path(shutil.copy(template, tmp_path / "original.duckdb"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The original's cache file, made once."""
    path = tmp_path_factory.mktemp("original") / "original.duckdb"
    at = datetime(2025, 1, 2, 10, 0)
    with duckdb.connect(str(path)) as connection:
        connection.execute(ORIGINAL)
        chain = ["U", datetime(2025, 1, 17), at, 25.5, json.dumps(CHAIN)]
        connection.execute("INSERT INTO option_chains VALUES (?, ?, ?, ?, ?, '2025-01-02 05:00')", chain)
        account = ["default", at, json.dumps(HOLDINGS), json.dumps({"cash_balance": 1000.0})]
        connection.execute("INSERT INTO position_snapshots VALUES (?, ?, ?, ?, '2025-01-02 05:00')", account)
        greeks = ["U250117P00025000", at]
        connection.execute(
            "INSERT INTO greeks_cache VALUES (?, ?, 25.5, 0.05, -0.3, 0.04, -0.02, 0.03, -0.01, 0, now())", greeks
        )
        features, said = json.dumps({"option_symbol": PUT, "iv": 0.45}), json.dumps({"prob_itm": 0.3})
        connection.execute("INSERT INTO predictions_cache VALUES ('p1', ?, ?, ?, 'v1', now())", [at, features, said])
    return path


@pytest.fixture
def v1(tmp_path: Path) -> Callable[..., Path]:
    """A function that makes the old SQLite database of these rows of `positions`."""

    def make(*rows: tuple[object, ...]) -> Path:
        path = tmp_path / "old.db"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executescript(V1)
            columns = "timestamp, account_number, symbol, quantity, position_type, market_value, cost_basis"
            connection.executemany(f"INSERT INTO positions ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        return path

    return make
