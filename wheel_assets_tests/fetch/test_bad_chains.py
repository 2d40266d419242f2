"""The table of bad input, second part: a chain that arrives whole and is wrong inside.

For every vendor: which value becomes NULL, which contract is left out and counted, what is only told,
and which chain is refused, so that the cache holds what it held before. Every line goes through the
real asset into a real cache file, and is read back from there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pandas as pd
import pytest

from wheel_assets import errors
from wheel_assets.errors import CheckFailed, NoContracts, NoSpotPrice, UnexpectedAnswer

CBOE, SCHWAB, DATABENTO = VENDORS = ["cboe", "schwab chains", "databento"]
JSON = [CBOE, SCHWAB]
QUOTES = "/marketdata/v1/quotes"
NUMBERS = ("bid", "ask", "last", "iv", "bid_size", "ask_size", "volume", "open_interest")
UNTOLD = {DATABENTO: {"iv", "volume"}}  # what a vendor does not send at all


def every(value: Any) -> dict[str, Any]:
    """A contract whose every number is that."""
    return dict.fromkeys(NUMBERS, value)


def both(changes: dict[str, Any], quality: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Numbers that are stored as they were sent."""
    return changes, {**changes, "quote_quality": quality}


NULL = {**every(None), "quote_quality": "missing"}
# What is sent as a contract's numbers, and what is stored.
VALUES = {
    "null": (every(None), NULL),
    "blank": (every(""), NULL),
    "spaces": (every("  "), NULL),
    '"NaN"': (every("NaN"), NULL),
    "a dash": (every("-"), NULL),
    "-999": (every(-999.0), NULL),
    '"-999.0"': (every("-999.0"), NULL),
    "negative": (every(-1.0), NULL),
    "words": (every("N/A"), NULL),
    "a truth value": (every(True), NULL),
    "a list": (every([1]), NULL),
    "numbers as strings": (
        {"bid": "1.10", "ask": " 1.20", "last": "1.15", "iv": 0.25, "bid_size": "12", "open_interest": "4821"},
        {
            "bid": 1.1,
            "ask": 1.2,
            "last": 1.15,
            "iv": 0.25,
            "bid_size": 12,
            "open_interest": 4821,
            "quote_quality": "ok",
        },
    ),
    "no bid": both({"bid": 0.0}, "no_bid"),
    "no ask": both({"ask": 0.0}, "no_ask"),
    "no quote": both({"bid": 0.0, "ask": 0.0}, "missing"),
    "crossed": both({"bid": 1.30, "ask": 1.20}, "crossed"),
    "locked": both({"bid": 1.20, "ask": 1.20}, "locked"),
    "wide": both({"bid": 0.50, "ask": 1.20}, "wide"),
    "nothing traded": both({"volume": 0, "open_interest": 0}, "ok"),
    "never traded": ({"last": 0.0}, {"last": None}),
    "no volatility": ({"iv": 0.0}, {"iv": None}),
    "a volatility of 4,300 %": ({"iv": 43.0}, {"iv": None}),
    "half a contract": ({"bid_size": 0.5, "open_interest": 1.5}, {"bid_size": None, "open_interest": None}),
}

# Contracts that are left out, the reason that is told (of expired ones nothing), and who may send them.
ADJUSTED = "adjusted (other deliverable than 100 shares)"
LEFT_OUT: dict[str, tuple[Any, str, list[str]]] = {
    "expired": ({"code": "XYZ   261119P00095000"}, "", VENDORS),
    "adjusted root": ({"code": "XYZ1  270219P00095000"}, ADJUSTED, VENDORS),
    "FLEX root": ({"code": "1XYZ  270219P00095000"}, ADJUSTED, VENDORS),
    "root of another stock": ({"code": "ABC   270219P00095000"}, "of another underlying than XYZ", VENDORS),
    "unreadable code": ({"code": "gibberish"}, "with an unreadable code", VENDORS),
    "31 February": ({"code": "XYZ   270231P00095000"}, "with an unreadable code", VENDORS),
    "strike of nothing": ({"code": "XYZ   270219P00000000"}, "with an unreadable code", VENDORS),
    "no code": ({"code": None}, "with an unreadable code", VENDORS),
    "no object": (5, "with an unreadable code", JSON),
    "sent twice": ({"bid": 9.9, "ask": 9.9}, "sent twice", VENDORS),
    "marked as not standard": ({"code": "XYZ   270219P00090000", "nonStandard": True}, ADJUSTED, [SCHWAB]),
    "mini": ({"code": "XYZ   270219P00090000", "mini": True, "multiplier": 10.0}, ADJUSTED, [SCHWAB]),
    "two strikes": (
        {"code": "XYZ   270219P00090000", "strikePrice": 95.0},
        "with another strike than their code's",
        [SCHWAB],
    ),
}


class Refused(NamedTuple):
    """Contracts and document that are refused, the error, and the sentence."""

    vendor: str
    contracts: list[dict[str, Any]] | None
    document: dict[str, Any]
    kind: type[errors.WheelError]
    sentence: str


