"""What is it worth? Option chains in, implied volatility and Greeks out.

Reads in this order: `units` states every convention; `contracts` is what all formulas take; `european` is
Black-Scholes-Merton with its Greeks and implied volatility; `boundary` says when to exercise early,
`american` what that is worth, `implied` finds American volatilities. `expiry` says how long a contract still
trades, `forward` what carrying its underlying yields, `quotes` which quotes have a price at all, `valuation`
works through many contracts in blocks. `chain.value_chain` puts all together for a frame, and
`chain.volatility_at` gives the volatility of bids, asks and last trades.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wheel_assets.greeks.chain import value_chain, volatility_at

__all__ = ["value_chain", "volatility_at"]


def __getattr__(name: str) -> object:
    """Import on first use: NumPy and SciPy take time that a cache hit should not pay."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from wheel_assets.greeks import chain

    return getattr(chain, name)
