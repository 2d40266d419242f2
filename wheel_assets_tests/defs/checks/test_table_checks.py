"""What a check refuses is not stored, costs one symbol and not the run, and is told in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import dagster as dg
import pandas as pd
import pytest

from wheel_assets.commands import run
from wheel_assets.defs import resources
from wheel_assets.defs.checks.table_checks import NAMES, checked, checks_of
from wheel_assets.errors import RunFailed
from wheel_assets.fetch.sample.sources import SampleMarket
from wheel_assets.rows import Rows
from wheel_assets.tables import GREEKS, OPTION_CHAINS, POSITIONS

pytestmark = pytest.mark.slow

Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """The sample market, but for what some symbols' chains are changed into."""

    def change(**changes: Change) -> None:
        class Changed(SampleMarket):
            def option_chain(self, symbol: str, now: datetime) -> Rows:
                return Rows(changes.get(symbol, lambda chain: chain)(super().option_chain(symbol, now).frame))

        monkeypatch.setattr(resources, "market_source", lambda *_: Changed())

    return change


def stored(table: str) -> list[tuple[str, int]]:
    """Key and id of what is in the cache."""
    query = "SELECT key, snapshot_id FROM snapshots WHERE table_name = ? ORDER BY snapshot_id"
    with resources.the_store().file.attached() as connection:
        return connection.execute(query, [table]).fetchall()


def other_spot(chain: pd.DataFrame) -> pd.DataFrame:
    return chain.assign(spot_price=chain["spot_price"] * 100)


def negative_bid(chain: pd.DataFrame) -> pd.DataFrame:
    return chain.assign(bid=-1.0)


def crossed(chain: pd.DataFrame) -> pd.DataFrame:
    return chain.assign(bid=chain["ask"] + 0.01, quote_quality="crossed")


@pytest.mark.parametrize(
    ("change", "why"), [(other_spot, "spot beyond the strikes is"), (negative_bid, "option_chains.bid was refused")]
)
def test_nonsense_stops_the_advice_in_one_sentence_that_names_the_check(changed, change, why):
    changed(U=change)
    with pytest.raises(RunFailed) as failed:
        run.recommend({"symbols": ["U"]})
    assert str(failed.value).startswith("check schema_and_quotes of option_chains failed; ")
    assert why in str(failed.value)
    assert "\n" not in str(failed.value)


def test_what_was_refused_is_not_stored_and_the_next_run_asks_again(changed):
    changed(U=other_spot)
    with pytest.raises(RunFailed):
        run.recommend({"symbols": ["U"]})
    assert stored("option_chains") == []
    changed()
    assert run.recommend({"symbols": ["U"]})["advice"]


@pytest.mark.parametrize("change", [other_spot, negative_bid])
def test_one_bad_symbol_costs_that_symbol_alone(changed, change):
    changed(F=change)
    answer = run.recommend({"symbols": ["U", "F"]})
    assert [told["symbol"] for told in answer["not_evaluated"]] == ["F"]
    assert "check schema_and_quotes of option_chains failed" in answer["not_evaluated"][0]["reason"]
    assert [key for key, _ in stored("option_chains")] == ["U"]
    assert {row["symbol"] for row in answer["advice"]} >= {"U"}


def test_bad_quotes_only_warn(changed):
    changed(F=crossed)
    answer = run.recommend({"symbols": ["U", "F"]})
    assert answer["not_evaluated"] == []
    assert {key for key, _ in stored("option_chains")} == {"U", "F"}


def one_sided(chain: pd.DataFrame) -> pd.DataFrame:
    """Quotes of which nine in ten are too wide to tell a volatility."""
    bad = chain.index % 10 > 0
    return chain.assign(bid=chain["bid"].mask(bad, 0.01), ask=chain["ask"].mask(bad, 0.9 * chain["spot_price"]))


def test_volatilities_that_collapse_within_a_day_stop_the_advice_and_keep_the_old(changed):
    run.recommend({"symbols": ["U"]})
    before = stored("greeks")
    changed(U=one_sided)
    with pytest.raises(RunFailed, match="check schema_and_bounds of greeks failed; .* lost since the Greeks before"):
        run.recommend({"symbols": ["U"], "max_age_minutes": {"option_chains": 0.0}})
    assert stored("greeks") == before


