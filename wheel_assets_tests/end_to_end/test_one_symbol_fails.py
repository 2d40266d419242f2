"""One bad symbol costs itself: it is named with its reason, and the others are answered, with and without a cache."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

CBOE, SCHWAB = "/api/global/delayed_quotes/options/{}.json", "/marketdata/v1/chains"
BAD = {
    "not accepted": {"status": 400},
    "a page": {"body": "<html>Denied</html>", "content_type": "text/html"},
}
WHY = {
    "not accepted": "{} did not accept the request; HTTP 400",
    "a page": "{} sent an unexpected answer; text/html instead of JSON: <html>Denied</html>",
}


def as_schwab(document: bytes) -> dict[str, Any]:
    """The chain of a document of Cboe, as Schwab would write it."""
    data = json.loads(document)["data"]
    contracts = [
        {"symbol": f"{row['option'][:-15]:<6}{row['option'][-15:]}", "openInterest": row["open_interest"]}
        | {name: row[name] for name in ("bid", "ask")}
        for row in data["options"]
    ]
    head = {"status": "SUCCESS", "underlyingPrice": data["current_price"], "numberOfContracts": len(contracts)}
    return {**head, "putExpDateMap": {"all": {"any": contracts}}, "callExpDateMap": {}}


@pytest.fixture
def fake(vendors, documents) -> Iterator[Any]:
    """AAA and BBB at both vendors; `fake.bad` is the reply for BBB, None while it is well."""
    server = vendors.FakeVendor()
    server.bad = None

    def chain(symbol: str, body: Any) -> Any:
        return vendors.Reply(**server.bad) if server.bad and symbol == "BBB" else vendors.Reply(body)

    for symbol in ("AAA", "BBB"):
        whole = json.loads(documents[symbol])
        server.on(CBOE.format(symbol), lambda _, symbol=symbol, whole=whole: chain(symbol, whole))
    both = {symbol: as_schwab(documents[symbol]) for symbol in ("AAA", "BBB")}
    server.on(SCHWAB, lambda seen: chain(seen.query["symbol"], both[seen.query["symbol"]]))
    yield server
    server.close()


@pytest.fixture
def trader_at(user, fake) -> Callable[[str], Any]:
    """A trader of AAA and BBB whose market is that vendor, and who is logged in where there is a login."""

    def at(vendor: str) -> Any:
        token = {"access_token": "access", "refresh_token": "refresh", "expires_at": time.time() + 1800}
        login = user.folder / "login.json"
        login.write_text(json.dumps({"creation_timestamp": time.time() - 60, "token": token}))
        login.chmod(0o600)
        user.settings |= {"WHEEL_MARKET__SOURCE": vendor, "WHEEL_CBOE__BASE_URL": fake.url}
        user.settings |= {"WHEEL_SCHWAB__BASE_URL": fake.url, "WHEEL_SCHWAB__TOKEN_FILE": str(login)}
        user.settings |= {"WHEEL_SCHWAB__APP_KEY": "key", "WHEEL_SCHWAB__APP_SECRET": "secret"}
        return user

    return at


def chains(user: Any) -> list[tuple[Any, ...]]:
    return user.query("SELECT key, snapshot_id, rows FROM snapshots WHERE table_name = 'option_chains' ORDER BY ALL")


@pytest.mark.parametrize(("vendor", "trouble"), [("cboe", "not accepted"), ("schwab", "a page")])
def test_a_bad_symbol_costs_itself(trader_at, fake, vendor, trouble):
    trader, fake.bad = trader_at(vendor), BAD[trouble]
    cold = trader.answer()
    assert "AAA" in {row["symbol"] for row in cold["advice"] if row["action"] == "open_csp"}
    (told,) = cold["not_evaluated"]
    assert told["symbol"] == "BBB"
    assert told["reason"].startswith(WHY[trouble].format(vendor))
    assert [key for key, _, _ in chains(trader)] == ["AAA"]


@pytest.mark.parametrize(("vendor", "trouble"), [("cboe", "a page"), ("schwab", "not accepted")])
def test_a_symbol_that_was_good_and_is_bad_keeps_what_is_cached(trader_at, fake, vendor, trouble):
    trader = trader_at(vendor)
    assert trader.answer()["not_evaluated"] == []
    before = chains(trader)
    trader.age("option_chains", 16)
    fake.bad = BAD[trouble]
    warm = trader.answer()
    assert [told["symbol"] for told in warm["not_evaluated"]] == ["BBB"]
    assert {row["symbol"] for row in warm["advice"] if row["action"] == "open_csp"} == {"AAA"}
    assert [line for line in chains(trader) if line[0] == "BBB"] == [line for line in before if line[0] == "BBB"]
    assert trader.answer("--allow-stale", "60")["not_evaluated"] == []
