"""Predictions for an option chain: the one module that joins frames and the model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wheel_assets.greeks.quotes.prices import mid_prices, quoted_prices
from wheel_assets.market.arrays import Floats
from wheel_assets.market.calendar import sessions_left
from wheel_assets.market.osi import roots
from wheel_assets.predict import MODEL_VERSION
from wheel_assets.predict.model import SAID, Slice, predicted
from wheel_assets.tables import PREDICTIONS

Rows = NDArray[np.intp]
Texts = NDArray[np.object_]


def predict_chain(
    option_chains: pd.DataFrame,
    greeks: pd.DataFrame,
    *,
    price: Literal["bid", "mid"] = "bid",
    commission: float = 0.65,
    realised_volatility: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Predictions for selling each contract at `price`: the columns of `tables.PREDICTIONS`.

    `greeks` is the result of `value_chain` for the same chain; both may have further columns. One row per contract of
    the chain, in its order. Probabilities are NaN where the whole expiration has no volatility, returns also where the
    contract has no bid. `commission` is dollars a contract, `realised_volatility` the result of
    `realised.realised_volatility`. Assumptions: `predict.model`; definition of returns: `predict.seller_returns`.
    """
    features = _features(option_chains, greeks, price, commission, realised_volatility or {})
    columns = {name: features[name].to_numpy(dtype=float) for name in Slice._fields}
    said = np.full((len(SAID), len(option_chains)), np.nan)
    surface = np.zeros(len(option_chains), dtype=np.intp)
    for number, expirations in enumerate(_surfaces(option_chains)):
        slices = [Slice(*(columns[name][rows] for name in Slice._fields)) for rows in expirations]
        for rows, values in zip(expirations, predicted(slices), strict=True):
            said[:, rows], surface[rows] = values, number
    return _frame(option_chains, pd.DataFrame(dict(zip(SAID, said, strict=True))), features, surface)


def _surfaces(chain: pd.DataFrame) -> Iterator[list[Rows]]:
    """Row numbers of each expiration, soonest first, for each underlying, root and quote time.

    Roots are kept apart: an adjusted contract (SMCI1) has another deliverable.
    """
    series = chain[["symbol", "timestamp", "expiration"]].assign(root=roots(chain["option_symbol"]))
    expirations = series.groupby(["symbol", "root", "timestamp", "expiration"], sort=False)
    rows = cast(dict[tuple[Any, ...], Rows], expirations.indices)
    for _, together in groupby(sorted(rows), key=itemgetter(0, 1, 2)):
        yield [rows[expiration] for expiration in together]


def _features(
    chain: pd.DataFrame, greeks: pd.DataFrame, price: str, commission: float, realised: Mapping[str, float]
) -> pd.DataFrame:
    """The model's inputs, one row per contract, one column each."""
    bid, ask = quoted_prices(chain["bid"]), quoted_prices(chain["ask"])
    mid = mid_prices(bid, ask)
    valued = _aligned(greeks, chain["option_symbol"])
    disbelieved = valued["status"].isin(["arbitrage", "spot_mismatch"]).to_numpy()
    taken = {"rate": "risk_free_rate"} | {name: name for name in ("years", "dividend_yield", "iv", "vega", "delta")}
    return pd.DataFrame(
        {
            "is_put": chain["option_type"].eq("put").to_numpy().astype(float),
            "spot": _floats(valued, "spot_price"),
            "strike": _floats(chain, "strike"),
            "half_spread": np.where(np.isnan(mid), np.nan, 0.5 * (ask - bid)),
            "premium": np.where(np.isnan(mid) | disbelieved, np.nan, bid if price == "bid" else mid),
            "commission": commission / _floats(chain, "multiplier"),
            "realised_volatility": chain["symbol"].map(realised).to_numpy(dtype=float, na_value=np.nan),
            "sessions": sessions_left(chain["timestamp"], _floats(valued, "years")),
        }
        | {name: _floats(valued, column) for name, column in taken.items()}
    )


def _floats(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(dtype=float, na_value=np.nan)


def _aligned(greeks: pd.DataFrame, option_symbols: pd.Series) -> pd.DataFrame:
    """The row of the Greeks for each contract of the chain, all missing where there is none."""
    if len(greeks) == len(option_symbols) and (greeks["option_symbol"].to_numpy() == option_symbols.to_numpy()).all():
        return greeks
    return greeks.drop_duplicates("option_symbol").set_index("option_symbol").reindex(option_symbols)


def _frame(chain: pd.DataFrame, said: pd.DataFrame, features: pd.DataFrame, surface: Rows) -> pd.DataFrame:
    """The columns of `tables.PREDICTIONS`, in order."""
    names = [column.name for column in PREDICTIONS.columns]
    input_features = _json_lines(features)
    columns = {
        "prediction_id": _ids(chain, input_features, surface),
        "input_features": input_features,
        "predictions": _json_lines(said),
        "model_version": MODEL_VERSION,
        "realised_volatility": features["realised_volatility"].to_numpy(),
    } | {name: said[name].to_numpy() for name in said if name in names}
    return pd.DataFrame({name: columns[name] if name in columns else chain[name].to_numpy() for name in names})


def _json_lines(frame: pd.DataFrame) -> list[str]:
    """One JSON object per row, NaN as null. All columns are numbers, so splitting the text at `},{` is safe."""
    text = frame.to_json(orient="records", double_precision=9)
    return [f"{{{line}}}" for line in text[2:-2].split("},{")][: len(frame)]


def _ids(chain: pd.DataFrame, input_features: list[str], surface: Rows) -> Texts:
    """Prediction ids: equal for the same contract, quote time, model and inputs, whatever the order of rows.

    A prediction depends on all contracts of its surface, so all their features are hashed, with the contract's own
    code. The results are not hashed: their last digits may differ between machines.
    """
    contract = chain["option_symbol"].to_numpy(dtype=object)
    quoted_at = chain["timestamp"].to_numpy(dtype="datetime64[us]").astype(str)
    seen = contract + np.array(input_features, dtype=object)
    inputs = np.empty(surface.max(initial=-1) + 1, dtype=object)
    for number in np.unique(surface):
        rows = np.flatnonzero(surface == number)
        inputs[number] = _digest(MODEL_VERSION, quoted_at[rows[0]], *sorted(seen[rows]))
    ids: Texts = inputs[surface] + "-" + chain["option_symbol"].str.replace(" ", "").to_numpy(dtype=object)
    return ids


def _digest(*texts: str) -> str:
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=16).hexdigest()