def test_a_symbol_that_does_not_fit_keeps_no_other_from_being_measured():
    rows = {"mid": 1.0, "years": 0.1, "iv": [0.3, *[None] * 9]}
    greeks = pd.concat([greeks_of(symbol, **rows) for symbol in ("U", "F", "XYZ")], ignore_index=True)
    greeks.loc[greeks["symbol"] == "F", "delta"] = 7.0
    result = list(checked(GREEKS, Rows(greeks), before={"U": 0.0, "XYZ": 0.9}))[-1]
    assert set(result.value.frame["symbol"]) == {"XYZ"}
    assert set(result.value.not_fetched) == {"U", "F"}


def greeks_of(symbol: str, **columns: object) -> pd.DataFrame:
    """Ten contracts, good for the table but for what `columns` say."""
    filler = {"VARCHAR": "put", "TIMESTAMP": "2026-11-20", "DATE": "2026-12-18", "DOUBLE": 0.0}
    known = {c.name: c.values[0] if c.values else filler[c.type] for c in GREEKS.columns}
    frame = pd.DataFrame(known | {"option_type": "put"} | columns | {"symbol": symbol}, range(10))
    return frame.astype({c.name: "datetime64[us]" for c in GREEKS.columns if c.type in ("DATE", "TIMESTAMP")})


@pytest.fixture
def chain() -> pd.DataFrame:
    return pd.concat(
        [SampleMarket().option_chain(s, pd.Timestamp.now("UTC")).frame for s in ("U", "F")], ignore_index=True
    )


def outcome(frame: pd.DataFrame | Rows, **metadata: object) -> tuple[dg.AssetCheckResult, dg.MaterializeResult]:
    (result,) = checked(OPTION_CHAINS, frame if isinstance(frame, Rows) else Rows(frame), metadata)
    return result.check_results[0], result


def test_a_sound_frame_passes_unchanged_with_what_it_tells_about_itself(chain):
    check, result = outcome(Rows(chain, ("a note",), {"X": "gone"}), advice="x")
    assert (check.passed, check.severity, check.description) == (False, dg.AssetCheckSeverity.WARN, "gone")
    assert outcome(Rows(chain))[0].passed
    pd.testing.assert_frame_equal(result.value.frame, OPTION_CHAINS.conform(chain))
    assert (result.value.notes, result.value.not_fetched) == (("a note",), {"X": "gone"})
    assert result.metadata == {"advice": "x"}


def test_a_result_has_numbers_to_plot(chain):
    check, _ = outcome(chain)
    assert check.metadata["rows"].value == len(chain)
    assert check.metadata["spot beyond the strikes"].value == 0.0


def test_what_leaves_something_over_is_a_warning(chain):
    check, result = outcome(pd.concat([other_spot(chain[chain["symbol"] == "F"]), chain[chain["symbol"] == "U"]]))
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert set(result.value.frame["symbol"]) == {"U"}
    assert list(result.value.not_fetched) == ["F"]


@pytest.mark.parametrize("frame", ["nothing", "no_symbols", "all_bad"])
def test_what_leaves_nothing_over_is_an_error_before_any_output(chain, frame):
    frames = {"nothing": chain.iloc[:0], "no_symbols": chain.drop(columns="symbol"), "all_bad": other_spot(chain)}
    steps = checked(OPTION_CHAINS, Rows(frames[frame]))
    check = next(steps)
    assert isinstance(check, dg.AssetCheckResult)
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    with pytest.raises(dg.DagsterError, match="check schema_and_quotes of option_chains failed"):
        next(steps)


def test_two_cash_rows_stop_the_advice():
    from wheel_assets.fetch.sample.sources import SampleAccount

    frame = SampleAccount().positions("default", pd.Timestamp.now("UTC")).frame
    twice = pd.concat([frame, frame[frame["asset_type"] == "cash"]])
    assert next(checked(POSITIONS, Rows(twice))).description == "default: cash rows missing or doubled is 1"


def test_every_check_is_listed_blocking_and_says_what_it_looks_at():
    from wheel_assets.definitions import defs

    specs = {key.to_user_string(): spec for key, spec in _specs(defs).items()}
    assert {f"{table}:{name}" for table, name in NAMES.items()} <= set(specs)
    chains = specs["option_chains:schema_and_quotes"]
    assert chains.blocking
    assert [chains] == checks_of(OPTION_CHAINS)
    assert "spot beyond the strikes: above 0 it leaves the symbol" in chains.description


def _specs(defs: dg.Definitions) -> dict[dg.AssetCheckKey, dg.AssetCheckSpec]:
    graph = defs.resolve_asset_graph()
    return {key: graph.get_check_spec(key) for key in graph.asset_check_keys}
