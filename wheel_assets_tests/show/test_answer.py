"""The document and its renderings."""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from functools import cache

import pytest

from wheel_assets.show.answer import answer_document
from wheel_assets.show.answer_view import signed_dollars
from wheel_assets.show.markdown import as_markdown
from wheel_assets.show.terminal.answer import show
from wheel_assets.show.terminal.console import console

AT = datetime(2026, 11, 23, 15, 57)
SIDES = ("before", "after")
HIT = {
    "table": "positions",
    "key": "default",
    "source": "file",
    "timestamp": AT,
    "created_at": AT,
    "age_minutes": 12.0,
} | {
    "max_age_minutes": 30.0,
    "outcome": "cache_hit",
    "reason": "",
    "snapshot_id": 3,
}
MISS = HIT | {
    "table": "option_chains",
    "key": "U",
    "source": "cboe",
    "age_minutes": 0.1,
    "outcome": "cache_miss",
    "reason": "too_old",
}


@pytest.fixture(scope="module")
def trades(new_desk):
    """A roll, a close, an opening, a hold and a symbol without data."""
    desk = new_desk()
    desk.cash(50_000).put(28, 0.55, 0.60).put(10, 0.0, 0.05)
    desk.option("put", 31, -2, 1.00, days=4).put(31, 1.25, 1.30, days=4, delta=0.7)
    desk.put(29, 1.60, 1.65, days=39, delta=0.28, prob=0.7, cvar=-1.0)
    desk.option("put", 26, -1, 1.00).put(26, 0.25, 0.30, delta=0.09)
    return desk.option("put", 27, -1, 1.00).put(27, 0.60, 0.65, delta=0.05)


def document(desk, inputs=(HIT, MISS), **options):
    """As whoever has only the JSON sees it."""
    return json.loads(json.dumps(answer_document(advised(desk, **options), inputs), allow_nan=False))


@cache  # of the same desk: nothing is added to it any more
def advised(desk, symbols=("U", "Z"), **options):
    return desk.advise(symbols=symbols, not_evaluated={"Z": "no [chain] for *Z*|"}, **options)


def on_terminal(answer, width=100, verbose=True):
    file = io.StringIO()
    show(answer, console(width, file), verbose=verbose)
    return file.getvalue()


def one_line(text):
    return " ".join(text.split())


def test_what_to_type_into_the_broker(trades):
    assert [row["order"] for row in document(trades)["advice"]] == [
        "BUY TO CLOSE 2 U 27 Nov 2026 31 put, SELL TO OPEN 2 U 1 Jan 2027 29 put, NET CREDIT 0.30",
        "BUY TO CLOSE 1 U 28 Dec 2026 26 put, LIMIT 0.30",
        "SELL TO OPEN 4 U 28 Dec 2026 28 put, LIMIT 0.55",
        "",
        "",
    ]


def test_the_head_of_the_document(trades):
    answer = document(trades)
    assert (answer["as_of"], answer["account"]) == ("2026-11-23T16:00:00+00:00", "default")
    # 50,000 - 2 x 3,100 - 2,600 - 2,700
    assert (answer["portfolio_value"], answer["free_cash"]) == (100_000, 38_500)
    assert answer["not_evaluated"] == [{"symbol": "Z", "reason": "no [chain] for *Z*|"}]
    assert answer["quotes_as_of"] == {"U": "2026-11-23T15:45:00+00:00"}
    assert answer["inputs"][1]["created_at"] == "2026-11-23T15:57:00+00:00"


def test_missing_numbers_are_null(trades):
    hold = document(trades)["advice"][3]
    assert (hold["action"], hold["limit_price"], hold["roll_to_option_symbol"]) == ("hold", None, None)
    assert hold["expiration"] == "2026-12-28"


