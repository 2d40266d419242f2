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
from wheel_assets.predict.model import MEANINGS
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
    quotes = {"bid": np.maximum(value - 0.005, 0), "ask": value + 0.005, "timestamp": QUOTED, "symbol": symbol}
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
    assert predictions["prediction_id"].str.fullmatch(r"[0-9a-f]{32}-[A-Z]+\d{6}[CP]\d{8}").all()


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


@pytest.mark.parametrize(("realised", "counted"), [(0.3, 0.3), (0.6, 0.6), (0.01, 0.01), (9.0, 9.0)])
def test_realised_volatility_moves_the_view_beside_by_its_weight_in_variance(realised, counted):
    chain = _chain()
    predictions = _predict(chain, realised_volatility={"SPXW": realised})
    puts = predictions[predictions["option_type"] == "put"]
    # By hand: 19 sessions are left (without Thanksgiving), half of a distance is gone after 73.
    weight = 0.5 * np.mean(0.5 ** (np.arange(0.5, 19) / 73))
    realised_to_the_end = np.clip(counted**2 * 19 / 252, VOLATILITY**2 * YEARS / 4, VOLATILITY**2 * YEARS * 4)
    believed = np.sqrt((1 - weight) * VOLATILITY**2 + weight * realised_to_the_end / YEARS)
    np.testing.assert_allclose(puts["prob_itm_history"], _lognormal_below(puts["strike"], believed), atol=3e-3)
    np.testing.assert_allclose(_said(predictions)["stretch"], believed / VOLATILITY, rtol=5e-3)


def test_a_price_history_changes_nothing_that_is_believed():
    market, beside = _predict(_chain()), _predict(_chain(), realised_volatility={"SPXW": 0.2})
    assert market["prob_itm_history"].isna().all()
    assert beside["prob_itm_history"].notna().all()
    shown = ["prediction_id", "input_features", "predictions", "prob_itm_history", "realised_volatility"]
    pd.testing.assert_frame_equal(beside.drop(columns=shown), market.drop(columns=shown))


def test_implied_and_realised_volatility_are_told_side_by_side():
    said = _predict(_chain(), realised_volatility={"SPXW": 0.2})
    np.testing.assert_allclose(said["implied_volatility"], VOLATILITY, atol=2e-3)
    assert (said["realised_volatility"] == 0.2).all()