EXPIRED, OTHER = {"code": "XYZ   261113P00095000"}, {"code": "XYZ1  270219P00095000"}
NO_SPOT = "no price of XYZ from {}; none of {} is a price; try again in market hours"
CBOE_PRICES = "current_price, close, mid"
SCHWAB_PRICES = (
    "underlyingPrice, underlying.mark, underlying.last, underlying.close, quote.mark, quote.lastPrice, quote.closePrice"
)
ELSEWHERE = (
    "check schema_and_quotes of option_chains failed; XYZ: spot beyond the strikes is 0.988; nothing of it was stored"
)
REFUSED = {
    "cboe: empty": Refused(CBOE, [], {}, NoContracts, "no contracts for XYZ from cboe; the vendor sent none"),
    "cboe: no price": Refused(
        CBOE,
        None,
        {"current_price": None, "close": 0, "bid": None},
        NoSpotPrice,
        NO_SPOT.format("cboe", CBOE_PRICES),
    ),
    "cboe: all expired": Refused(
        CBOE, [EXPIRED], {}, NoContracts, "no contracts for XYZ from cboe; 1 contracts left out: expired"
    ),
    "cboe: all adjusted": Refused(
        CBOE, [OTHER], {}, NoContracts, f"no contracts for XYZ from cboe; 1 contracts left out: {ADJUSTED}"
    ),
    "cboe: price of another stock": Refused(CBOE, None, {"current_price": 9000.0}, CheckFailed, ELSEWHERE),
    "cboe: no time": Refused(
        CBOE,
        None,
        {"last_trade_time": None},
        UnexpectedAnswer,
        "Cboe sent an unexpected layout; last_trade_time is 'None'; try again later or use another source",
    ),
    "schwab: empty": Refused(
        SCHWAB, [], {}, NoContracts, "Schwab lists no options on XYZ; status SUCCESS; check the ticker"
    ),
    "schwab: failed": Refused(
        SCHWAB,
        None,
        {"status": "FAILED"},
        NoContracts,
        "Schwab lists no options on XYZ; status FAILED; check the ticker",
    ),
    "schwab: no price": Refused(
        SCHWAB,
        None,
        {"underlyingPrice": "NaN", "underlying": None},
        NoSpotPrice,
        NO_SPOT.format("schwab", SCHWAB_PRICES),
    ),
    "schwab: all expired": Refused(
        SCHWAB, [EXPIRED], {}, NoContracts, "no contracts for XYZ from schwab; 1 contracts left out: expired"
    ),
    "schwab: all adjusted": Refused(
        SCHWAB, [OTHER], {}, NoContracts, f"no contracts for XYZ from schwab; 1 contracts left out: {ADJUSTED}"
    ),
    "schwab: price of another stock": Refused(SCHWAB, None, {"underlyingPrice": 9000.0}, CheckFailed, ELSEWHERE),
    "databento: no quotes": Refused(
        DATABENTO,
        [],
        {"days_with_quotes": set()},
        NoContracts,
        "Databento has no quotes of XYZ; in 4 sessions until 2026-11-20 20:15 UTC; check the ticker",
    ),
    "databento: no price": Refused(
        DATABENTO,
        [],
        {"definitions": []},
        NoSpotPrice,
        "no price of XYZ from Databento; OPRA does not carry it, too few puts and calls are quoted to imply it, and "
        "EQUS.MINI has no quote of it in that half hour; use another market source",
    ),
}

# What is stored, and told in a note.
ACCOUNT_COLUMNS: dict[str, tuple[str, dict[str, Any], str]] = {
    "cboe: delayed": (CBOE, {}, "quotes delayed by about 15 minutes; Cboe's terms: personal, non-commercial use"),
    "cboe: no price": (CBOE, {"current_price": 0}, "no current_price; close is used as its price"),
    "cboe: no close either": (CBOE, {"current_price": 0, "close": 0}, "no current_price; mid is used as its price"),
    "cboe: clock two hours ahead": (
        CBOE,
        {"last_trade_time": "2026-11-20T17:30:00"},
        "quotes are 2:00:00 ahead of this machine's clock; counted as of now",
    ),
    "schwab: delayed": (SCHWAB, {"isDelayed": True}, "delayed quotes (no real-time agreement with Schwab)"),
    "schwab: cut short": (SCHWAB, {"numberOfContracts": 9}, "Schwab announced 9 contracts and sent 6"),
    "schwab: no price": (SCHWAB, {"underlyingPrice": 0}, "no underlyingPrice; underlying.mark is used as its price"),
}


