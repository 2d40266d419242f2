"""What may happen? To whoever sells a contract and holds it to expiration.

Reads in this order: `distribution` is where the share price may end; `smile` reads it off the volatilities of
one expiration, `term_structure` makes those of all expirations agree; `realised` is what the shares did of late,
`sessions` the clock it goes by; `outcomes` is what a seller makes of it; `model` puts them together, states what
is assumed, and says everything about the expirations of one underlying; `chain.predict_chain` does so for a frame.
Afterwards: `settlement` is what happened, `calibration` how good the probabilities were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wheel_assets.predict.chain import predict_chain
    from wheel_assets.predict.realised import realised_volatility

__all__ = ["MODEL_VERSION", "predict_chain", "realised_volatility"]

MODEL_VERSION = "smile-3"  # a new one with every change of what the model says


def __getattr__(name: str) -> object:
    """Import on first use: NumPy and SciPy take time that a cache hit should not pay."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from wheel_assets.predict import chain, realised

    return getattr(realised if name == "realised_volatility" else chain, name)
