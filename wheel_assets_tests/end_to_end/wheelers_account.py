"""An account as a trader of the wheel has it: nine positions on the five stocks of the sample market."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from wheel_assets.fetch.sample.sources import STOCKS, SampleMarket

CASH = 45_000
# Shares: how many, and what was paid against today's price.
SHARES = {"U": (300, 0.97), "SMCI": (100, 1.06), "F": (500, 0.95)}
# Short options: symbol, right, how many, about which days from their end, strike and premium against today's price.
SHORT = (
    ("U", "call", 1, 10, 1.12, 0.030),  # nearly all of it earned: to be closed
    ("U", "put", 1, 38, 0.88, 0.030),
    ("SMCI", "put", 1, 3, 1.05, 0.020),  # in the money and near its end: to be rolled
    ("INTC", "put", 2, 31, 0.92, 0.030),
    ("SOFI", "put", 1, 10, 0.85, 0.030),  # nearly all of it earned
    ("F", "call", 2, 31, 1.06, 0.020),
)


def write_positions(file: Path) -> Path:
    """Write the account as a positions file; its contracts are listed today."""
    market, now = SampleMarket(), datetime.now(UTC)
    chains = {symbol: market.option_chain(symbol, now).frame for symbol in STOCKS}
    spots = {symbol: float(chain["spot_price"].iloc[0]) for symbol, chain in chains.items()}
    lines = ["symbol,quantity,avg_price", f"CASH,{CASH},"]
    lines += [f"{symbol},{count},{spots[symbol] * paid:.2f}" for symbol, (count, paid) in SHARES.items()]
    for symbol, right, count, days, strike, premium in SHORT:
        chain = chains[symbol][(chains[symbol]["option_type"] == right) & (chains[symbol]["bid"] > 0)]
        left = (chain["expiration"] - chain["timestamp"].dt.normalize()).dt.days
        listed = chain[left == left.iloc[(left - days).abs().argmin()]]
        contract = listed.iloc[(listed["strike"] - strike * spots[symbol]).abs().argmin()]
        lines.append(f"{contract['option_symbol']},{-count},{spots[symbol] * premium:.2f}")
    file.write_text("\n".join(lines) + "\n")
    return file