@pytest.fixture
def answering(vendor_named, fake, vendors, chains) -> Callable[..., Any]:
    """A vendor that sends these contracts: a sound chain with changes to each, where none are given."""

    def named(name: str, contracts: list[Any] | None = None, **document: Any) -> Any:
        vendor = vendor_named(name)
        sent = chains.SOUND if contracts is None else contracts
        if name == DATABENTO:
            server = vendors.Databento(fake)
            fake.on(vendor.path, chains.databento(server, sent))
            vars(server).update(document)
        else:
            fake.on(vendor.path, (chains.cboe if name == CBOE else chains.schwab)(vendors, sent, **document))
        return vendor

    return named


@pytest.mark.parametrize("name", VENDORS)
def test_what_is_stored_of_bad_numbers(answering, real_assets, chains, name):
    codes = {fault: f"XYZ   270219P{strike:05d}000" for strike, fault in enumerate(VALUES, 90)}
    sent = [chains.CONTRACT | VALUES[fault][0] | {"code": code} for fault, code in codes.items()]
    real_assets.fetch("option_chains", answering(name, [*sent, *chains.CALLS]).source)
    rows = real_assets.newest("option_chains").set_index("option_symbol")
    expected = {fault: without(name, stored) for fault, (_, stored) in VALUES.items()}
    assert {fault: told(rows.loc[code], expected[fault]) for fault, code in codes.items()} == expected
    assert set(rows.loc[[call["code"] for call in chains.CALLS], "quote_quality"]) == {"ok"}


def without(name: str, stored: dict[str, Any]) -> dict[str, Any]:
    """What is stored of it where the vendor does not tell everything."""
    return {column: None if column in UNTOLD.get(name, ()) else value for column, value in stored.items()}


def told(row: pd.Series, columns: Any) -> dict[str, Any]:
    return {column: None if pd.isna(row[column]) else row[column] for column in columns}


@pytest.mark.parametrize(
    ("name", "fault"), [(name, fault) for fault, (_, _, senders) in LEFT_OUT.items() for name in senders]
)
def test_what_is_left_out_and_counted(answering, chains, name, fault):
    added, reason, _ = LEFT_OUT[fault]
    extra = chains.CONTRACT | added if isinstance(added, dict) else added
    sent = answering(name, [*chains.SOUND, extra]).ask()
    rows = sent.frame[sent.frame["expiration"] == "2027-02-19"].set_index("option_symbol")
    assert sorted(rows.index) == sorted(contract["code"] for contract in chains.SOUND)
    assert rows.loc[chains.CONTRACT["code"], "bid"] == 1.10
    left_out = [note for note in sent.notes if "left out" in note]
    assert left_out == ([f"XYZ: 1 contracts left out: {reason}"] if reason else [])


@pytest.mark.parametrize("fault", REFUSED)
def test_what_is_refused_leaves_the_cache_as_it_was(answering, real_assets, chains, fault):
    row = REFUSED[fault]
    real_assets.fetch("option_chains", answering(row.vendor).source)
    before = real_assets.cache()
    contracts = None if row.contracts is None else [chains.CONTRACT | changes for changes in row.contracts]
    vendor = answering(row.vendor, contracts, **row.document)
    with pytest.raises(row.kind) as raised:
        real_assets.fetch("option_chains", vendor.source)
    assert (type(raised.value), str(raised.value)) == (row.kind, row.sentence)
    assert real_assets.cache() == before


@pytest.mark.parametrize("fault", ACCOUNT_COLUMNS)
def test_what_is_only_told(answering, chains, now, fault):
    name, document, note = ACCOUNT_COLUMNS[fault]
    rows = answering(name, **document).ask()
    assert len(rows.frame) == len(chains.SOUND)
    assert f"XYZ: {note}" in rows.notes
    assert (rows.frame["timestamp"] <= pd.Timestamp(now).tz_localize(None)).all()


@pytest.mark.parametrize("name", JSON)
def test_two_roots_on_one_expiration_are_two_contracts(answering, fake, real_assets, chains, name):
    codes = [f"{root}270219{contract}000" for root in ("SPX   ", "SPXW  ") for contract in ("P00095", "C00105")]
    vendor = answering(name, [chains.CONTRACT | {"code": code} for code in codes])
    fake.on("/api/global/delayed_quotes/options/_SPX.json", *fake.replies(vendor.path))
    real_assets.fetch("option_chains", vendor.source, symbols=["SPX"])
    rows = real_assets.newest("option_chains")
    assert sorted(rows["option_symbol"]) == sorted(codes)
    assert set(zip(rows["strike"], rows["option_type"], strict=True)) == {(95.0, "put"), (105.0, "call")}


@pytest.mark.slow
@pytest.mark.parametrize("name", JSON)
def test_thirty_thousand_contracts_are_all_stored(answering, real_assets, chains, name):
    codes = [f"XYZ   270219{right}{strike:08d}" for right in "CP" for strike in range(1000, 15_001_000, 1000)]
    real_assets.fetch("option_chains", answering(name, [chains.CONTRACT | {"code": code} for code in codes]).source)
    rows = real_assets.newest("option_chains")
    assert sorted(rows["option_symbol"]) == sorted(codes)
    assert rows["strike"].sum() == 2 * sum(range(1, 15_001))