def test_the_volatility_used_is_told_or_null():
    chain = pd.concat([_chain(), _chain("ABCD", 0.6)], ignore_index=True)
    seen = [json.loads(text) for text in _predict(chain, realised_volatility={"SPXW": 0.2})["input_features"]]
    assert {row["realised_volatility"] for row in seen[: len(seen) // 2]} == {0.2}
    assert {row["realised_volatility"] for row in seen[len(seen) // 2 :]} == {None}


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


def test_what_is_said_is_valid_json_under_documented_names():
    chain = pd.concat([_chain(), _chain("ABCD").assign(bid=np.nan)], ignore_index=True)
    for text in _predict(chain, realised_volatility={"SPXW": 0.2})["predictions"]:
        assert list(json.loads(text, parse_constant=pytest.fail)) == list(MEANINGS)


def test_columns_repeat_what_the_json_says():
    predictions = _predict(_chain())
    for name in ("prob_itm", "prob_touch", "expected_return", "cvar_95"):
        np.testing.assert_allclose(predictions[name], _said(predictions)[name], atol=1e-9)


def test_an_id_is_the_same_in_any_order_and_whatever_the_model_did_not_see():
    chain = _chain()
    base = _predict(chain).set_index("option_symbol")["prediction_id"]
    other = chain.sample(frac=1, random_state=3).assign(volume=7, open_interest=9, source="elsewhere")
    more = pd.concat([other, _chain("ABCD", 0.6)], ignore_index=True)
    assert _predict(more).set_index("option_symbol")["prediction_id"].loc[base.index].equals(base)
    later = _predict(chain.assign(timestamp=QUOTED + pd.Timedelta(seconds=1)))["prediction_id"]
    assert not set(later) & set(base)


@pytest.mark.parametrize("kept", [["put"], ["call"], ["put", "call"]])
def test_one_quoted_strike_is_enough_for_the_whole_expiration(kept):
    chain = _chain()
    silent = (chain["strike"] != 95.0) | ~chain["option_type"].isin(kept)
    chain.loc[silent, ["bid", "ask"]] = np.nan
    predictions = _predict(chain)
    puts = predictions[predictions["option_type"] == "put"]
    np.testing.assert_allclose(puts["prob_itm"], _lognormal_below(puts["strike"]), atol=0.01)


@pytest.mark.parametrize("volatility", [0.03, 0.2, 1.0, 3.0, 5.0])
def test_volatilities_from_calm_to_absurd(volatility):
    predictions = PREDICTIONS.conform(_predict(_chain(volatility=volatility)))
    puts = predictions[predictions["option_type"] == "put"]
    np.testing.assert_allclose(puts["prob_itm"], _lognormal_below(puts["strike"], volatility), atol=0.01)


def test_an_adjusted_root_has_a_smile_of_its_own():
    adjusted = _chain("ABCD", 1.2)
    adjusted["option_symbol"] = adjusted["option_symbol"].str.replace("ABCD  ", "ABCD1 ")
    plain = _chain("ABCD", 0.4)
    together = _predict(pd.concat([adjusted, plain], ignore_index=True))
    np.testing.assert_allclose(together["prob_itm"].tail(len(plain)), _predict(plain)["prob_itm"], atol=1e-12)


def test_a_stale_quote_moves_little():
    chain = _chain()
    stale = chain.copy()
    rows = stale.index[(stale["strike"] == 97.5) & (stale["option_type"] == "put")]
    stale.loc[rows, ["bid", "ask"]] = chain.loc[rows, ["bid", "ask"]] + 1.0  # at 60 % instead of 40, a cent wide
    np.testing.assert_allclose(_predict(stale)["prob_itm"], _predict(chain)["prob_itm"], atol=0.01)


def test_days_to_the_touch_are_between_none_and_all():
    predictions = _predict(_chain())
    said = _said(predictions)
    money = np.where(predictions["option_type"] == "put", 1, -1) * (predictions["strike"] - 100)
    np.testing.assert_allclose(said["days_held"], 28)
    assert (said.loc[money >= 0, "days_to_touch"] == 0).all()
    untouched = said["days_held"] * (1 - said["prob_touch"])
    assert (said["days_to_touch"] >= untouched - 1e-6).all()
    assert (said["days_to_touch"] <= said["days_held"]).all()


def _two_expirations(near: float, far: float) -> pd.DataFrame:
    """Four weeks at one volatility and eight at another."""
    later = _chain(volatility=far * np.sqrt(2))  # the same quotes over twice the time are another volatility
    later["expiration"] = EXPIRATION + pd.Timedelta(days=28)
    later["option_symbol"] = later["option_symbol"].str.replace("261218", "270115")
    return pd.concat([_chain(volatility=near), later], ignore_index=True)


def test_what_may_happen_by_a_later_date_is_never_less_than_by_an_earlier_one():
    predictions = _predict(_two_expirations(0.6, 0.3))  # total variance falls from 0.36 to 0.18 of four weeks
    volatility = _said(predictions)["smile_volatility"].to_numpy().reshape(2, -1)
    deviation = volatility * np.sqrt([[1.0], [2.0]])
    assert (deviation[1] >= deviation[0] * (1 - 2e-4)).all()  # exact at the nodes only
    assert 0.42 < deviation[1].min() < deviation[0].max() < 0.6


def test_expirations_that_agree_are_left_as_they_are():
    both = _two_expirations(0.4, 0.4)
    alone = pd.concat([_predict(both.iloc[:34]), _predict(both.iloc[34:])], ignore_index=True)
    pd.testing.assert_series_equal(_predict(both)["prob_itm"], alone["prob_itm"])
