"""Every vendor from `wheel recommend` down, at the synthetic market: one account and chain, the same advice."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from wheel_assets.vendor import BROKER, EVENTS, MARKET, RATE
from wheel_assets.vendors import offering

CLONE = Path(__file__).resolve().parents[2]
# Each vendor in every role that it can take at once; another's where it cannot.
CHOICES = {
    "file": {"MARKET": "cboe", "BROKER": "file", "RATE": "constant", "EVENTS": "none"},
    "schwab": {"MARKET": "schwab", "BROKER": "schwab", "RATE": "constant", "EVENTS": "none"},
    "tradier": {"MARKET": "tradier", "BROKER": "tradier", "RATE": "constant", "EVENTS": "none"},
    "tastytrade": {"MARKET": "tastytrade", "BROKER": "tastytrade", "RATE": "constant", "EVENTS": "none"},
    "alpaca": {"MARKET": "alpaca", "BROKER": "alpaca", "RATE": "constant", "EVENTS": "none"},
}
BOTH = ["earnings", "ex_dividend"]
# Who knows the rank and percentile of the volatility.
KNOWING_RANKS = {"tastytrade": [("SMCI", 0.42, 0.61), ("U", 0.42, 0.61)]}
# Who knows events, and which; Finnhub's free plan has no dividends.
KNOWING_EVENTS = {"tradier": BOTH, "tastytrade": BOTH, "nasdaq": BOTH, "finnhub": ["earnings"]}
RATES = ["treasury", "fred"]
ELSEWHERE = {"sample", "databento", "constant", "none", "file"}  # in tests of their own


@pytest.fixture(scope="module")
def synthetic() -> ModuleType:
    """The module that plays all vendors."""
    path = CLONE / "wheel_assets_tests" / "market" / "synthetic.py"
    spec = importlib.util.spec_from_file_location("synthetic_market", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def everybody(synthetic):
    """All vendors on one port."""
    market = synthetic.SyntheticMarket()
    yield market
    market.close()


@pytest.fixture
def trader(sample_user, everybody, tmp_path):
    """Somebody with a login at every vendor, who has named none but Cboe and a file."""
    for settings in everybody.settings(tmp_path).values():
        sample_user.settings |= settings
    sample_user.settings |= {"WHEEL_MARKET__SOURCE": "cboe", "WHEEL_BROKER__SOURCE": "file", "WHEEL_SYMBOLS": "U,SMCI"}
    return sample_user


def advice(answer):
    """What is advised, without the words that name the vendor."""
    names = ("action", "symbol", "option_symbol", "quantity", "limit_price", "collateral", "portfolio_value")
    return [tuple(row[name] for name in names) for row in answer["advice"]]


@pytest.fixture(scope="module")
def of_the_file():
    """What the first of these tests was advised; the others have to be advised the same."""
    return []


@pytest.mark.parametrize("vendor", CHOICES)
def test_the_same_account_and_chain_give_the_same_advice(trader, synthetic, of_the_file, vendor):
    trader.settings |= {f"WHEEL_{role}__SOURCE": name for role, name in CHOICES[vendor].items()}
    told = advice(trader.answer())
    assert len(told) > 2
    of_the_file.append(told)
    assert told == of_the_file[0]
    assert trader.query("SELECT DISTINCT source FROM positions") == [(vendor,)]
    assert vendor == "file" or trader.materialize("transactions").returncode == 0
    kept = json.dumps([trader.query(f"SELECT * FROM {table}") for table in ("api_calls", "positions")], default=str)
    for secret in (synthetic.TOKEN, synthetic.GRANT, synthetic.ACCESS, "synthetic-secret", synthetic.NUMBER):
        assert secret not in kept


@pytest.mark.parametrize("events", KNOWING_EVENTS)
def test_the_advice_knows_the_events_of_the_vendor(trader, events):
    trader.settings |= {"WHEEL_EVENTS__SOURCE": events, "WHEEL_STRATEGY__MIN_DAYS": "30"}
    trader.settings |= {"WHEEL_STRATEGY__MAX_DAYS": "39", "WHEEL_STRATEGY__MAX_ROLL_DAYS": "39"}  # fewer days to ask
    answer = trader.answer()
    found = "SELECT DISTINCT symbol, kind FROM events WHERE date IS NOT NULL ORDER BY ALL"
    assert trader.query(found) == [(s, kind) for s in ("SMCI", "U") for kind in KNOWING_EVENTS[events]]
    assert trader.query("SELECT DISTINCT source FROM events") == [(events,)]
    reasons = " ".join(row["reason"] for row in [*answer["advice"], *answer["alternatives"]])
    assert "earnings on" in reasons
    assert "earnings is unknown" not in reasons
    ranks = (
        "SELECT DISTINCT symbol, iv_rank, iv_percentile FROM volatility_history WHERE iv_rank IS NOT NULL ORDER BY 1"
    )
    assert trader.query(ranks) == KNOWING_RANKS.get(events, [])


@pytest.mark.parametrize("rate", RATES)
def test_the_rate_is_that_of_the_vendor(trader, rate):
    trader.settings |= {"WHEEL_RATE__SOURCE": rate}
    assert trader.materialize("risk_free_rate").returncode == 0
    assert trader.query("SELECT DISTINCT source FROM risk_free_rate") == [(rate,)]


@pytest.mark.parametrize(("broker", "secrets"), [("tradier", 1), ("tastytrade", 2)])
def test_a_pasted_login_is_tried_and_kept(trader, synthetic, broker, secrets):
    names = [name for name in trader.settings if name.startswith(f"WHEEL_{broker.upper()}") and "URL" not in name]
    for name in names:
        del trader.settings[name]
    path = trader.folder / "own" / "token.json"
    trader.settings[f"WHEEL_{broker.upper()}__TOKEN_FILE"] = str(path)
    trader.settings["WHEEL_BROKER__SOURCE"] = broker
    refused = trader.run("wheel", "recommend")
    assert f"run `wheel login {broker}`" in refused.stderr
    wrong = logged_in(trader, broker, ["wrong-secret"] * secrets)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert ("wrong-secret" in wrong.stderr, path.exists()) == (False, False)
    done = logged_in(trader, broker, [synthetic.GRANT, synthetic.TOKEN][-secrets:])
    assert done.returncode == 0, done.stderr
    assert synthetic.TOKEN not in done.stdout + done.stderr
    assert path.stat().st_mode & 0o777 == 0o600


def logged_in(trader, broker, typed):
    """`wheel login`, with the secrets piped in."""
    return trader.begin("wheel", "login", broker, typed="\n".join(typed) + "\n").ended()


def test_no_vendor_is_forgotten():
    tried = {role: {choice[role] for choice in CHOICES.values()} for role in ("MARKET", "BROKER")}
    assert set(offering(MARKET)) - ELSEWHERE == tried["MARKET"] - ELSEWHERE
    assert set(offering(BROKER)) - ELSEWHERE == tried["BROKER"] - ELSEWHERE
    assert set(offering(EVENTS)) - ELSEWHERE == set(KNOWING_EVENTS)
    assert set(offering(RATE)) - ELSEWHERE == set(RATES)
