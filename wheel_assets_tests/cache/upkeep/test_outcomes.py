"""A month of predictions in a store, with outcomes known by construction; the command, the asset, the picture."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ElementTree
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from filelock import FileLock

from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.cache.upkeep import outcomes as module
from wheel_assets.cache.upkeep.forecasts import ForecastFilter
from wheel_assets.cache.upkeep.outcomes import NONE_OF_THESE, NOTHING_YET, outcomes
from wheel_assets.cli import main
from wheel_assets.tables import OPTION_CHAINS, PREDICTIONS, PRICE_HISTORY
from wheel_assets_tests.forked import wheel

NOW = datetime(2024, 11, 24, 15, 0)
SESSIONS = pd.bdate_range("2024-10-21", "2024-11-22")
FRIDAYS = pd.to_datetime(["2024-11-08", "2024-11-15", "2024-11-22"])
# U closes at 100 but for the Fridays; its sessions reach a dollar above and below their close.
CLOSES = dict(zip(FRIDAYS, (104.0, 95.0, 101.0), strict=True))
STRIKES = np.arange(90.0, 111.0, 5.0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache" / "wheel_cache.duckdb", clock=lambda: NOW)


def history(symbol: str = "U") -> pd.DataFrame:
    close = pd.Series([CLOSES.get(day, 100.0) for day in SESSIONS])
    prices = {"open": close, "high": close + 1, "low": close - 1, "close": close}
    frame = pd.DataFrame({"date": SESSIONS, **prices, "symbol": symbol, "volume": 1, "source": "test"})
    return PRICE_HISTORY.conform(frame.assign(timestamp=datetime(2024, 11, 22, 21)))


def predictions(at: datetime, symbol: str = "U", fridays: pd.DatetimeIndex = FRIDAYS, **other: object) -> pd.DataFrame:
    """Every strike, put and call: 0.8 in the money, 0.5 for |delta| and 0.3 for N(d2), whatever the strike."""
    rows = [(end, strike, kind) for end in fridays for strike in STRIKES for kind in ("put", "call")]
    frame = pd.DataFrame(rows, columns=["expiration", "strike", "option_type"])
    codes = [f"{e:%y%m%d}{k[0].upper()}{int(1000 * s):08d}" for e, s, k in rows]
    frame["option_symbol"] = [symbol.ljust(6) + code for code in codes]
    frame["prediction_id"] = [f"{at} {code}" for code in codes]
    frame["input_features"] = [
        json.dumps({"delta": -0.5 if k == "put" else 0.5, "spot": 100.0}) for k in frame["option_type"]
    ]
    said = {"prob_itm": 0.8, "prob_touch": 0.9, "expected_return": 0.0, "cvar_95": -0.1, "model_version": "smile-1"}
    rest = {"predictions": json.dumps({"prob_itm_flat": 0.3}), "symbol": symbol, "timestamp": at}
    unsaid = dict.fromkeys((column.name for column in PREDICTIONS.columns), None)
    return PREDICTIONS.conform(pd.DataFrame(unsaid, frame.index).assign(**frame).assign(**{**said, **rest, **other}))


def put(store: Store, frame: pd.DataFrame, table: str = "predictions") -> None:
    store.put(table, [Entry(str(frame["symbol"].iloc[0]), frame, "test")])


@pytest.fixture(scope="module")
def stored_month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `month`, made once."""
    store = Store(tmp_path_factory.mktemp("month") / "wheel_cache.duckdb", clock=lambda: NOW)
    put(store, history(), "price_history")
    for at in (datetime(2024, 11, 4, 22), datetime(2024, 11, 5, 22)):
        put(store, predictions(at))
    return store.path.parent


@pytest.fixture
def month(store: Store, stored_month: Path) -> Store:
    """Two snapshots of predictions, one after the other, and a history up to the last Friday."""
    shutil.copytree(stored_month, store.path.parent, dirs_exist_ok=True)
    return store


def by_forecast(event: dict) -> dict[str, dict]:
    return {score["forecast"]: score for score in event["scores"]}


