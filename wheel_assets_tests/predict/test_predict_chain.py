"""Frames in and out: shapes, identity, what is missing, and what must hold across a chain."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from wheel_assets.greeks import european, value_chain
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.predict import MODEL_VERSION, predict_chain
from wheel_assets.tables import OPTION_CHAINS, PREDICTIONS

QUOTED = pd.Timestamp("2026-11-20 21:00")
EXPIRATION = pd.Timestamp("2026-12-18")
YEARS = 28 / 365
VOLATILITY = 0.4


def _chain(symbol: str = "SPXW", volatility: float = VOLATILITY) -> pd.DataFrame:
    """A European chain at one volatility, four weeks long, rate 0, quoted a cent wide."""
    rows = [(strike, kind) for strike in np.arange(80.0, 121.0, 2.5) for kind in ("call", "put")]
    chain = pd.DataFrame(rows, columns=["strike", "option_type"])
    contracts = Contracts.of(chain["option_type"] == "put", 100.0, chain["strike"], YEARS, 0.0, 0.0)
    value = european.price(contracts, volatility)
    codes = "261218" + chain["option_type"].str[0].str.upper()
    osi = symbol.ljust(6) + codes + (chain["strike"] * 1000).astype(int).astype(str).str.zfill(8)
    quotes = {"bid": value - 0.005, "ask": value + 0.005, "timestamp": QUOTED, "symbol": symbol}
    rest = {"option_symbol": osi, "spot_price": 100.0, "multiplier": 100, "quote_quality": "ok", "source": "test"}
    empty = dict.fromkeys(("last", "bid_size", "ask_size", "volume", "open_interest", "iv"), np.nan)
    return OPTION_CHAINS.conform(chain.assign(expiration=EXPIRATION, **quotes, **rest, **empty))


def _predict(chain: pd.DataFrame, **options: object) -> pd.DataFrame:
    return predict_chain(chain, value_chain(chain, risk_free_rate=0.0), **options)


def _said(predictions: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame([json.loads(text) for text in predictions["predictions"]], dtype=float)


def _lognormal_below(strike: pd.Series, volatility: float = VOLATILITY) -> np.ndarray:
    deviation = volatility * np.sqrt(YEARS)
    return ndtr(np.log(strike.to_numpy() / 100) / deviation + 0.5 * deviation)


def test_the_frame_fits_its_table_row_by_row():
    chain = pd.concat([_chain(), _chain("ABCD", 0.6)]).sample(frac=1, random_state=1)
    predictions = PREDICTIONS.conform(_predict(chain))
    assert predictions["option_symbol"].tolist() == chain["option_symbol"].tolist()
    assert set(predictions["model_version"]) == {MODEL_VERSION}
    assert predictions["prediction_id"].is_unique


def test_stored_frames_and_frames_in_another_order_give_the_same():
    chain = _chain()
    greeks = value_chain(chain, risk_free_rate=0.0)
    stored = [frame.assign(snapshot_id=7, created_at=QUOTED) for frame in (chain, greeks.iloc[::-1])]
    pd.testing.assert_frame_equal(predict_chain(*stored), predict_chain(chain, greeks))


def test_finishing_in_the_money_is_lognormal_where_the_smile_is_flat():
    predictions = _predict(_chain())
    puts = predictions[predictions["option_type"] == "put"]
    np.testing.assert_allclose(puts["prob_itm"], _lognormal_below(puts["strike"]), atol=2e-3)


def test_put_and_call_of_one_strike_share_all_outcomes():
    pairs = _predict(_chain()).pivot(index="strike", columns="option_type", values="prob_itm")
    np.testing.assert_allclose(pairs["put"] + pairs["call"], 1, atol=1e-12)
    assert pairs["put"].is_monotonic_increasing


def test_touching_is_between_finishing_there_and_certain():
    predictions = _predict(_chain())
    assert (predictions["prob_touch"] >= predictions["prob_itm"] - 1e-12).all()
    money = np.where(predictions["option_type"] == "put", 1, -1) * (predictions["strike"] - 100)
    assert (predictions.loc[money >= 0, "prob_touch"] == 1).all()
    assert (predictions.loc[money < 0, "prob_touch"] < 1).all()


def test_selling_at_the_mid_of_a_fair_market_costs_the_commission():
    chain = _chain()
    predictions = _predict(chain, price="mid", commission=1.0)
    collateral = np.where(chain["option_type"] == "put", chain["strike"], chain["spot_price"])
    np.testing.assert_allclose(predictions["expected_return"] * collateral, -0.01, atol=0.01)
    gross = _said(predictions)["expected_return_before_commission"]
    np.testing.assert_allclose((gross - predictions["expected_return"]) * collateral, 0.01, atol=1e-6)


def test_the_bid_is_what_a_seller_gets_by_default():
    chain = _chain()
    difference = _predict(chain, price="mid")["expected_return"] - _predict(chain)["expected_return"]
    collateral = np.where(chain["option_type"] == "put", chain["strike"], chain["spot_price"])
    np.testing.assert_allclose(difference * collateral, 0.005, atol=1e-9)


def test_realised_volatility_moves_the_view_half_way_in_variance():
    chain = _chain()
    calm = _predict(chain, realised_volatility={"SPXW": 0.2})
    puts = calm[calm["option_type"] == "put"]
    believed = np.sqrt(0.5 * (VOLATILITY**2 + 0.2**2))
    np.testing.assert_allclose(puts["prob_itm"], _lognormal_below(puts["strike"], believed), atol=3e-3)
    assert (calm["expected_return"].to_numpy() >= _predict(chain)["expected_return"].to_numpy() - 1e-9).all()


def test_a_symbol_without_realised_volatility_keeps_the_markets_view():
    chain = _chain()
    pd.testing.assert_series_equal(
        _predict(chain, realised_volatility={"ZZZZ": 0.1})["prob_itm"], _predict(chain)["prob_itm"]
    )


def test_a_contract_without_a_bid_has_probabilities_and_no_returns():
    chain = _chain()
    chain.loc[3, "bid"] = 0.0
    row = _predict(chain).loc[3]
    assert 0 < row["prob_itm"] < 1
    assert np.isnan(row["expected_return"])
    assert np.isnan(row["cvar_95"])
    assert json.loads(row["predictions"])["expected_return"] is None
    assert json.loads(row["input_features"])["premium"] is None


@pytest.mark.parametrize(
    "change", [{"bid": np.nan}, {"timestamp": EXPIRATION + pd.Timedelta(days=2)}, {"spot_price": 0.0}]
)
def test_an_expiration_without_any_volatility_has_no_predictions(change):
    predictions = PREDICTIONS.conform(_predict(_chain().assign(**change)))
    assert predictions[["prob_itm", "prob_touch", "expected_return", "cvar_95"]].isna().all(axis=None)


def test_an_expiration_is_not_moved_by_another_symbol():
    alone = _predict(_chain())
    together = _predict(pd.concat([_chain("ABCD", 1.5), _chain()], ignore_index=True))
    pd.testing.assert_frame_equal(together[together["symbol"] == "SPXW"].reset_index(drop=True), alone)


def test_an_id_is_stable_and_changes_with_whatever_the_model_saw():
    chain = _chain()
    base = _predict(chain)["prediction_id"]
    assert (base == _predict(chain.copy())["prediction_id"]).all()
    other = chain.copy()
    other.loc[5, ["bid", "ask"]] += 0.2
    for changed in (_predict(other), _predict(chain, commission=0.0), _predict(chain, price="mid")):
        assert (base != changed["prediction_id"]).all()


def test_an_empty_chain_gives_an_empty_frame():
    assert list(_predict(_chain().iloc[:0])) == [column.name for column in PREDICTIONS.columns]
