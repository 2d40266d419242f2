"""The report is one page that needs nothing else, and says nothing that a vendor could make it do."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest

from wheel_assets.show.answer import answer_document
from wheel_assets.show.candidates import candidates_svg
from wheel_assets.show.freshness import freshness
from wheel_assets.show.html.report import collateral, report_html

AT = datetime(2026, 11, 24, 3, 0)
HOSTILE = "<script>alert(1)</script>\x1b]0;x\x07\u202e"
KEY = {"table": "option_chains", "key": "U", "state": "fresh", "created_at": "2026-11-24T02:50:00"}
STATS = {"option_chains_count": 1, "keys": [KEY | {"max_age_minutes": 30.0, "source": "cboe"}]}


@pytest.fixture
def document(desk):
    """An opening, a hold, a symbol without data with hostile reasons."""
    desk.cash(50_000).put(28, 0.55, 0.60).put(27, 0.40, 0.45, delta=0.15)
    desk.option("put", 26, -1, 0.45).put(26, 0.40, 0.45, delta=0.05)
    answer = answer_document(desk.advise(symbols=("U", "Z"), not_evaluated={"Z": HOSTILE}))
    return json.loads(json.dumps(answer))


@pytest.fixture
def page(document):
    return report_html(document, made_at=AT, matrix=freshness(STATS, AT, ["U"]))


def test_everything_that_counts_is_on_it(page):
    for said in (
        "SELL TO OPEN",
        "Z not evaluated",
        "profit at expiration",
        "Candidates: yearly return",
        "🟢 fresh until 22:20 ET",
        "Collateral by symbol",
        "be assigned or close",
        "buy 100 at 26, 25.55 with premium",
        "The account under stress",
        "shares -20 %",
        "Nothing to score yet",
    ):
        assert said in page


def test_it_loads_nothing_and_runs_only_its_own_script(page):
    assert not re.findall(r"(?:src|href)=", page)
    assert "default-src 'none'" in page
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page)


def test_nothing_hostile_gets_into_it(page):
    assert page.count("<script>") == 1
    assert not set("\x1b\x07\u202e") & set(page)


def test_an_answer_without_any_of_that_is_a_page_too(desk):
    page = report_html(answer_document(desk.cash(0).put(28, 0.55, 0.60).advise()), made_at=AT)
    assert "Nothing to do now." in page


def test_the_chosen_candidates_are_marked(document):
    picture = candidates_svg(document)
    assert (picture.count("<circle"), picture.count('fill="none" stroke="#')) == (3, 1)
    assert candidates_svg(document | {"advice": [], "alternatives": []}) == ""


def test_collateral_counts_what_is_kept_and_what_is_opened(document):
    # 25 % of 100,000 less 2,600 held, in puts at 28
    opened = next(row for row in document["advice"] if row["action"] == "open_csp")
    assert collateral(document) == {"U": 2_600 + opened["collateral"]}


@pytest.mark.parametrize(
    ("created", "state", "told"),
    [
        ("2026-11-24T02:50:00", "fresh", "🟢 fresh until 22:20 ET"),
        ("2026-11-24T02:35:00", "fresh", "🟡 due soon until 22:05 ET"),
        ("2026-11-24T02:10:00", "too_old", "🟠 stale since 21:40 ET"),
        ("2026-11-24T02:50:00", "input_superseded", "🟠 stale inputs renewed"),
        ("2026-11-22T02:10:00", "too_old", "🟠 stale since Sat 21 Nov 21:40 ET"),
    ],
)
def test_a_state_has_a_colour_a_word_and_a_time_that_stays_true(created, state, told):
    key = STATS["keys"][0] | {"created_at": created, "state": state}
    matrix = freshness(STATS | {"keys": [key]}, AT, ["U", "F"])
    assert str(matrix.symbols["U"][0]) == told
    assert str(matrix.symbols["F"][0]) == "⚪ never"


def test_the_watchlist_and_holdings_come_first_and_the_others_are_counted():
    keys = [STATS["keys"][0] | {"key": name} for name in ("A", "B", "U")]
    matrix = freshness(STATS | {"keys": keys}, AT, ["U"], holdings=["B", "Z"])
    assert list(matrix.symbols) == ["U", "B"]
    assert matrix.others == {"A": "1 of 1 fresh"}