def test_rejected_contracts_are_counted_by_rule(trades):
    counts = {(entry["rule"], entry["option_type"]): entry["count"] for entry in document(trades)["rejected"]}
    # 31: 4 days; 27 and 26: delta; 10: no bid
    assert counts == {("too_near", "put"): 1, ("delta_low", "put"): 2, ("quote", "put"): 1}


def test_the_alternatives_are_there_too(trades):
    # (25 % of 100,000 - 6,200 - 2,600 - 2,700) / 2,900 = 4.7
    assert [row["order"] for row in document(trades)["alternatives"]] == [
        "SELL TO OPEN 4 U 1 Jan 2027 29 put, LIMIT 1.60"
    ]


@pytest.mark.parametrize(
    ("market", "broker", "sample"), [("sample", "file", True), ("cboe", "sample", True), ("cboe", "file", False)]
)
def test_sample_data_is_said_wherever_it_comes_in(desk, market, broker, sample):
    answer = document(desk.cash(9_000).put(28, 0.55, 0.60, source=market), [HIT | {"source": broker}])
    assert answer["sample"] is sample
    for text in (as_markdown(answer), on_terminal(answer)):
        assert ("SAMPLE DATA" in text) is sample


@pytest.mark.parametrize("render", [as_markdown, on_terminal])
def test_both_renderings_say_everything_that_counts(trades, render):
    answer = document(trades)
    text = one_line(render(answer)).replace("\\", "")
    for said in (
        "Account default · portfolio $100,000 · free cash $38,500 · as of Mon 23 Nov 11:00 ET",
        "SELL TO OPEN 4 U 28 Dec 2026 28",
        "Z not evaluated: no [chain] for *Z*|",
        "4 contracts refused: 2 too far out of the money",
        "No call on U. Calls need 100 free shares, 0 are free.",
        "nothing is ordered",
        "too old",
        "12 min",
        *(row["reason"] for row in answer["advice"]),
    ):
        assert said in text


@pytest.fixture(scope="module")
def large_account(new_desk):
    """Nine positions and five symbols: rolls, closes, holds and openings, and a symbol without data."""
    desk = new_desk()
    desk.cash(150_000).stock(300, 31.0)
    for symbol, spot in zip(SYMBOLS, (30.0, 270.0, 180.0, 500.0, 12.0), strict=True):
        for share in (0.9, 0.95, 1.0, 1.05):
            at = {"symbol": symbol, "root": symbol.replace(".", ""), "spot": spot, "delta": 0.5 + 4 * (share - 1)}
            bid = round(spot * (0.02 if share <= 1 else 0.06), 2)
            desk.put(spot * share, bid, bid + 0.05, **at).put(spot * share, bid * 1.6, bid * 1.6 + 0.05, days=39, **at)
            desk.call(spot * share, 0.4, 0.45, **at | {"delta": 0.1})
        for share, premium in ((1.05, 2.0), (0.9, spot)):  # in the money, and earned
            desk.option("put", spot * share, -1, premium, symbol=symbol, root=at["root"])
    return desk


SYMBOLS = ("U", "AAPL", "NVDA", "BRK.B", "F")


@pytest.mark.parametrize("width", [80, 100, 160])
def test_the_answer_fits_the_terminal_and_no_line_ends_in_blanks(large_account, width):
    answer = document(large_account, symbols=SYMBOLS)
    for verbose in (False, True):
        lines = on_terminal(answer, width, verbose).splitlines()
        assert max(len(line) for line in lines) <= width
        assert [line for line in lines if line != line.rstrip()] == []


def test_warnings_and_orders_of_a_large_account_are_one_screen(large_account):
    lines = on_terminal(document(large_account, symbols=SYMBOLS), verbose=False).splitlines()
    assert sum("TO OPEN" in line or "TO CLOSE" in line for line in lines) >= 7
    assert len(lines) <= 30
    assert lines[-1] == (
        "2 inputs, oldest 12 min, 1 pulled · advice only, nothing is ordered; more: -v, `wheel explain`"
    )


