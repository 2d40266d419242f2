"""Chains and Greeks in, predictions out: the one place where frames meet the model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from wheel_assets.greeks.contracts import Floats
from wheel_assets.greeks.quotes import mid_prices, quoted_prices
from wheel_assets.predict import MODEL_VERSION
from wheel_assets.predict.model import SAID, Slice, predicted
from wheel_assets.tables import PREDICTIONS


def predict_chain(
    option_chains: pd.DataFrame,
    greeks: pd.DataFrame,
    *,
    price: Literal["bid", "mid"] = "bid",
    commission: float = 0.65,
    realised_volatility: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """What may happen to whoever sells each contract: the columns of `tables.PREDICTIONS`.

    `greeks` is what `value_chain` gave for the same chain; both may carry further columns. One row a
    contract of the chain, in its order. Probabilities are NaN where the whole expiration has no volatility,
    returns also where the contract has no bid. `price` is the premium received, `commission` dollars a
    contract, `realised_volatility` decimals a year by symbol, see `predict.model`. Profit and returns:
    `predict.outcomes`.
    """
    features = _features(option_chains, greeks, price, commission, realised_volatility or {})
    said = np.full((len(SAID), len(option_chains)), np.nan)
    keys = [option_chains["symbol"], option_chains["option_symbol"].str.slice(0, 6), option_chains["expiration"]]
    columns = {name: features[name].to_numpy(dtype=float) for name in Slice._fields}
    for rows in option_chains.groupby([key.to_numpy() for key in keys], sort=False).indices.values():
        said[:, rows] = predicted(Slice(*(columns[name][rows] for name in Slice._fields)))
    return _frame(option_chains, pd.DataFrame(dict(zip(SAID, said, strict=True))), features)


def _features(
    chain: pd.DataFrame, greeks: pd.DataFrame, price: str, commission: float, realised: Mapping[str, float]
) -> pd.DataFrame:
    """Everything the model sees of each contract, one column each."""
    bid, ask = quoted_prices(chain["bid"]), quoted_prices(chain["ask"])
    mid = mid_prices(bid, ask)
    valued = _aligned(greeks, chain["option_symbol"])
    taken = {"rate": "risk_free_rate"} | {name: name for name in ("years", "dividend_yield", "iv", "vega", "delta")}
    return pd.DataFrame(
        {
            "is_put": chain["option_type"].eq("put").to_numpy().astype(float),
            "spot": _floats(chain, "spot_price"),
            "strike": _floats(chain, "strike"),
            "half_spread": np.where(np.isnan(mid), np.nan, 0.5 * (ask - bid)),
            "premium": np.where(np.isnan(mid), np.nan, bid) if price == "bid" else mid,
            "commission": commission / _floats(chain, "multiplier"),
            "realised_volatility": chain["symbol"].map(realised).to_numpy(dtype=float, na_value=np.nan),
        }
        | {name: _floats(valued, column) for name, column in taken.items()}
    )


def _floats(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(dtype=float, na_value=np.nan)


def _aligned(greeks: pd.DataFrame, option_symbols: pd.Series) -> pd.DataFrame:
    """The Greeks' row of each contract of the chain; all missing where there is none."""
    if len(greeks) == len(option_symbols) and (greeks["option_symbol"].to_numpy() == option_symbols.to_numpy()).all():
        return greeks
    return greeks.drop_duplicates("option_symbol").set_index("option_symbol").reindex(option_symbols)


def _frame(chain: pd.DataFrame, said: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """The columns of `tables.PREDICTIONS`, in order."""
    input_features, predictions = _json_lines(features), _json_lines(said)
    whose = chain["option_symbol"].to_numpy() + chain["timestamp"].astype(str).to_numpy()
    columns = {
        "prediction_id": [_digest(*texts) for texts in zip(whose, input_features, predictions, strict=True)],
        "input_features": input_features,
        "predictions": predictions,
        "model_version": MODEL_VERSION,
    } | {name: said[name].to_numpy() for name in ("prob_itm", "prob_touch", "expected_return", "cvar_95")}
    names = [column.name for column in PREDICTIONS.columns]
    return pd.DataFrame({name: columns[name] if name in columns else chain[name].to_numpy() for name in names})


def _json_lines(frame: pd.DataFrame) -> list[str]:
    """One JSON object a row; NaN is null."""
    lines = frame.to_json(orient="records", lines=True, double_precision=9)
    return lines.split("\n")[: len(frame)]


def _digest(*texts: str) -> str:
    """The same for the same contract, quote time, inputs and model.

    The predictions are hashed along with the contract's own features: they stand for the rest of the
    inputs, the quotes of the whole expiration.
    """
    return hashlib.blake2b("\n".join((MODEL_VERSION, *texts)).encode(), digest_size=16).hexdigest()