def test_an_empty_cache_says_what_is_needed(store):
    document = outcomes(store)
    assert document["message"] == NOTHING_YET
    assert (document["expired"], document["in_the_money"]["scores"]) == (0, [])


def test_every_contract_counts_once_a_snapshot(month):
    document = outcomes(month)
    assert document["message"] is None
    event = document["in_the_money"]
    assert (event["scored"], event["contracts"], event["outcomes"]) == (60, 30, 3)
    assert (document["settled_by"], document["last_expiration"]) == ({"close": 60}, "2024-11-23")
    assert document["model_versions"] == {"smile-1": 60}


def test_scores_worked_out_by_hand(month):
    # Puts in the money: strikes above 104 (105, 110), above 95 (100, 105, 110), above 101 (105, 110): 7 of 15.
    # Calls: strikes below 104 (90, 95, 100), below 95 (90), below 101 (90, 95, 100): 7 of 15. At 95 neither.
    rate = 14 / 30
    scores = by_forecast(outcomes(month)["in_the_money"])
    for name, forecast in {"prob_itm": 0.8, "abs_delta": 0.5, "n_d2": 0.3}.items():
        brier = rate * (1 - forecast) ** 2 + (1 - rate) * forecast**2
        loss = -rate * np.log(forecast) - (1 - rate) * np.log(1 - forecast)
        assert (scores[name]["brier"], scores[name]["log_loss"]) == pytest.approx((brier, loss), abs=1e-6)
        assert scores[name]["brier_skill"] == pytest.approx(1 - brier / (rate * (1 - rate)), abs=1e-5)
        assert [(b["count"], b["groups"]) for b in scores[name]["bins"]] == [(60, 3)]


def test_puts_and_calls_are_scored_apart(month):
    falling = history()
    falling.loc[falling["date"].isin(FRIDAYS), "close"] = 96.0
    put(month, falling, "price_history")
    told = outcomes(month)["in_the_money"]["by_right"]
    # At 96 the puts at 100, 105 and 110 are in the money, and the calls at 90 and 95.
    assert [told[right]["base_rate"] for right in ("put", "call")] == pytest.approx([3 / 5, 2 / 5])
    assert [told[right]["count"] for right in ("put", "call")] == [30, 30]


def test_touching_is_scored_of_what_was_not_in_the_money(month):
    # Lows: 94 in the second week; highs: 105 in the first. Out of the money at 100: puts 90, 95, calls 105, 110.
    event = outcomes(month)["touched"]
    assert event["not_scored"] == {"touched_already": 36}
    assert event["scored"] == 24
    # By the 8th: call 105. By the 15th and the 22nd: call 105, put 95.
    assert by_forecast(event)["prob_touch"]["base_rate"] == pytest.approx(5 / 12, abs=1e-6)
    assert by_forecast(event)["twice_abs_delta"]["mean_forecast"] == 1


def test_the_same_predictions_stored_again_are_not_counted_again(month):
    put(month, predictions(datetime(2024, 11, 5, 22)))
    document = outcomes(month)
    assert (document["repeated"], document["in_the_money"]["scored"]) == (30, 60)


@pytest.mark.parametrize(
    ("which", "scored"),
    [
        (ForecastFilter(), 90),
        (ForecastFilter(symbols=("U",)), 60),
        (ForecastFilter(symbols=("V", "W")), 30),
        (ForecastFilter(symbols=("W",)), 0),
        (ForecastFilter(model="smile-1"), 60),
        (ForecastFilter(model="smile-2", symbols=("U",)), 0),
        (ForecastFilter(since=datetime(2024, 11, 5)), 60),
        (ForecastFilter(since=datetime(2024, 11, 5, 22, 1)), 30),
    ],
)
def test_some_predictions_can_be_asked_for(month, which, scored):
    put(month, history("V"), "price_history")
    put(month, predictions(datetime(2024, 11, 6, 22), "V", model_version="smile-2"))
    document = outcomes(month, which)
    assert document["in_the_money"]["scored"] == scored
    assert document["message"] == (None if scored else NONE_OF_THESE)
    assert document["expired"] == scored == sum(document["model_versions"].values())


