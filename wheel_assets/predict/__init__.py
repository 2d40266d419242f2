"""Predictions: probabilities and returns of selling each contract and holding it to expiration.

Reading order: `distribution` holds where the share price may end; `smile` derives it from the volatilities of one
expiration, `term_structure` removes calendar arbitrage between expirations; `realised` is the recent volatility of the
shares; `seller_returns` are a seller's returns; `model` puts them together and states the assumptions;
`chain.predict_chain` applies it to a frame. Afterwards `settlement` finds what happened and `calibration` scores the
probabilities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wheel_assets.predict.chain import predict_chain
    from wheel_assets.predict.realised import realised_volatility

__all__ = ["MODEL_VERSION", "predict_chain", "realised_volatility"]

MODEL_VERSION = "smile-3"  # raised with every change of the model's numbers: it is part of `prediction_id`


def __getattr__(name: str) -> object:
    """Import on first use: NumPy and SciPy take time that a cache hit should not pay."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from wheel_assets.predict import chain, realised

    return getattr(realised if name == "realised_volatility" else chain, name)
