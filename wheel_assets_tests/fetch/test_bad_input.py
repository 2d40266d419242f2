"""The table of bad input, first part: what goes wrong on the way. The second is `test_bad_documents.py`.

For every vendor and every failure: the error it becomes, how often it is asked for, the sentence that
the user reads, and that afterwards the cache holds what it held before, row by row. A new vendor, or
a new failure, is a line in these tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from wheel_assets import errors
from wheel_assets.errors import LoginExpired, RateLimited, SourceRefused, SourceUnreachable, UnexpectedAnswer
from wheel_assets.vendor import BROKER, EVENTS, MARKET, RATE
from wheel_assets.vendors import offering

CBOE = ["cboe", "cboe history"]
SCHWAB = ["schwab chains", "schwab history", "schwab account"]
CSV = ["databento", "fred csv", "treasury"]
TRADIER, ALPACA = (["tradier chains", "tradier account", "tradier events"], ["alpaca chains", "alpaca account"])
TASTYTRADE = ["tastytrade chains", "tastytrade account", "tastytrade events"]
NOT_WAITED_FOR = [*CBOE, "finnhub"]  # a limit of a day, or a plan: it outlasts a run
VENDORS = [
    "nasdaq",
    "finnhub",
    *CBOE,
    *SCHWAB,
    "databento",
    "fred",
    "fred csv",
    "treasury",
    *TRADIER,
    *TASTYTRADE,
    *ALPACA,
]
TOKEN = "/v1/oauth/token"
TOO_BIG = {"fault": {"faultstring": "Body buffer overflow", "detail": {"errorcode": "protocol.http.TooBigBody"}}}
DENIED = "<html><body>Access Denied</body></html>"
ONCE, AGAIN = 1, 0  # AGAIN: three times in all, four at Schwab


class Case(NamedTuple):
    """What a failure becomes: the error, the requests made, and what is said (<vendor> and <url> filled in)."""

    kind: type[errors.WheelError]
    requests: int
    sentence: str


class Row(NamedTuple):
    """A failure by the reply that makes it (None: nobody listens), and by vendor where one does otherwise."""

    reply: dict[str, Any] | None
    case: Case
    otherwise: dict[str, Case] = {}  # noqa: RUF012


def broken(why: str) -> Case:
    sentence = f"<vendor> cannot be reached; {why}; check the network and the address <url>"
    return Case(SourceUnreachable, AGAIN, sentence)


def failing(why: str, requests: int = AGAIN) -> Case:
    return Case(SourceUnreachable, requests, f"<vendor> is failing; HTTP {why}; try again later")


def refused(why: str) -> Case:
    return Case(SourceRefused, ONCE, f"<vendor> refuses this client; HTTP {why}; check key, licence and login")


def not_accepted(why: str) -> Case:
    remedy = "check the address in the settings; if it is right, the vendor has changed its interface"
    return Case(UnexpectedAnswer, ONCE, f"<vendor> did not accept the request; HTTP {why}; {remedy}")


def limited(remedy: str, requests: int = AGAIN) -> Case:
    return Case(RateLimited, requests, f"<vendor> limits the rate of requests; HTTP 429; {remedy}")


def unexpected(why: str) -> Case:
    remedy = "try again later; if it stays, the vendor has changed its layout"
    return Case(UnexpectedAnswer, ONCE, f"<vendor> sent an unexpected answer; {why}; {remedy}")


def no_such(what: str, why: str) -> Case:
    return Case(errors.UnknownSymbol, ONCE, f"{what} XYZ; {why}; check the ticker")


def no_value(what: str) -> Case:
    return Case(UnexpectedAnswer, ONCE, f"<vendor> has no value of {what}; try again later or set WHEEL_RATE__SOURCE")


def of(vendors: list[str], case: Case) -> dict[str, Case]:
    return dict.fromkeys(vendors, case)


def unknown_to_cboe(why: str) -> dict[str, Case]:
    found = zip(CBOE, ("chain", "price history"), strict=True)
    return {name: no_such(f"Cboe has no {what} for", f"{why}, while it answers for SPY") for name, what in found}


NEW_TOKEN = Case(
    SourceRefused,
    2,
    "Schwab refuses even a new token; HTTP 401, request None; see that the app has both API products and is "
    "`Ready For Use`, and that the account is linked",
)
TOO_MANY = Case(
    UnexpectedAnswer,
    6,  # the whole, the first of its windows, and halves of that down to one day
    "the options of XYZ that expire on 2026-11-20 are too many for one answer of Schwab; "
    "use another market source for it",
)
NO_LIST = Case(
    UnexpectedAnswer,
    ONCE,
    "Schwab sent an account that cannot be read; its accounts are no list; its layout may have changed",
)
NO_NUMBER = Case(
    UnexpectedAnswer,
    ONCE,
    "alpaca sent an account that cannot be read; an account's number is none; its layout may have changed",
)
NO_COMPANIES = Case(
    UnexpectedAnswer, ONCE, "Tradier sent an unexpected layout; dict instead of a list of companies; try again later"
)
NO_QUOTES = Case(
    SourceRefused,
    ONCE,
    "tastytrade gives no quotes to this grant; HTTP 403; "
    "use another WHEEL_MARKET__SOURCE; account and events still work",
)
NO_COLUMNS = Case(UnexpectedAnswer, ONCE, "Databento sent a damaged CSV; No columns to parse from file")

TABLE = {
    "connection refused": Row(
        None,
        broken("connection refused"),
        of(TASTYTRADE, broken("connection refused")._replace(requests=ONCE)),  # it is the token that is asked for
    ),
    "reset": Row({"reset": True}, broken("the connection broke")),
    "reset mid-body": Row({"body": "x" * 99, "cut": True}, broken("the answer broke off")),
    "slow beyond the timeout": Row({"body": {}, "delay": 1.0}, broken("no answer in time")),
    "redirect": Row({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, not_accepted("302")),
    "400": Row({"status": 400}, not_accepted("400")),
    "401": Row({"status": 401}, refused("401"), of(SCHWAB, NEW_TOKEN)),
    "402": Row({"status": 402}, refused("402")),
    "403": Row({"status": 403}, refused("403"), {**unknown_to_cboe("HTTP 403"), "tastytrade chains": NO_QUOTES}),
    "404": Row(
        {"status": 404},
        not_accepted("404"),
        {**unknown_to_cboe("HTTP 404"), "schwab chains": no_such("Schwab lists no options on", "HTTP 404")},
    ),
    "429": Row(
        {"status": 429},
        limited("try again in some minutes"),
        of(NOT_WAITED_FOR, limited("try again in some minutes", ONCE)),
    ),
    "429 with Retry-After": Row(
        {"status": 429, "headers": {"Retry-After": "9"}},
        limited("it asks to wait 9 seconds"),
        of(NOT_WAITED_FOR, limited("it asks to wait 9 seconds", ONCE)),
    ),
    "500": Row({"status": 500}, failing("500")),
    "500 with a page": Row({"status": 500, "body": DENIED, "content_type": "text/html"}, failing(f"500 {DENIED}")),
    "502": Row({"status": 502}, failing("502")),
    "502 TooBigBody": Row(
        {"status": 502, "body": TOO_BIG},
        failing(f"502 {TOO_BIG}".replace("'", '"')),
        {
            **of(SCHWAB, failing("502 Body buffer overflow", ONCE)),
            **of(TRADIER, failing("502 Body buffer overflow")),
            "schwab chains": TOO_MANY,
        },
    ),
    "503": Row({"status": 503}, failing("503")),
    "HTML with status 200": Row(
        {"body": DENIED, "content_type": "text/html"},
        unexpected(f"text/html instead of JSON: {DENIED}"),
        of(CSV, unexpected(f"text/html instead of CSV: {DENIED}")),
    ),
    "truncated JSON": Row(
        {"body": '{"data": {"opt', "content_type": "application/json"},
        unexpected("damaged JSON of 14 bytes"),
        of(CSV, unexpected('application/json instead of CSV: {"data": {"opt')),
    ),
    "no text": Row(
        {"body": b"\xff\xfe\x00\x01", "content_type": ""},
        unexpected("damaged JSON of 4 bytes"),
        of(CSV, unexpected("text that is not UTF-8")),
    ),
    "wrong shape": Row(
        {"body": {"a": 1}},
        unexpected("no data among its keys ['a']"),
        {
            **of(CSV, unexpected('application/json instead of CSV: {"a": 1}')),
            "schwab chains": unexpected("no status, putExpDateMap, callExpDateMap among its keys ['a']"),
            "schwab history": unexpected("no candles among its keys ['a']"),
            "schwab account": NO_LIST,
            "tradier chains": unexpected("no options among its keys ['a']"),
            "tradier account": unexpected("no profile among its keys ['a']"),
            "tradier events": NO_COMPANIES,
            "finnhub": unexpected("no earningsCalendar among its keys ['a']"),
            "alpaca chains": no_such("Alpaca lists no options on", "its answer is empty"),
            "alpaca account": NO_NUMBER,
            "fred": unexpected("no observations among its keys ['a']"),
        },
    ),
    "empty body": Row(
        {"body": b""},
        unexpected("damaged JSON of 0 bytes"),
        {"treasury": no_value("3 Mo"), "fred csv": no_value("DGS3MO"), "databento": NO_COLUMNS},
    ),
}

ENDED = "it has expired, was revoked or replaced"
WRONG_APP = "the login is dead, or the app's key or secret is wrong"
LOG_IN = "run `wheel login schwab`"
CHECK_APP = f"check WHEEL_SCHWAB__APP_KEY and WHEEL_SCHWAB__APP_SECRET, then {LOG_IN}"


def dead(why: str, code: str, remedy: str = LOG_IN) -> Case:
    return Case(LoginExpired, ONCE, f"Schwab turned the login down; {why} (HTTP {code}); {remedy}")


# What the token endpoint may answer once the access token has ended. A POST is repeated after a 429 only.
LOGIN = {
    "dead refresh token": Row(
        {"status": 400, "body": {"error": "unsupported_token_type"}}, dead(ENDED, "400 unsupported_token_type")
    ),
    "revoked refresh token": Row({"status": 400, "body": {"error": "invalid_grant"}}, dead(ENDED, "400 invalid_grant")),
    "wrong secret": Row(
        {"status": 401, "body": {"error": "invalid_client"}}, dead(WRONG_APP, "401 invalid_client", CHECK_APP)
    ),
    "denied at the door": Row({"status": 403, "body": DENIED, "content_type": "text/html"}, refused(f"403 {DENIED}")),
    "500": Row({"status": 500}, failing("500", ONCE)),
    "reset": Row({"reset": True}, broken("the connection broke")._replace(requests=ONCE)),
    "429": Row({"status": 429}, limited("try again in some minutes")),
    "HTML with status 200": Row(
        {"body": DENIED, "content_type": "text/html"}, unexpected(f"text/html instead of JSON: {DENIED}")
    ),
    "wrong shape": Row({"body": {"a": 1}}, unexpected("no access_token among its keys ['a']")),
}


@pytest.fixture
def kept(real_assets) -> Callable[[Any], dict[str, list[Any]]]:
    """Ask in vain; the error, which must have left the cache as it was, with a good answer in it."""

    def ask(vendor: Any) -> errors.WheelError:
        before = real_assets.cache()
        assert before[vendor.table]
        with pytest.raises(errors.WheelError) as raised:
            real_assets.fetch(vendor.table, vendor.source)
        assert real_assets.cache() == before
        return raised.value

    return ask


FILLS = {"option_chains": "cboe", "price_history": "cboe history", "positions": "schwab account"}
FILLS |= {"risk_free_rate": "fred", "events": "nasdaq"}


@pytest.fixture
def vendor_with_cache(vendor_named, real_assets, calls) -> Callable[[str], Any]:
    """A vendor that nothing was asked of, over a cache with a good answer of another or of its own."""

    def named(name: str) -> Any:
        vendor = vendor_named(name)
        if not real_assets.cache([vendor.table])[vendor.table]:
            real_assets.fetch(vendor.table, vendor_named(FILLS[vendor.table]).source)
            calls.clear()
        return vendor

    return named


def check(error: errors.WheelError, case: Case, vendor: str, url: str) -> None:
    sentence = case.sentence.replace("<vendor>", vendor.split()[0]).replace("<url>", url)
    assert (type(error), str(error)) == (case.kind, sentence)


@pytest.mark.slow
@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("trouble", TABLE)
def test_what_a_failure_becomes(vendor_with_cache, kept, fake, vendors, calls, monkeypatch, name, trouble):
    vendor, row = vendor_with_cache(name), TABLE[trouble]
    if trouble == "slow beyond the timeout":  # it alone: a busy machine is slow to answer too
        monkeypatch.setattr("wheel_assets.fetch.http.client.READ_SECONDS", 0.1)
    fake.close() if row.reply is None else fake.on(vendor.path, vendors.Reply(**row.reply))
    case = row.otherwise.get(name, row.case)
    check(kept(vendor), case, name, fake.url)
    asked = [call for call in calls if call.endpoint == vendor.path] or calls
    assert len(asked) == (case.requests or vendor.tries)


@pytest.mark.parametrize("name", SCHWAB)
@pytest.mark.parametrize("trouble", LOGIN)
def test_what_a_login_that_fails_becomes(vendor_with_cache, kept, fake, vendors, token_file, name, trouble):
    vendor, row = vendor_with_cache(name), LOGIN[trouble]
    login = token_file(minutes=1)
    before = login.read_bytes()
    fake.seen.clear()
    fake.on(TOKEN, vendors.Reply(**row.reply))
    check(kept(vendor), row.case, name, fake.url)
    assert fake.paths() == [TOKEN] * (row.case.requests or vendor.tries)
    assert login.read_bytes() == before


@pytest.mark.parametrize("name", SCHWAB)
def test_a_login_that_is_too_old_is_not_even_shown(vendor_with_cache, kept, fake, token_file, name):
    vendor = vendor_with_cache(name)
    token_file(days=7.1)
    fake.seen.clear()
    error = kept(vendor)
    ended = f"Schwab login expired on 2026-11-20; it lives seven days; {LOG_IN}"
    assert (type(error), str(error)) == (LoginExpired, ended)
    assert fake.paths() == []


PASSING = ["reset", "reset mid-body", "429", "502", "503"]


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("trouble", PASSING)
def test_what_passes_is_not_noticed(vendor_named, fake, vendors, name, trouble):
    vendor, row = vendor_named(name), TABLE[trouble]
    if row.otherwise.get(name, row.case).requests == ONCE:
        pytest.skip("a rate limit that outlasts a run is not waited for")
    fake.on(vendor.path, vendors.Reply(**row.reply), vendor.good)
    assert vendor.ask() is not None


@pytest.mark.parametrize("name", SCHWAB)
def test_a_token_that_schwab_ends_before_its_time_is_renewed_once(vendor_named, fake, vendors, name):
    vendor = vendor_named(name)  # as with a clock that is behind Schwab's
    fake.on(vendor.path, vendors.Reply(status=401), vendor.good)
    assert vendor.ask() is not None
    assert fake.paths() == [vendor.path, TOKEN, vendor.path]


@pytest.mark.parametrize("name", [name for name in VENDORS if name not in NOT_WAITED_FOR])
def test_a_vendor_is_given_the_time_it_asks_for(vendor_named, fake, vendors, waits, name):
    vendor = vendor_named(name)
    fake.on(vendor.path, vendors.Reply(**TABLE["429 with Retry-After"].reply), vendor.good)
    assert vendor.ask() is not None
    assert waits == [9.0]


def test_no_vendor_is_left_out_of_these_tables():
    asked = {
        name for role in (MARKET, BROKER, RATE, EVENTS) for name, vendor in offering(role).items() if vendor.remote
    }
    assert asked == {name.split()[0] for name in VENDORS}
