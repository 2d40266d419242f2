"""Whole chains: known volatilities and yields go in as quotes and must come out again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from wheel_assets.greeks import ZeroCurve, american, european, units, value_chain, valued_chain, volatility_at
from wheel_assets.greeks.contracts import Contracts
from wheel_assets.predict import predict_chain
from wheel_assets.tables import GREEKS, OPTION_CHAINS, PREDICTIONS

RATE = 0.04
QUOTED = pd.Timestamp("2026-11-20 21:00")


def _chain(symbol: str = "ABCD", dividend: float = 0.0, volatility: float = 0.5, style=american) -> pd.DataFrame:
    """A chain quoted a cent to each side of the value at one volatility; three expirations, seventeen strikes."""
    rows = [
        (day, strike, kind)
        for day in ("2026-12-04", "2027-01-15", "2027-11-19")
        for strike in np.arange(60.0, 141.0, 5.0)
        for kind in ("call", "put")
    ]
    chain = pd.DataFrame(rows, columns=["expiration", "strike", "option_type"])
    chain["expiration"] = pd.to_datetime(chain["expiration"])
    years = (chain["expiration"] + pd.Timedelta(hours=21) - QUOTED) / pd.Timedelta(days=365)
    contracts = Contracts.of(chain["option_type"] == "put", 100.0, chain["strike"], years, RATE, dividend)
    value = style.price(contracts, np.full(len(chain), volatility))
    codes = chain["expiration"].dt.strftime("%y%m%d") + chain["option_type"].str[0].str.upper()
    osi = symbol.ljust(6) + codes + (chain["strike"] * 1000).astype(int).astype(str).str.zfill(8)
    quotes = {"bid": np.maximum(value - 0.01, 0.0), "ask": value + 0.01, "timestamp": QUOTED, "symbol": symbol}
    rest = {"option_symbol": osi, "spot_price": 100.0, "multiplier": 100, "quote_quality": "ok", "source": "test"}
    empty = dict.fromkeys(("last", "bid_size", "ask_size", "volume", "open_interest", "iv"), np.nan)
    return OPTION_CHAINS.conform(chain.assign(**quotes, **rest, **empty))


def test_the_frame_fits_its_table_row_by_row():
    chain = pd.concat([_chain(), _chain("WXYZ", 0.02)]).sample(frac=1, random_state=1)
    greeks = GREEKS.conform(value_chain(chain, risk_free_rate=RATE))
    assert greeks["option_symbol"].tolist() == chain["option_symbol"].tolist()
    assert (greeks["timestamp"] == QUOTED).all()


@pytest.mark.parametrize(
    ("dividend", "volatility"),
    [(0.0, 0.15), (0.03, 0.15), (-0.02, 0.15), (0.0, 0.5), (0.03, 0.5), (0.25, 0.5), (0.03, 1.2)],
)
def test_volatility_and_forward_come_out_as_they_went_in(dividend, volatility):
    greeks = value_chain(_chain(dividend=dividend, volatility=volatility), risk_free_rate=RATE)
    later = greeks[(greeks["years"] > 0.1) & (greeks["status"] == "ok")]
    cents_of_forward = (later["dividend_yield"] - dividend) * later["years"] * 100 * 100
    assert cents_of_forward.abs().max() < 1
    near = later[later["delta"].abs().between(0.1, 0.9)]
    np.testing.assert_allclose(near["iv"], volatility, atol=2e-3)
    assert len(near) >= 15


@pytest.mark.parametrize("root", ["SPXW", "SPX"])
def test_index_options_are_valued_as_european(root):
    chain = _chain(root, 0.015, style=european)
    greeks = value_chain(chain, risk_free_rate=RATE)
    if root == "SPXW":
        np.testing.assert_allclose(greeks["iv"].dropna(), 0.5, atol=2e-3)
    assert (greeks["years"].min() * 365) == pytest.approx(14 if root == "SPXW" else 13)


@pytest.mark.parametrize("dividend", [-0.3, 0.3])
def test_deltas_stay_in_bounds_whatever_the_carry(dividend):
    greeks = GREEKS.conform(value_chain(_chain(dividend=dividend, volatility=0.8), risk_free_rate=RATE))
    valued = greeks[greeks["status"] == "ok"]
    assert valued.query("option_type == 'call'")["delta"].between(0, 1).all()
    assert valued.query("option_type == 'put'")["delta"].between(-1, 0).all()
    assert (valued[["gamma", "vega"]] >= 0).all(axis=None)


def test_weeklies_and_monthlies_of_one_day_are_settled_and_carried_apart():
    chain = pd.concat([_chain("SPX", 0.05, style=european), _chain("SPXW", 0.01, style=european)])
    chain["symbol"] = "SPX"
    greeks = value_chain(chain, risk_free_rate=RATE)
    last = greeks[greeks["expiration"] == greeks["expiration"].max()].groupby(
        greeks["option_symbol"].str[:4].str.strip()
    )
    assert (last["years"].first()["SPXW"] - last["years"].first()["SPX"]) * 365 == pytest.approx(1)
    np.testing.assert_allclose(last["dividend_yield"].first()[["SPX", "SPXW"]], [0.05, 0.01], atol=2e-3)


@pytest.mark.parametrize(("hours", "status"), [(-6.5, "ok"), (-1 / 3600, "ok"), (0, "expired"), (1, "expired")])
def test_on_expiration_day_contracts_are_valued_to_the_last_second(hours, status):
    chain = _chain(volatility=0.9).head(34)
    at_the_money = chain.index[chain["strike"] == 100]
    years = max(-hours, 1 / 3600) / 24 / 365
    contracts = Contracts.of(chain["option_type"].eq("put"), 100.0, chain["strike"], years, RATE, 0.0)
    value = american.price(contracts, np.full(len(chain), 0.9))
    quoted = pd.Timestamp("2026-12-04 21:00") + pd.Timedelta(hours=hours)
    chain = chain.assign(timestamp=quoted, bid=value * 0.99, ask=value * 1.01)
    found = value_chain(chain, risk_free_rate=RATE).loc[at_the_money]
    assert (found["status"] == status).all()
    assert np.allclose(found["iv"], 0.9, atol=0.01) or status == "expired"


def test_each_contract_takes_the_rate_of_its_own_tenor():
    curve = ZeroCurve((0.25, 1.0), (0.05, 0.02))
    greeks = value_chain(_chain(), risk_free_rate=curve)
    np.testing.assert_array_equal(greeks["risk_free_rate"], curve.at(greeks["years"]))
    assert greeks.groupby("expiration")["risk_free_rate"].first().round(6).tolist() == [0.05, 0.05, 0.020110]


def test_a_flat_curve_is_one_rate():
    flat = ZeroCurve((0.1, 2.0), (RATE, RATE))
    found = value_chain(_chain(), risk_free_rate=flat)
    pd.testing.assert_frame_equal(found, value_chain(_chain(), risk_free_rate=RATE))


def test_put_and_call_of_one_strike_agree():
    greeks = value_chain(_chain(dividend=0.02), risk_free_rate=RATE)
    near = greeks[greeks["strike"].between(95, 105)].pivot(index=["expiration", "strike"], columns="option_type")
    np.testing.assert_allclose(near["iv", "call"], near["iv", "put"], atol=1e-3)
    np.testing.assert_allclose(near["gamma", "call"], near["gamma", "put"], rtol=0.1)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"bid": 0.0}, "no_bid"),
        ({"bid": np.nan}, "no_bid"),
        ({"ask": np.nan}, "no_ask"),
        ({"bid": np.nan, "ask": np.nan}, "missing"),
        ({"bid": 9.0, "ask": 8.0}, "crossed"),
        ({"bid": 0.01, "ask": 25.0}, "wide"),
        ({"bid": 500.0, "ask": 501.0}, "above_bound"),
        ({"spot_price": 0.0}, "no_spot"),
        ({"spot_price": np.inf}, "no_spot"),
        ({"strike": 0.0}, "no_strike"),
        ({"timestamp": pd.Timestamp("2027-12-01")}, "expired"),
    ],
)
def test_a_bad_quote_degrades_its_own_row_with_a_reason(change, status):
    chain = _chain()
    row = chain.index[(chain["strike"] == 120) & (chain["option_type"] == "call")][1]
    before = value_chain(chain, risk_free_rate=RATE).drop(index=row)
    nearly = 1e-6  # the forward of the expiration has one pair fewer to go by
    chain.loc[[row], list(change)] = list(change.values())
    after = value_chain(chain, risk_free_rate=RATE)
    assert after.loc[row, "status"] == status
    assert after.loc[row, ["iv", "delta", "gamma", "theta", "vega", "rho"]].isna().all()
    pd.testing.assert_frame_equal(after.drop(index=row), before, rtol=1e-3, atol=nearly)


def test_no_time_value_is_below_intrinsic():
    chain = _chain()
    row = chain.index[(chain["strike"] == 140) & (chain["option_type"] == "put")][0]
    chain.loc[row, ["bid", "ask"]] = [39.9, 40.0]
    assert value_chain(chain, risk_free_rate=RATE).loc[row, "status"] == "below_intrinsic"


def test_a_cheap_quote_of_a_nickel_wide_is_kept_and_a_deep_wide_one_is_not():
    chain = _chain(volatility=0.25)
    cheap = chain.index[(chain["strike"] == 75) & (chain["option_type"] == "put")][1]
    deep = chain.index[(chain["strike"] == 60) & (chain["option_type"] == "call")][1]
    chain.loc[cheap, ["bid", "ask"]] = [0.05, 0.10]
    chain.loc[deep, ["bid", "ask"]] = [39.6, 41.4]
    assert value_chain(chain, risk_free_rate=RATE).loc[[cheap, deep], "status"].tolist() == ["ok", "wide"]


def test_a_chain_without_a_credible_forward_is_labelled_and_valued_without_a_yield():
    puts = valued_chain(_chain(dividend=0.05).query("option_type == 'put'"), risk_free_rate=RATE)
    assert (puts.frame["dividend_yield"] == 0).all()
    assert puts.notes == ("ABCD: 3 of 3 expirations imply no credible forward and are valued without a yield",)


def test_noise_of_a_cent_is_hardly_a_yield_a_week_before_expiration():
    chain = _chain(volatility=0.3)
    shift = np.where(np.arange(len(chain)) % 4 < 2, 0.01, -0.01)
    chain[["bid", "ask"]] += shift[:, None] * (chain["bid"] > 0.05).to_numpy()[:, None]
    week = value_chain(chain, risk_free_rate=RATE).query("years < 0.05")
    assert (week["dividend_yield"].abs() < 1e-3).all()


def test_volatilities_of_bid_and_ask_lie_around_that_of_the_mid():
    chain = _chain(dividend=0.02)
    chain.loc[3, "bid"] = 0.0
    greeks = value_chain(chain, risk_free_rate=RATE)
    bid, ask = (volatility_at(chain, greeks, side) for side in ("bid", "ask"))
    near = greeks["delta"].abs().between(0.1, 0.9)
    assert (bid[near] < greeks["iv"][near]).all()
    assert (ask[near] > greeks["iv"][near]).all()
    assert np.isnan(bid[3])
    assert volatility_at(chain, greeks, "last").isna().all()


def test_volatilities_of_bids_belong_to_their_contracts_in_any_order():
    chain = _chain(dividend=0.02)
    greeks = value_chain(chain, risk_free_rate=RATE)
    shuffled = greeks.drop(index=5).sample(frac=1, random_state=3)
    whole, found = volatility_at(chain, greeks, "bid"), volatility_at(chain, shuffled, "bid")
    assert np.isnan(found[5])
    pd.testing.assert_series_equal(found.drop(5), whole.drop(5))


STATUSES = {
    *("ok", "expired", "no_spot", "no_strike", "missing", "no_bid", "no_ask", "crossed"),
    *("below_intrinsic", "above_bound", "arbitrage", "spot_mismatch", "wide", "no_convergence"),
}


def test_every_status_is_explained_among_the_conventions():
    assert all(f" {status}" in units.__doc__ for status in STATUSES)


ODD = np.array([0.0, 0.01, 99.99, 100.0, 5e-324, 1e300, np.nan, np.inf, -np.inf, -999.0])


# Drawn from a seed: hypothesis would shrink two hundred floats for minutes.
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("spot", [1e-4, 100.0, 1e6])
def test_no_quotes_at_all_raise_or_give_half_a_row(seed, spot):
    chain, rng = _chain().assign(spot_price=spot), np.random.default_rng(seed)
    likely = rng.uniform(0, 200, (len(chain), 2)) * 10 ** rng.uniform(-3, 0, (len(chain), 1))
    odd = ODD[rng.integers(0, ODD.size, likely.shape)]
    chain[["bid", "ask"]] = np.where(rng.random(likely.shape) < rng.random(), likely, odd)
    greeks = value_chain(chain, risk_free_rate=RATE)
    assert set(greeks["status"]) <= STATUSES
    numbers = greeks[["iv", "delta", "gamma", "theta", "vega", "rho"]]
    assert np.isfinite(numbers[greeks["status"] == "ok"]).all(axis=None)
    assert numbers[greeks["status"] != "ok"].isna().all(axis=None)
    PREDICTIONS.conform(predict_chain(chain, greeks))


TIMES = [
    "2026-11-20 21:00:00",
    "2026-12-04 20:59:59",
    "2026-12-04 21:00:00",
    "2200-01-01 00:00:00",
    "1800-01-01 00:00:00",
]
EXTREMES = {
    "spot_price": np.array([1e-300, 1e-9, 0.0, -1.0, 100.0, 1e9, 1e300, np.nan, np.inf]),
    "strike": np.array([0.0, -5.0, 1e-9, 100.0, 1e9, 1e300, np.nan, np.inf]),
    "timestamp": pd.to_datetime(TIMES).to_numpy(),
    "expiration": pd.to_datetime(["1970-01-01", "2026-11-20", "2026-12-04", "2200-01-01", None]).to_numpy(),
    "bid": ODD,
}


@pytest.mark.parametrize("seed", range(30))
def test_no_market_at_all_raises_or_gives_half_a_row(seed):
    rng = np.random.default_rng(seed)
    chain = _chain(volatility=float(np.exp(rng.uniform(np.log(0.01), np.log(20)))))
    for column in rng.permutation(list(EXTREMES))[: rng.integers(1, 4)]:
        chain[column] = rng.choice(EXTREMES[column], len(chain))
    greeks = value_chain(chain, risk_free_rate=float(rng.choice([-0.05, 0.0, 1e-12, 0.04, 0.25])))
    ok, numbers = greeks["status"] == "ok", greeks[["iv", "delta", "gamma", "theta", "vega", "rho"]]
    assert set(greeks["status"]) <= STATUSES
    assert np.isfinite(numbers[ok]).all(axis=None)
    assert numbers[~ok].isna().all(axis=None)
    assert np.isfinite(greeks["dividend_yield"]).all()


def test_an_empty_chain_gives_an_empty_frame():
    assert list(value_chain(_chain().iloc[:0], risk_free_rate=RATE)) == [column.name for column in GREEKS.columns]


def test_threads_and_blocks_do_not_change_the_numbers(monkeypatch):
    chain = pd.concat([_chain(f"AB{n:02d}", 0.02) for n in range(4)])
    whole = value_chain(chain, risk_free_rate=RATE)
    monkeypatch.setattr("wheel_assets.greeks.valuation.BLOCK", 32)
    monkeypatch.setattr("wheel_assets.greeks.valuation.FEW_BLOCKS", 0)
    pd.testing.assert_frame_equal(value_chain(chain, risk_free_rate=RATE), whole, rtol=1e-12)
