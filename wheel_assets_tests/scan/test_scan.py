"""What a scan computes, where it keeps it, and what it ranks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from wheel_assets.errors import BadSymbol, StoreDamaged
from wheel_assets.fetch.sample.sources import SampleMarket
from wheel_assets.greeks import ZeroCurve
from wheel_assets.recommend.advice import advise
from wheel_assets.scan.ranking import ranked
from wheel_assets.scan.snapshots import CHAINS, RESULTS, About, ScanFolder
from wheel_assets.scan.valuation import CASH, by_symbol, screened
from wheel_assets.settings import load_settings
from wheel_assets.tables import OPTION_CHAINS, SCAN

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
SYMBOLS = ("U", "F", "SOFI")
FETCHED = datetime(2026, 11, 23, 15)


@pytest.fixture(scope="module")
def chains() -> pd.DataFrame:
    frames = [SampleMarket().option_chain(symbol, NOW).frame for symbol in SYMBOLS]
    whole = pd.concat(frames, ignore_index=True)
    near = (whole["expiration"] - whole["timestamp"]).dt.days.between(20, 60)
    return whole[near & (whole["strike"] % 1 == 0)].reset_index(drop=True)


@pytest.fixture(scope="module")
def found(chains) -> pd.DataFrame:
    return screened(chains, curve=ZeroCurve.flat(0.04), settings=load_settings(), now=NOW)


@pytest.fixture
def folder(tmp_path) -> ScanFolder:
    return ScanFolder(str(tmp_path / "scan"))


def filled(folder: ScanFolder, found: pd.DataFrame) -> ScanFolder:
    for symbol, rows in by_symbol(found).items():
        folder.write(RESULTS, symbol, rows, About(FETCHED, "r"))
    return folder


def test_a_symbol_alone_and_among_others_is_judged_alike(chains, found):
    alone = screened(chains[chains["symbol"] == "F"], curve=ZeroCurve.flat(0.04), settings=load_settings(), now=NOW)
    among = found[found["symbol"] == "F"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, among, rtol=1e-9)


def test_the_best_put_is_the_one_that_is_advised_to_an_account_of_cash(chains, found):
    from wheel_assets.greeks import value_chain
    from wheel_assets.predict import predict_chain
    from wheel_assets.tables import POSITIONS

    strategy = load_settings().strategy
    own = chains[chains["symbol"] == "U"].assign(snapshot_id=1, created_at=pd.Timestamp(FETCHED))
    greeks = value_chain(own, risk_free_rate=0.04)
    predictions = predict_chain(own, greeks, price=strategy.price, commission=strategy.commission)
    cash = dict.fromkeys([column.name for column in POSITIONS.columns])
    cash |= {"timestamp": FETCHED, "account_id": "default", "asset_type": "cash", "symbol": "USD", "multiplier": 1}
    positions = POSITIONS.conform(pd.DataFrame([cash | {"quantity": CASH, "market_value": CASH, "source": "x"}]))
    stamped = [each.assign(created_at=pd.Timestamp(FETCHED)) for each in (own, positions, greeks, predictions)]
    advice = advise(*stamped, strategy=strategy, now=NOW, symbols=["U"])
    opened = advice.frame[advice.frame["action"] == "open_csp"].iloc[0]
    puts = found[(found["symbol"] == "U") & (found["failures"] == 0)].sort_values("objective", ascending=False)
    assert puts["option_symbol"].iloc[0] == opened["option_symbol"]
    assert puts["quantity"].iloc[0] == opened["quantity"]


def test_what_is_kept_comes_back(folder, chains, found):
    own = chains[chains["symbol"] == "U"].reset_index(drop=True)
    folder.write(CHAINS, "U", own, About(FETCHED, "c"))
    pd.testing.assert_frame_equal(folder.read(CHAINS, OPTION_CHAINS, ["U"]), own)
    assert folder.about(CHAINS, {"U", "F"}) == {"U": About(FETCHED, "c")}
    puts = by_symbol(found)["F"].reset_index(drop=True)
    folder.write(RESULTS, "F", puts, About(FETCHED, "r"))
    pd.testing.assert_frame_equal(folder.read(RESULTS, SCAN, ["F"]), puts)


def test_the_best_of_each_symbol_is_ranked(folder, found):
    ranking = ranked(filled(folder, found), now=FETCHED, max_age=timedelta(minutes=15), fingerprint="r")
    passed = found[found["failures"] == 0]
    assert ranking["rank"].tolist() == list(range(1, passed["symbol"].nunique() + 1))
    best = passed.groupby("symbol")["objective"].max().sort_values(ascending=False)
    assert ranking["symbol"].tolist() == best.index.tolist()


@pytest.mark.parametrize(("minutes", "fingerprint"), [(16, "r"), (0, "other rules")])
def test_what_is_not_in_force_is_not_ranked(folder, found, minutes, fingerprint):
    at = FETCHED + timedelta(minutes=minutes)
    assert ranked(filled(folder, found), now=at, max_age=timedelta(minutes=15), fingerprint=fingerprint).empty


def test_a_partition_may_have_any_name_but_a_file_may_not(folder):
    with pytest.raises(BadSymbol):
        folder.path(CHAINS, "../../elsewhere")


def test_a_damaged_file_is_told_of(folder, found):
    filled(folder, found)
    path = folder.path(RESULTS, "U")
    with open(path, "wb") as file:
        file.write(b"cut short")
    assert "U" not in folder.about(RESULTS)
    with pytest.raises(StoreDamaged, match="remove it and scan again"):
        folder.read(RESULTS, SCAN, ["U"])
