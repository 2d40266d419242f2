"""At-the-money volatility by hand, and its rank among the days before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from wheel_assets.predict.volatility_history import at_the_money, continued, rank_and_percentile, ranked_by
from wheel_assets.recommend.outlook import read_outlook

FRIDAY = pd.Timestamp("2026-11-20 21:00")
COLUMNS = ["symbol", "date", "iv", "iv_rank", "iv_percentile", "days", "timestamp", "source"]
NOTHING = pd.DataFrame(columns=COLUMNS)


def chain(*expirations: tuple[int, float], spot: float = 30.5, at: pd.Timestamp = FRIDAY, symbol: str = "U"):
    """Greeks with strikes 30 and 31 at the given volatility, puts a point above and calls a point below."""
    rows = [
        (symbol, f"in {days}", strike, days / 365, iv + side, spot, at)
        for days, iv in expirations
        for strike in (30.0, 31.0)
        for side in (0.01, -0.01)
    ]
    return pd.DataFrame(rows, columns=["symbol", "expiration", "strike", "years", "iv", "spot_price", "timestamp"])


def test_put_and_call_are_averaged():
    assert at_the_money(chain((30, 0.5))) == pytest.approx(0.5)


def test_between_expirations_variance_is_what_adds_up():
    variance = (0.4**2 * 20 + 0.6**2 * 40) / 2  # of the day in the middle, times its days
    assert at_the_money(chain((20, 0.4), (40, 0.6))) == pytest.approx(np.sqrt(variance / 30))


def test_beyond_the_expirations_the_nearest_counts():
    assert at_the_money(chain((60, 0.4), (90, 0.6))) == pytest.approx(0.4)
    assert at_the_money(chain((7, 0.4), (14, 0.6))) == pytest.approx(0.6)


@pytest.mark.parametrize("spot", [20.0, 40.0])
def test_a_spot_beyond_the_strikes_has_no_volatility(spot):
    assert np.isnan(at_the_money(chain((30, 0.5), spot=spot)))


def test_the_first_day_has_no_rank_and_the_next_ones_do():
    history = NOTHING
    for day, iv in enumerate((0.4, 0.6, 0.5, 0.7)):
        history = continued(history, chain((30, iv), at=FRIDAY + pd.Timedelta(days=day)))
    assert history["days"].tolist() == [0, 1, 2, 3]
    assert history["iv_rank"].tolist()[1:] == pytest.approx([1.0, 0.5, 1.0])
    assert history["iv_percentile"].tolist()[1:] == pytest.approx([1.0, 0.5, 1.0])
    assert history["iv_rank"].isna().tolist() == [True, False, False, False]


def test_a_later_look_at_a_day_replaces_the_earlier():
    history = continued(continued(NOTHING, chain((30, 0.4))), chain((30, 0.6), at=FRIDAY + pd.Timedelta(hours=1)))
    assert history["iv"].tolist() == pytest.approx([0.6])


def test_one_symbol_without_quotes_keeps_its_history():
    history = continued(NOTHING, chain((30, 0.4)))
    both = pd.concat([chain((30, np.nan)), chain((30, 0.5), symbol="F")])
    assert dict(zip(*(continued(history, both)[name] for name in ("symbol", "iv")), strict=True)) == {
        "U": pytest.approx(0.4),
        "F": pytest.approx(0.5),
    }


def test_a_flat_past_has_a_percentile_but_no_rank():
    rank, percentile = rank_and_percentile(np.array([0.4, 0.4]), 0.4)
    assert np.isnan(rank)
    assert percentile == 0.0


def test_a_source_that_knows_a_year_ranks_the_newest_day_alone():
    history = continued(continued(NOTHING, chain((30, 0.4))), chain((30, 0.6), at=FRIDAY + pd.Timedelta(days=1)))
    ranked = ranked_by(history, "tastytrade", {"U": (0.25, None), "F": (0.5, 0.5)})
    assert ranked["iv_rank"].iloc[-1] == 0.25
    assert ranked["iv_percentile"].isna().iloc[-1]
    assert ranked["source"].tolist() == ["cache", "tastytrade"]
    assert ranked["days"].tolist() == [0, 252]


def test_ranks_with_few_days_behind_them_do_not_reach_the_rules():
    history = continued(continued(NOTHING, chain((30, 0.4))), chain((30, 0.6), at=FRIDAY + pd.Timedelta(days=1)))
    at = {"now": FRIDAY.to_pydatetime(), "quoted_on": {}}
    assert read_outlook(**at, volatility_history=history).iv_ranks == {}
    known = ranked_by(history, "tastytrade", {"U": (0.25, 0.5)})
    outlook = read_outlook(**at, volatility_history=known)
    assert (outlook.iv_ranks, outlook.iv_percentiles) == ({"U": 0.25}, {"U": 0.5})
