"""The table of bad input: for every vendor and every failure of the wire, how often it is asked and what is said."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from wheel_assets import errors

VENDORS = ["cboe", "cboe history", "schwab chains", "schwab history", "schwab account", "databento"]
VENDORS += ["fred", "fred csv", "treasury"]
TOO_BIG = {"fault": {"faultstring": "Body buffer overflow", "detail": {"errorcode": "protocol.http.TooBigBody"}}}
ONCE, AGAIN = False, True


@dataclass
class Row:
    """A failure, the error it becomes, whether it is tried again, and a part of the message."""

    reply: dict[str, Any]
    kind: type[errors.SourceError]
    retried: bool
    words: str
    exceptions: dict[str, tuple[type[errors.SourceError], int]] = field(default_factory=dict)


UNKNOWN = (errors.UnknownSymbol, 1)
RENEWED = (errors.SourceRefused, 2)  # a token may die early: it is renewed, and asked with once more
NOT_FOUND = {"cboe": UNKNOWN, "cboe history": UNKNOWN, "schwab chains": UNKNOWN}
SHUT_OUT = {"cboe": (errors.RateLimited, 1), "cboe history": (errors.RateLimited, 1)}
TABLE = {
    "reset": Row({"reset": True}, errors.SourceUnreachable, AGAIN, "connection broke"),
    "reset mid-body": Row({"body": "x" * 99, "cut": True}, errors.SourceUnreachable, AGAIN, "the answer broke off"),
    "slow": Row({"body": {}, "delay": 0.2}, errors.SourceUnreachable, AGAIN, "no answer in time"),
    "400": Row({"status": 400}, errors.UnexpectedAnswer, ONCE, "HTTP 400"),
    "401": Row(
        {"status": 401},
        errors.SourceRefused,
        ONCE,
        "HTTP 401",
        {"schwab chains": RENEWED, "schwab history": RENEWED, "schwab account": RENEWED},
    ),
    "402": Row({"status": 402}, errors.SourceRefused, ONCE, "HTTP 402"),
    "403": Row({"status": 403}, errors.SourceRefused, ONCE, "HTTP 403", {"cboe": UNKNOWN, "cboe history": UNKNOWN}),
    "404": Row({"status": 404}, errors.UnexpectedAnswer, ONCE, "HTTP 404", NOT_FOUND),
    "429": Row({"status": 429}, errors.RateLimited, AGAIN, "try again", SHUT_OUT),
    "429 with Retry-After": Row(
        {"status": 429, "headers": {"Retry-After": "9"}},
        errors.RateLimited,
        AGAIN,
        "wait 9 seconds",
        SHUT_OUT,
    ),
    "500": Row({"status": 500}, errors.SourceUnreachable, AGAIN, "HTTP 500"),
    "502": Row({"status": 502}, errors.SourceUnreachable, AGAIN, "HTTP 502"),
    "502 TooBigBody": Row(
        {"status": 502, "body": TOO_BIG},
        errors.SourceUnreachable,
        AGAIN,
        "",
        # Whole, first window, then halves of it down to one day, which cannot be split.
        {
            "schwab chains": (errors.UnexpectedAnswer, 6),
            "schwab history": (errors.SourceUnreachable, 1),
            "schwab account": (errors.SourceUnreachable, 1),
        },
    ),
    "503": Row({"status": 503}, errors.SourceUnreachable, AGAIN, "HTTP 503"),
    "redirect": Row(
        {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, errors.UnexpectedAnswer, ONCE, "HTTP 302"
    ),
    "HTML with status 200": Row(
        {"body": "<html>Denied</html>", "content_type": "text/html"}, errors.UnexpectedAnswer, ONCE, "text/html instead"
    ),
    "truncated JSON": Row(
        {"body": '{"data": {"opt', "content_type": "application/json"}, errors.UnexpectedAnswer, ONCE, "unexpected"
    ),
    "no text": Row({"body": b"\xff\xfe\x00\x01", "content_type": ""}, errors.UnexpectedAnswer, ONCE, "unexpected"),
    "wrong shape": Row({"body": {"a": 1}}, errors.UnexpectedAnswer, ONCE, ""),
    "empty body": Row({"body": b""}, errors.UnexpectedAnswer, ONCE, ""),
}


def failure(vendor):
    with pytest.raises(errors.SourceError) as raised:
        vendor.ask()
    return raised.value


@pytest.mark.parametrize("name", VENDORS)
def test_a_good_answer_is_good(vendor_named, name):
    assert vendor_named(name).ask() is not None


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("trouble", TABLE)
def test_what_a_failure_becomes(vendor_named, fake, vendors, monkeypatch, token_file, name, trouble):
    monkeypatch.setattr("wheel_assets.fetch.http.READ_SECONDS", 0.1)
    row, vendor = TABLE[trouble], vendor_named(name)
    fake.on(vendor.path, vendors.Reply(**row.reply))
    error = failure(vendor)
    kind, tries = row.exceptions.get(name, (row.kind, vendor.tries if row.retried else 1))
    assert type(error) is kind
    assert fake.paths().count(vendor.path) == tries
    assert row.words in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("trouble", ["reset", "reset mid-body", "429", "503"])
def test_what_passes_is_not_noticed(vendor_named, fake, vendors, waits, name, trouble):
    if name.startswith("cboe") and trouble == "429":
        pytest.skip("a rate limit of Cboe outlasts a run and is not waited for")
    vendor = vendor_named(name)
    fake.on(vendor.path, vendors.Reply(**TABLE[trouble].reply), vendor.good)
    assert vendor.ask() is not None


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendor_that_is_not_there(vendor_named, fake, calls, name):
    vendor = vendor_named(name)
    fake.close()
    error = failure(vendor)
    assert type(error) is errors.SourceUnreachable
    assert "connection refused; check the network and the address http://127.0.0.1" in str(error)
    assert {call.status for call in calls} == {None}


@pytest.mark.parametrize("name", ["schwab chains", "schwab history", "schwab account"])
@pytest.mark.parametrize("trouble", TABLE)
def test_a_failure_leaves_the_login_as_it_was_or_renewed(vendor_named, fake, vendors, token_file, name, trouble):
    before = token_file(minutes=1).read_bytes()
    fake.on("/v1/oauth/token", vendors.Reply(**{**TABLE[trouble].reply, "delay": 0}))
    vendor = vendor_named(name)
    fake.on("/v1/oauth/token", vendors.Reply(**{**TABLE[trouble].reply, "delay": 0}))
    assert isinstance(failure(vendor), errors.SourceError)
    assert vendor.path not in fake.paths()
    assert token_file(minutes=1).read_bytes() == before
