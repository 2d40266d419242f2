"""What happened, by hand-made weeks and against a slow twin that walks from day to day."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from wheel_assets.predict.settlement import REASONS, last_expired, settled, settlements

# A week of November 2026: trading is from 14:30 to 21:00 UTC. Expiration is on the Friday.
WEEK = {  # day: low, high, close
    "2026-11-16": (97.0, 103.0, 100.0),
    "2026-11-17": (98.0, 101.0, 99.0),
    "2026-11-18": (95.0, 100.0, 96.0),
    "2026-11-19": (96.0, 104.0, 103.0),
    "2026-11-20": (101.0, 105.0, 102.0),
}
FRIDAY = pd.Timestamp("2026-11-20")
NO_SPOTS = pd.DataFrame({"symbol": pd.Series(dtype=object), "timestamp": pd.to_datetime([]), "spot_price": []})


def _sessions(days: dict[str, tuple[float, float, float]], symbol: str = "U") -> pd.DataFrame:
    bars = pd.DataFrame(list(days.values()), columns=["low", "high", "close"], dtype=float)
    return bars.assign(symbol=pd.Series(symbol, index=bars.index, dtype=object), date=pd.to_datetime(list(days)))


def _said(at: str, option_type: str, strike: float, **other: object) -> pd.DataFrame:
    row = {"symbol": "U", "timestamp": pd.Timestamp(at), "expiration": FRIDAY, "strike": strike, "spot": 100.0}
    probabilities = {"prob_itm": 0.3, "prob_touch": 0.5, "settles_early": False}
    frame = pd.DataFrame([{**row, **probabilities, "is_put": option_type == "put", **other}])
    return frame.astype({"symbol": "category"})


def _spots(*chains: tuple[str, float]) -> pd.DataFrame:
    times, prices = zip(*chains, strict=True)
    return pd.DataFrame({"symbol": "U", "timestamp": pd.to_datetime(times), "spot_price": prices})


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (datetime(2026, 7, 17, 19, 59), date(2026, 7, 16)),  # summer: 16:00 in New York is 20:00 UTC
        (datetime(2026, 7, 17, 20, 0), date(2026, 7, 17)),
        (datetime(2026, 12, 18, 20, 59), date(2026, 12, 17)),
        (datetime(2026, 12, 18, 21, 0), date(2026, 12, 18)),
        (datetime(2026, 12, 19, 3, 0), date(2026, 12, 18)),  # still the 18th in New York
    ],
)
def test_a_day_is_over_at_its_close_in_new_york(now, last):
    assert last_expired(now) == last


@pytest.mark.parametrize(
    ("option_type", "strike", "in_the_money"),
    [("put", 102.01, True), ("put", 102, False), ("put", 90, False), ("call", 101.99, True), ("call", 102, False)],
)
def test_the_close_of_the_expiration_date_decides(option_type, strike, in_the_money):
    found = settled(_said("2026-11-16 22:00", option_type, strike), _sessions(WEEK), NO_SPOTS).iloc[0]
    assert (found["itm_status"], found["settled_by"], found["price"]) == ("scored", "close", 102)
    assert found["in_the_money"] == in_the_money


@pytest.mark.parametrize(
    ("chains", "price", "settled_by"),
    [
        ([("2026-11-20 21:00", 7.0), ("2026-11-20 21:30", 8.0)], 7.0, "chain_after_close"),
        ([("2026-11-20 20:55", 6.0), ("2026-11-21 18:00", 8.0)], 8.0, "chain_after_close"),  # a Saturday
        ([("2026-11-22 18:00", 8.0), ("2026-11-23 14:00", 9.0)], 8.0, "chain_after_close"),  # Sunday, Monday at 9:00
        ([("2026-11-20 15:00", 5.0), ("2026-11-20 20:59", 6.0)], 6.0, "chain_before_close"),
        ([("2026-11-20 20:45", 6.0)], 6.0, "chain_before_close"),
        ([("2026-11-20 15:00", 5.0), ("2026-11-20 20:44", 6.0)], np.nan, None),  # too early to tell the end
        ([("2026-11-20 14:00", 5.0), ("2026-11-23 14:30", 9.0)], np.nan, None),  # before the open, and on Monday
        ([("2026-11-19 21:30", 5.0)], np.nan, None),
    ],
)
def test_without_a_history_a_chain_of_that_day_decides(chains, price, settled_by):
    pairs = pd.DataFrame({"symbol": ["U"], "expiration": [FRIDAY]})
    found = settlements(pairs, _sessions({}), _spots(*reversed(chains))).iloc[0]
    assert found["price"] == pytest.approx(price, nan_ok=True)
    assert found["settled_by"] == settled_by


def test_a_close_is_better_than_any_chain():
    pairs = pd.DataFrame({"symbol": ["U", "V"], "expiration": [FRIDAY, FRIDAY]})
    found = settlements(pairs, _sessions(WEEK), _spots(("2026-11-20 21:00", 7.0)))
    assert found["price"].fillna(-1).tolist() == [102, -1]


@pytest.mark.parametrize(
    ("at", "option_type", "strike", "status", "touched"),
    [
        ("2026-11-16 22:00", "put", 95, "scored", True),
        ("2026-11-16 22:00", "put", 94.99, "scored", False),
        ("2026-11-16 22:00", "call", 105, "scored", True),
        ("2026-11-16 22:00", "call", 105.01, "scored", False),
        ("2026-11-18 22:00", "put", 95.5, "scored", False),  # Wednesday's low was before
        ("2026-11-18 14:00", "put", 95.5, "scored", True),  # and after this
        ("2026-11-18 14:30", "put", 95.5, "scored", True),  # at the open all of it is to come
        ("2026-11-18 18:00", "put", 95.5, "first_day_unclear", False),
        ("2026-11-18 18:00", "put", 94, "scored", False),
        ("2026-11-18 18:00", "put", 96.0, "first_day_unclear", True),  # Thursday too, but all or none are scored
        ("2026-11-18 20:50", "put", 96.0, "scored", True),  # in its last minutes Wednesday is over
        ("2026-11-18 20:50", "put", 95.5, "scored", False),
        ("2026-11-18 18:00", "put", 100, "touched_already", True),
        ("2026-11-18 18:00", "call", 100, "touched_already", True),
        ("2026-11-13 18:00", "put", 90, "no_history", False),  # begins on Monday
        ("2026-11-20 18:00", "call", 104, "first_day_unclear", False),
        ("2026-11-20 18:00", "call", 106, "scored", False),
    ],
)
def test_touching_is_what_came_after_the_prediction(at, option_type, strike, status, touched):
    found = settled(_said(at, option_type, strike), _sessions(WEEK), NO_SPOTS).iloc[0]
    assert found["touch_status"] == status
    if status in ("scored", "touched_already"):
        assert found["touched"] == touched


@pytest.mark.parametrize(
    ("change", "itm_status", "touch_status"),
    [
        ({"settles_early": True}, "settles_early", "settles_early"),
        ({"prob_itm": np.nan, "prob_touch": np.nan}, "no_probability", "no_probability"),
        ({"prob_touch": np.nan}, "scored", "no_probability"),
        ({"spot": 200.0}, "other_scale", "other_scale"),  # split two for one since
        ({"spot": np.nan}, "scored", "no_history"),
        ({"timestamp": pd.Timestamp("2026-11-20 21:00")}, "too_late", "too_late"),
        ({"timestamp": pd.Timestamp("2026-11-20 20:59")}, "scored", "scored"),
        ({"symbol": "V"}, "no_price", "no_history"),
        ({"expiration": pd.Timestamp("2026-11-21")}, "no_price", "no_history"),
    ],
)
def test_what_cannot_be_known_says_why(change, itm_status, touch_status):
    found = settled(_said("2026-11-17 18:00", "put", 90, **change), _sessions(WEEK), NO_SPOTS).iloc[0]
    assert (found["itm_status"], found["touch_status"]) == (itm_status, touch_status)
    assert {itm_status, touch_status} <= {"scored", *REASONS}


@pytest.mark.parametrize("column", ["low", "high"])
def test_a_hole_in_the_history_leaves_touching_open(column):
    early = {"2026-11-05": WEEK["2026-11-16"]}
    holed = _sessions(early | WEEK)
    said = _said("2026-11-05 22:00", "put", 90)
    assert settled(said, holed, NO_SPOTS)["touch_status"].tolist() == ["no_history"]
    bare = _sessions(WEEK)
    bare.loc[2, column] = np.nan
    assert settled(_said("2026-11-16 22:00", "put", 90), bare, NO_SPOTS)["touch_status"].tolist() == ["no_history"]


def test_nothing_predicted_is_nothing_settled():
    empty = _said("2026-11-16 22:00", "put", 95).iloc[:0]
    assert settled(empty, _sessions(WEEK), NO_SPOTS).empty


def _walked(row: pd.Series, bars: pd.DataFrame) -> tuple[bool, bool]:
    """Day by day, whether the strike was in the money at the end, and touched after the day of the prediction."""
    touched = False
    for bar in bars[bars["symbol"] == row["symbol"]].itertuples():
        if row["timestamp"].normalize() < bar.date <= row["expiration"]:
            touched |= bar.low <= row["strike"] if row["is_put"] else bar.high >= row["strike"]
        if bar.date == row["expiration"]:
            ended = bar.close < row["strike"] if row["is_put"] else bar.close > row["strike"]
    return ended, touched


@pytest.mark.parametrize("seed", range(3))
def test_the_slow_twin_agrees(seed):
    random = np.random.default_rng(seed)
    days = pd.bdate_range("2026-10-19", "2026-11-20")
    bars = []
    for symbol in ("U", "V", "W"):
        close = 100 * np.exp(np.cumsum(random.normal(0, 0.02, len(days))))
        ends = {"low": close * 0.985, "high": close * 1.015, "close": close}
        bars.append(pd.DataFrame({"symbol": symbol, "date": days, **ends}))
    sessions = pd.concat(bars, ignore_index=True)
    said = pd.concat([_random_prediction(random) for _ in range(150)], ignore_index=True).astype({"symbol": "category"})
    found = settled(said, sessions, NO_SPOTS)
    walked = [_walked(row, sessions) for _, row in said.iterrows()]
    assert set(found["itm_status"]) == {"scored"}
    assert list(zip(found["in_the_money"], found["touched"], strict=True)) == walked


def _random_prediction(random: np.random.Generator) -> pd.DataFrame:
    """A prediction after some close, of a contract that ends on one of the next Fridays."""
    at = pd.Timestamp("2026-10-19 22:00") + pd.Timedelta(days=int(random.integers(0, 18)))
    end = pd.Timestamp(str(random.choice(["2026-11-06", "2026-11-13", "2026-11-20"])))
    symbol, right = (str(random.choice(names)) for names in (["U", "V", "W"], ["put", "call"]))
    return _said(str(at), right, random.uniform(85, 115), symbol=symbol, expiration=end)