def test_models_are_scored_apart(month):
    put(month, predictions(datetime(2024, 11, 6, 22), prob_itm=0.4, model_version="smile-2"))
    told = outcomes(month)["in_the_money"]["by_model"]
    assert {name: (part["count"], part["mean_forecast"]) for name, part in told.items()} == {
        "smile-1": (60, 0.8),
        "smile-2": (30, 0.4),
    }


def test_what_has_not_expired_is_pending(month):
    put(month, predictions(datetime(2024, 11, 21, 22), fridays=pd.to_datetime(["2024-11-22", "2024-12-20"])))
    document = outcomes(month)
    assert (document["pending"], document["expired"]) == (10, 70)


@pytest.mark.parametrize(
    ("symbol", "change", "reason"),
    [
        ("SPX", {}, "settles_early"),
        ("V", {}, "no_price"),
        ("U", {"prob_itm": np.nan}, "no_probability"),
        ("U", {"input_features": '{"spot": 200.0}'}, "other_scale"),
    ],
)
def test_what_could_not_be_scored_is_counted_with_its_reason(month, symbol, change, reason):
    put(month, predictions(datetime(2024, 11, 6, 22), symbol, **change))
    event = outcomes(month)["in_the_money"]
    assert (event["scored"], event["not_scored"]) == (60, {reason: 30})


def test_predictions_of_other_shapes_are_scored_on_what_they_say(month):
    """Old data that was taken in knows neither delta nor N(d2)."""
    put(month, predictions(datetime(2024, 11, 6, 22), input_features="{}", predictions='{"prob_itm_flat": "?"}'))
    event = outcomes(month)["in_the_money"]
    assert [(s["forecast"], s["common"], s["count"]) for s in event["scores"]] == [
        ("prob_itm", False, 90),
        ("prob_itm", True, 60),
        ("abs_delta", True, 60),
        ("n_d2", True, 60),
    ]


def test_later_chains_stand_in_for_a_history(store, sample_chain):
    put(store, predictions(datetime(2024, 11, 5, 22)))
    for friday, close in CLOSES.items():
        put(store, sample_chain(friday + timedelta(hours=21, minutes=5), close), "option_chains")
    document = outcomes(store)
    assert document["settled_by"] == {"chain_after_close": 30}
    assert by_forecast(document["in_the_money"])["prob_itm"]["base_rate"] == pytest.approx(14 / 30, abs=1e-6)
    assert document["touched"]["scored"] == 0


@pytest.fixture
def sample_chain() -> Callable[..., pd.DataFrame]:
    def chain(at: datetime, spot: float) -> pd.DataFrame:
        contract = predictions(at)[["symbol", "option_symbol", "expiration", "strike", "option_type"]]
        known = {"timestamp": at, "spot_price": spot, "multiplier": 100, "quote_quality": "missing", "source": "test"}
        missing = {c.name: np.nan for c in OPTION_CHAINS.columns if c.name not in {*contract, *known}}
        return OPTION_CHAINS.conform(contract.assign(**known, **missing))

    return chain


def test_a_newer_history_corrects_an_older_one(month):
    corrected = history()
    corrected.loc[corrected["date"] == FRIDAYS[2], "close"] = 100.0
    put(month, corrected, "price_history")
    # At 100 instead of 101 the call at 100 of the last Friday is not in the money.
    found = by_forecast(outcomes(month)["in_the_money"])["prob_itm"]
    assert found["base_rate"] == pytest.approx(13 / 30, abs=1e-6)


def test_the_file_is_attached_once_and_free_while_scores_are_computed(month, monkeypatch):
    attached, original = [], month.file._locked

    def judged(*frames: pd.DataFrame) -> pd.DataFrame:
        with FileLock(f"{month.path}.lock", timeout=0):  # raises if it is taken
            return settled(*frames)

    settled = module.settled
    monkeypatch.setattr(module, "settled", judged)
    monkeypatch.setattr(month.file, "_locked", lambda: attached.append(1) or original())
    outcomes(month)
    assert len(attached) == 1


