"""Valuation of options: option chains in, implied volatility and Greeks out.

Reading order: `units` states every convention; `contracts` is what all formulas take; `european` is
Black-Scholes-Merton with its Greeks and implied volatility; `boundary` says when to exercise early,
`american` what that is worth, `implied` finds American volatilities. `market.expiration` says how long a contract still
trades, `curve` what money earns until then, `quotes.forward` what carrying its underlying yields, `quotes.prices` which
quotes have a price at all; `valuation` works through many contracts in blocks. `chain.value_chain` puts all together
for a frame, and `chain.volatility_at` gives the volatility of bids, asks and last trades.

For arrays instead of frames, `european` and `american` take `Contracts`. No formula raises on bad numbers: a result
that does not exist is NaN.

Hull, *Options, Futures, and Other Derivatives*, 9th edition, section 21.1: an American put worth 4.283.

>>> from wheel_assets.greeks import Contracts, american, european
>>> put = Contracts.of(is_put=True, spot=50, strike=50, years=5 / 12, rate=0.1, dividend_yield=0)
>>> [style.price(put, 0.4).round(2).item() for style in (european, american)]
[4.08, 4.28]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wheel_assets.greeks import american, european
    from wheel_assets.greeks.chain import value_chain, valued_chain, volatility_at
    from wheel_assets.greeks.contracts import Contracts
    from wheel_assets.greeks.curve import ZeroCurve

_HOMES = {
    "value_chain": "chain",
    "valued_chain": "chain",
    "volatility_at": "chain",
    "Contracts": "contracts",
    "ZeroCurve": "curve",
}

__all__ = ["Contracts", "ZeroCurve", "american", "european", "value_chain", "valued_chain", "volatility_at"]


def __getattr__(name: str) -> object:
    """Import on first use: NumPy and SciPy take time that a cache hit should not pay."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOMES.get(name, name)}")
    return getattr(module, name) if name in _HOMES else module
