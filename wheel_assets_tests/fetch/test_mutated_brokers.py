"""Good answers of Tradier, tastytrade, Alpaca and the calendars, damaged at random: one clear error, or sound rows.

What is accepted fits its table; its numbers stand somewhere in what was sent; an event is on a day that was sent.
"""

from __future__ import annotations

import importlib.util
import json
import math
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.errors import SourceError
from wheel_assets.tables import EVENTS, OPTION_CHAINS, POSITIONS

_spec = importlib.util.spec_from_file_location("mutations", Path(__file__).with_name("test_mutated_payloads.py"))
mutations = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(mutations)

TABLES = {"chains": OPTION_CHAINS, "account": POSITIONS, "events": EVENTS}
VENDORS = [f"{broker} {what}" for broker in ("tradier", "tastytrade", "alpaca") for what in ("chains", "account")]
EVENT_VENDORS = ["tradier events", "tastytrade events", "nasdaq", "finnhub"]
# Other answers that an account or a chain is put together from.
MORE = {
    "tradier account": ["/v1/accounts/87654321/balances", "/v1/accounts/87654321/positions", "/v1/markets/quotes"],
    "tradier chains": ["/v1/markets/options/expirations", "/v1/markets/quotes"],
    "tradier events": ["/beta/markets/fundamentals/dividends"],
    "tastytrade account": ["/accounts/87654321/balances/USD", "/accounts/87654321/positions"],
    "tastytrade chains": ["/option-chains/XYZ/nested", "/market-metrics"],
    "alpaca account": ["/v2/positions"],
    "alpaca chains": ["/v2/options/contracts", "/v2/stocks/snapshots"],
    "nasdaq": ["/api/calendar/dividends"],
}


def numbers(documents: list[Any]) -> set[float]:
    """Every number that was sent, texts of numbers too."""
    found = set()
    for document in documents:
        for place in mutations.places(document):
            with suppress(TypeError, ValueError, OverflowError):
                found.add(abs(float(str(mutations.at(document, place)).strip(" $"))))
    return found


def check_chain(frame: Any, sent: set[float]) -> None:
    mutations.sane(frame)
    for name in ("bid", "ask", "last", "open_interest", "volume"):
        assert all(any(math.isclose(each, n) for n in sent) for each in frame[name].dropna()), name


def check_account(frame: Any, sent: set[float]) -> None:
    shares_and_cash = frame[frame["asset_type"] != "option"]
    assert shares_and_cash["quantity"].abs().map(math.isfinite).all()
    assert set(frame.loc[frame["asset_type"] == "option", "quantity"].abs()) <= sent
    assert frame["symbol"].is_unique or frame["asset_type"].eq("stock").any()


@pytest.mark.parametrize("name", [*VENDORS, *EVENT_VENDORS])
@given(data=st.data())
def test_a_damaged_answer_is_an_error_or_sound_rows(vendor_named, fake, vendors, planted, name, data):
    vendor = vendor_named(name)
    path = data.draw(st.sampled_from([vendor.path, *MORE.get(name, [])]))
    document = fake.replies(path)[0].body
    for _ in range(data.draw(st.integers(1, 3))):
        document = mutations.damages(data.draw, document)
    fake.on(path, vendors.Reply(json.dumps(document), content_type="application/json"))
    try:
        result = vendor.ask()
    except SourceError as error:
        result, told = None, [str(error)]
    else:
        told = [*result.notes, *result.not_fetched.values()]
    assert not any(secret in line or "\n" in line for secret in planted.values() for line in told)
    if result is None:
        return
    kind = name.split()[-1] if name in VENDORS else "events"
    frame = TABLES[kind].conform(result.frame)
    sent = numbers(
        [json.loads(json.dumps(document)), *(fake.replies(each)[0].body for each in all_paths(vendor, name))]
    )
    if kind == "chains":
        check_chain(frame, sent)
    elif kind == "account":
        check_account(frame, sent)
    else:
        assert {day.date() for day in frame["date"].dropna()} <= {date(2026, 11, day) for day in (18, 20, 23)}


def all_paths(vendor: Any, name: str) -> list[str]:
    return [vendor.path, *MORE.get(name, [])]


@pytest.mark.parametrize(
    ("name", "path", "field"),
    [
        ("alpaca account", "/v2/positions", "asset_class"),
        ("tastytrade account", "/accounts/87654321/positions", "instrument-type"),
        ("schwab account", None, "assetType"),
    ],
)
def test_a_holding_whose_kind_is_no_text_is_an_error_or_left_out_with_a_note(
    vendor_named, fake, vendors, name, path, field
):
    vendor = vendor_named(name)
    body = fake.replies(path or vendor.path)[0].body
    places = [place for place in mutations.places(body) if place[-1:] == (field,)]
    assert places
    for place in places:
        fake.on(path or vendor.path, vendors.Reply(mutations.damaged(body, place, [], "replace")))
        with suppress(SourceError):
            assert vendor.ask().notes


UNREADABLE = [
    ("tradier events", lambda b: b[0]["results"][1]["tables"]["corporate_calendars"][0], "begin_date_time"),
    ("tastytrade events", lambda b: b["data"]["items"][0]["earnings"], "expected-report-date"),
    ("finnhub", lambda b: b["earningsCalendar"][0], "date"),
]


@pytest.mark.parametrize(("name", "row", "field"), UNREADABLE)
def test_earnings_on_a_day_that_cannot_be_read_are_not_taken_for_none(vendor_named, fake, vendors, name, row, field):
    vendor = vendor_named(name)
    document = json.loads(json.dumps(vendor.good.body))
    row(document)[field] = "the end of the month"
    fake.on(vendor.path, vendors.Reply(document))
    with pytest.raises(SourceError, match="of XYZ that cannot be read"):
        vendor.ask()


def test_a_company_that_tradier_leaves_out_is_not_without_earnings(vendor_named, fake, vendors):
    vendor = vendor_named("tradier events")
    fake.on(vendor.path, vendors.Reply([]))
    with pytest.raises(SourceError, match="Tradier has no calendar of XYZ"):
        vendor.ask()
