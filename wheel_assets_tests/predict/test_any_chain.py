"""What holds of the predictions of any chain at all, however bad its quotes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.defs.checks.sanity import probability_against_strikes, touch_below_assignment
from wheel_assets.greeks import value_chain
from wheel_assets.predict import predict_chain
from wheel_assets.tables import OPTION_CHAINS, PREDICTIONS

QUOTED = pd.Timestamp("2026-11-20 20:30")


def _chain(seed: int, strikes: int, days: list[int], sense: float) -> pd.DataFrame:
    """Quotes that are more or less (`sense` 1 to 0) what a put or call should cost, and often missing or crossed."""
    random = np.random.default_rng(seed)
    spot = float(np.exp(random.uniform(0, 7)))
    strike = np.unique((spot * np.exp(random.normal(0, 0.4, strikes))).round(2)) + 0.01
    rows = [(day, k, kind) for day in days for k in strike for kind in ("put", "call")]
    chain = pd.DataFrame(rows, columns=["days", "strike", "option_type"])
    worth = np.maximum(np.where(chain["option_type"] == "put", 1, -1) * (chain["strike"] - spot), 0)
    fair = worth + 0.4 * spot * 0.5 * np.sqrt(chain["days"].clip(lower=0) / 365)
    mid = fair * sense + spot * random.exponential(0.3, len(chain)) * (1 - sense)
    half = mid * random.choice([0, 0.01, 0.2, 0.9, -0.1], len(chain))
    quotes = {"bid": np.maximum(mid - half, 0), "ask": np.maximum(mid + half, 0)}
    chain = chain.assign(
        **{name: np.where(random.uniform(size=len(chain)) < 0.2, np.nan, q) for name, q in quotes.items()}
    )
    expiration = QUOTED.normalize() + pd.to_timedelta(chain.pop("days"), unit="D")
    code = "ABCD  " + expiration.dt.strftime("%y%m%d") + chain["option_type"].str[0].str.upper()
    code += (1000 * chain["strike"]).round().astype(int).astype(str).str.zfill(8)
    rest = {"symbol": "ABCD", "timestamp": QUOTED, "spot_price": spot, "multiplier": 100, "source": "test"}
    missing = dict.fromkeys(("last", "bid_size", "ask_size", "volume", "open_interest", "iv"), np.nan)
    return OPTION_CHAINS.conform(
        chain.assign(expiration=expiration, option_symbol=code, quote_quality="ok", **rest, **missing)
    )


@pytest.mark.slow
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 15),
    st.lists(st.integers(-3, 700), min_size=1, max_size=5, unique=True),
    st.sampled_from([0.0, 0.9, 1.0]),
    st.sampled_from([{}, {"ABCD": 1e-3}, {"ABCD": 0.5}, {"ABCD": 50.0}]),
)
def test_what_holds_of_any_chain(seed, strikes, days, sense, realised):
    chain = _chain(seed, strikes, days, sense)
    greeks = value_chain(chain, risk_free_rate=0.04)
    found = PREDICTIONS.conform(predict_chain(chain, greeks, realised_volatility=realised))
    assert (probability_against_strikes(found).fillna(0) <= 1e-9).all()
    assert (touch_below_assignment(found).fillna(0) <= 1e-9).all()
    pairs = found.pivot(index=["expiration", "strike"], columns="option_type", values="prob_itm").dropna()
    np.testing.assert_allclose(pairs.sum(axis=1), 1, atol=1e-9)
    assert found["prediction_id"].is_unique
    said = pd.DataFrame([json.loads(text) for text in found["predictions"]], dtype=float)
    tail = said[["cvar_95", "return_5", "return_50", "return_95"]].dropna()
    assert (tail.diff(axis=1).iloc[:, 1:] >= -1e-6).all(axis=None)
    known = said[said["prob_itm"].notna()]
    assert known["days_to_touch"].between(0, known["days_held"] + 1e-6).all()
