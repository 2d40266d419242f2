"""Seconds that the rules take for 50 symbols of 1,000 contracts each: `python benchmarks/rules.py`."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from wheel_assets.recommend.advice import advise
from wheel_assets.strategy import StrategySettings

NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
SYMBOLS = [f"S{chr(65 + n // 26)}{chr(65 + n % 26)}" for n in range(50)]


def frames() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Chains, positions, Greeks and predictions of made-up quotes: 10 expirations, 50 strikes, both rights."""
    days = pd.to_datetime([NOW.date() + timedelta(days=7 * (n + 1)) for n in range(10)]).astype("datetime64[us]")
    grid = [(s, d, 70.0 + k, r) for s in SYMBOLS for d in days for k in range(50) for r in ("put", "call")]
    table = pd.DataFrame(grid, columns=["symbol", "expiration", "strike", "option_type"])
    code = table["expiration"].dt.strftime("%y%m%d") + table["option_type"].str[0].str.upper()
    table["option_symbol"] = (
        table["symbol"].str.ljust(6) + code + (table["strike"] * 1000).astype(int).astype(str).str.zfill(8)
    )
    years = (table["expiration"] - pd.Timestamp(NOW.date())).dt.days / 365
    otm = np.where(table["option_type"] == "put", 95 - table["strike"], table["strike"] - 95)
    bid = (np.maximum(-otm, 0) + 20 * np.sqrt(years) * np.exp(-(np.abs(otm) / 15))).round(2)
    delta = (0.5 * np.exp(-np.maximum(otm, 0) / 12)) * np.where(table["option_type"] == "put", -1, 1)
    at = pd.Timestamp(NOW).tz_localize(None)
    chain = table.assign(bid=bid, ask=bid + 0.05, volume=50, open_interest=500, spot_price=95.0, multiplier=100)
    chain = chain.assign(quote_quality="ok", source="made-up", timestamp=at, created_at=at)
    greeks = table.assign(
        iv=0.4, delta=delta, gamma=0.01, theta=-0.02, vega=0.1, dividend_yield=0.0, risk_free_rate=0.04
    )
    predictions = table.assign(prob_itm=np.abs(delta), expected_return=0.001, cvar_95=-0.1, model_version="made-up")
    cash = {"account_id": "default", "asset_type": "cash", "symbol": "USD", "multiplier": 1, "quantity": 1e6}
    columns = ["underlying", "option_type", "expiration", "strike", "average_price"]
    positions = pd.DataFrame([cash | {"market_value": 1e6, "source": "made-up", "created_at": at}]).assign(
        **dict.fromkeys(columns)
    )
    return chain, positions, greeks.assign(created_at=at), predictions.assign(created_at=at)


def main() -> None:
    """Print the best of five."""
    inputs, best = frames(), float("inf")
    for _ in range(5):
        began = time.perf_counter()
        advice = advise(*inputs, strategy=StrategySettings(), now=NOW, symbols=SYMBOLS)
        best = min(best, time.perf_counter() - began)
    opened = (advice.frame["action"] == "open_csp").sum()
    print(f"{len(inputs[0]):,} contracts of {len(SYMBOLS)} symbols: {best:.2f} s, {opened} puts to sell")


if __name__ == "__main__":
    main()