@pytest.mark.parametrize("width", range(60, 101, 5))
def test_numbers_never_part_from_their_unit(large_account, width):
    text = on_terminal(document(large_account, symbols=SYMBOLS), width)
    assert not re.search(r"\d\n\s*(%|min\b|days?\b|h\b)", text)


def test_an_order_tells_its_limit_its_money_its_probability_and_why(trades):
    lines = on_terminal(document(trades), 140, verbose=False).splitlines()
    (sale,) = (line for line in lines if "28 put" in line)
    # 4 x (55 - 0.65) = 217.40
    assert " ".join(sale.split()).startswith(
        "3 SELL TO OPEN 4 U 28 Dec 2026 28 put 0.57 to 0.55 +$217.40 20 % 0.20 delta"
    )
    (first,) = (number for number, line in enumerate(lines) if "27 Nov 2026 31 put" in line)
    assert lines[first].split()[:9] == ["1", "BUY", "TO", "CLOSE", "2", "U", "27", "Nov", "2026"]
    assert "0.34 to 0.30 net" in lines[first]
    assert lines[first + 1].split()[:8] == ["SELL", "TO", "OPEN", "2", "U", "1", "Jan", "2027"]


def test_the_range_of_a_limit_is_told(trades):
    answer = document(trades)
    answer["advice"][2] |= {"limit_start": 0.58, "limit_floor": 0.5}
    assert "0.58 to 0.50" in on_terminal(answer, verbose=False)


def test_colours_mean_something_and_are_off_when_piped(trades, monkeypatch):
    assert "\x1b" not in on_terminal(document(trades))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    text = on_terminal(document(trades))
    assert "\x1b[36mBUY" in text  # a roll is cyan, money paid red, a warning yellow
    assert re.search(r"\x1b\[31m *-\$30\.65", text)
    assert "\x1b[33m! " in text


def test_hits_and_pulls_are_told_apart(trades):
    lines = [line.split() for line in on_terminal(document(trades)).splitlines()]
    assert ["positions", "default", "file", "12", "min", "30", "min", "cache"] in lines
    assert ["option_chains", "U", "cboe", "6", "s", "30", "min", "pulled", "too", "old"] in lines


def test_what_else_could_be_done_with_each_open_option_is_told(trades):
    text = on_terminal(document(trades))
    for render in (text, as_markdown(document(trades))):
        assert "into U 1 Jan 2027 29 put" in render
        assert "buy 200 at 31, 30.00 with premium" in render  # 31 less the premium of 1.00
        assert "$260.65 to pay" not in render
    assert "hold         35 days" in text


def test_what_a_fall_of_all_shares_costs_is_told_before_and_after_the_advice(trades):
    answer = document(trades)
    (line,) = (line.split() for line in on_terminal(answer).splitlines() if "shares -20 %" in line)
    assert line[-2:] == [signed_dollars(round(answer["exposure"][side]["stress"]["shares -20%"])) for side in SIDES]


def test_all_orders_together_are_told(trades):
    # 4 x (55 - 0.65) + 2 x (30 - 2 x 0.65) - 30.65 = 244.15
    assert "All filled: +$244.15, $11,200 newly set aside" in on_terminal(document(trades), verbose=False)
    assert document(trades)["new_collateral"] == 11_200


def test_by_default_only_what_is_to_be_done_is_printed(trades):
    text = on_terminal(document(trades), verbose=False)
    assert not [said for said in ("Why", "Not done", "About the data", "option_chains") if said in text]
    assert "Hold: 1 U 28 Dec 2026 27 put (20 %)" in text


def test_a_vendors_words_are_not_read_as_markup(trades):
    answer = document(trades)
    assert "no \\[chain\\] for \\*Z\\*\\|" in as_markdown(answer)
    assert "no [chain] for *Z*|" in on_terminal(answer)