@pytest.fixture
def at_home(month: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store is the one that the settings name."""
    monkeypatch.setenv("WHEEL_CACHE__DIR", str(month.path.parent))
    return month


def untimed(document: dict) -> dict:
    """The document without the time at which it was made."""
    return {name: value for name, value in document.items() if name not in ("at", "last_expiration")}


@pytest.mark.slow
def test_the_command_prints_one_json_document(at_home):
    done = wheel("outcomes", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert untimed(json.loads(done.stdout)) == untimed(outcomes(at_home))


def test_the_command_prints_all_of_it(at_home):
    shown = CliRunner().invoke(main, ["outcomes"]).output
    for words in ("60 predictions of 30 contracts, 3 outcomes", "|delta|", "N(d2)", "Brier", "not independent"):
        assert words in " ".join(shown.split())
    assert "touched the strike, not scored: 36, already in the money" in shown


@pytest.mark.parametrize(
    ("options", "expired"),
    [
        (["--symbol", "u"], 60),
        (["--symbol", "V"], 0),
        (["--model", "smile-1", "--since", "2024-11-05"], 30),
        (["--model", "smile-0"], 0),
    ],
)
def test_the_command_asks_for_some(at_home, options, expired):
    document = json.loads(CliRunner().invoke(main, ["outcomes", "--json", *options]).stdout)
    assert document["expired"] == expired


@pytest.mark.parametrize("options", [["--symbol", "7$"], ["--since", "yesterday"]])
def test_what_cannot_be_asked_for_is_one_line(at_home, options):
    done = CliRunner().invoke(main, ["outcomes", *options])
    assert (done.exit_code, done.output.count("\n")) == (2, 1)


def test_the_command_has_an_answer_where_there_is_nothing(monkeypatch, store):
    monkeypatch.setenv("WHEEL_CACHE__DIR", str(store.path.parent))
    done = CliRunner().invoke(main, ["outcomes"])
    assert done.exit_code == 0
    assert "No prediction can be scored yet. Needed:" in done.output


def test_the_picture_is_drawn(at_home, tmp_path):
    assert CliRunner().invoke(main, ["outcomes", "--plot", str(tmp_path / "drawn.svg")]).exit_code == 0
    root = ElementTree.parse(tmp_path / "drawn.svg").getroot()
    texts = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"prob_itm", "abs_delta", "n_d2", "Finished in the money: 60 predictions, 3 outcomes"} <= texts


@pytest.mark.parametrize(
    ("file", "words"), [("drawn.png", "does not end in .svg"), ("no/such/folder.svg", "cannot be written")]
)
def test_a_picture_that_cannot_be_drawn_is_one_line(at_home, file, words):
    done = CliRunner().invoke(main, ["outcomes", "--plot", file])
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert words in done.output


def test_the_asset_shows_the_same_and_is_no_input(at_home):
    from wheel_assets.defs.assets.prediction_outcomes import outcomes_metadata, prediction_outcomes

    done = dg.materialize([prediction_outcomes], resources={"store": at_home})
    told = done.asset_materializations_for_node("outcomes")[0].metadata
    assert told["document"].value == outcomes(at_home)
    assert told["prob_itm_brier"].value == by_forecast(outcomes(at_home)["in_the_money"])["prob_itm"]["brier"]
    picture = told["reliability"].value
    assert picture.startswith("![reliability diagram](data:image/svg+xml;base64,")
    root = ElementTree.fromstring(b64decode(picture.split("base64,")[1].removesuffix(")")))
    assert len(list(root.iter("{http://www.w3.org/2000/svg}circle"))) > 0
    assert "nothing could be scored" in outcomes_metadata(outcomes(Store(Path("none.duckdb"))))["scores"].value


def test_in_dagster_nothing_depends_on_it():
    from wheel_assets.definitions import defs

    graph = defs.resolve_implicit_global_asset_job_def().asset_layer.asset_graph
    node = graph.get(dg.AssetKey("outcomes"))
    assert (node.parent_keys, node.child_keys) == ({dg.AssetKey("predictions")}, set())