def test_every_row_of_a_markdown_table_has_its_columns(trades):
    lines = [line.replace("\\|", "") for line in as_markdown(document(trades)).splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {8, 6, 4}  # tables of seven, five and three columns


def test_nothing_to_do_is_said(desk):
    answer = document(desk.cash(0).put(28, 0.55, 0.60))
    assert "Nothing to do now." in as_markdown(answer)
    assert "Nothing to do now." in on_terminal(answer)


def test_an_answer_without_inputs_has_no_table_of_them(trades):
    assert "pulled" not in on_terminal(document(trades, inputs=()), verbose=False)


@pytest.mark.parametrize(("age", "said"), [(30.0, False), (45.0, True)])
def test_data_past_its_limit_is_labelled(trades, age, said):
    text = one_line(on_terminal(document(trades, [HIT | {"age_minutes": age}])))
    assert ("! old data: positions of default is 45 min old, over its limit of 30 min" in text) is said


def test_data_that_could_not_be_renewed_was_not_pulled(trades):
    text = one_line(on_terminal(document(trades, [MISS | {"outcome": "cache_stale", "age_minutes": 45.0}])))
    assert ("over its limit of" in text, "cache too old" in text, "none pulled" in text) == (True, True, True)


def test_what_was_just_pulled_is_not_old_whatever_was_asked(trades):
    assert "old data" not in on_terminal(document(trades, [MISS | {"age_minutes": 0.1, "max_age_minutes": 0.0}]))


def test_the_same_old_data_of_many_keys_is_one_line(trades):
    old = [HIT | {"table": "greeks", "key": key, "age_minutes": 40.0 + number} for number, key in enumerate("ABCDEF")]
    text = on_terminal(document(trades, old), width=160, verbose=False)
    assert "! old data: greeks of A, B, C, D, E, F is 45 min old, over its limit of 30 min" in text
    assert text.count("old data") == 1


def test_warnings_come_before_the_advice(desk):
    answer = document(desk.cash(9_000).put(28, 0.55, 0.60), now=datetime(2026, 11, 22, 16, 0, tzinfo=UTC))
    text = on_terminal(answer)
    assert 0 < text.index("market closed; quotes of Mon 23 Nov 10:45 ET") < text.index("SELL TO OPEN")


def test_notes_about_the_data_are_told_once_in_every_rendering(trades):
    notes = ["U: quotes are 15 minutes old", "the login ends tomorrow"]
    answer = document(trades, [MISS | {"notes": notes}, MISS | {"key": "F", "notes": notes[1:]}])
    for text in (on_terminal(answer), as_markdown(answer)):
        assert [text.count(note) for note in notes] == [1, 1]


def test_what_is_peculiar_about_the_positions_is_a_warning(trades):
    answer = document(trades, [HIT | {"notes": ["the positions are 5 days old"]}])
    text = on_terminal(answer)
    assert "! the positions are 5 days old" in text
    assert "the positions are 5 days old" in answer["warnings"]  # a program reads of it where a person does
    assert "About the data" not in text


def test_a_note_about_several_symbols_names_them_together(trades):
    chains = [MISS | {"key": key, "notes": [f"{key}: quotes are delayed", f"{key}: 1 is bad"]} for key in ("U", "F")]
    text = on_terminal(document(trades, [*chains, MISS | {"key": "X", "notes": ["X: 2 are bad"]}]))
    lines = text[text.index("About the data") :].splitlines()
    assert [line.strip() for line in lines[1:4]] == ["U, F: quotes are delayed", "U, F: 1 is bad", "X: 2 are bad"]


def test_too_many_notes_are_counted_instead(trades):
    answer = document(trades, [MISS | {"notes": [f"note {number}" for number in range(20)]}])
    text = on_terminal(answer)
    assert "note 7" in text
    assert "note 8" not in text
    assert "and 12 more, which --json lists" in text


def test_without_notes_nothing_is_said_of_the_data(trades):
    assert "About the data" not in on_terminal(document(trades)) + as_markdown(document(trades))
