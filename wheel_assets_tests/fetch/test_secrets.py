"""No secret leaves a request: planted ones are looked for in all that a failure leaves behind."""

import json
import logging
import traceback

import pytest

from wheel_assets import errors

VENDORS = ["cboe", "cboe history", "schwab chains", "schwab history", "schwab account", "databento"]
VENDORS += ["fred", "fred csv", "treasury", "tradier chains", "tradier account", "tastytrade chains"]
VENDORS += ["tastytrade account", "alpaca chains", "alpaca account"]
TROUBLES = [
    {"status": 400},
    {"status": 401},
    {"status": 403},
    {"status": 404},
    {"status": 429},
    {"status": 502},
    {"status": 200, "content_type": "text/html"},
    {"status": 200, "content_type": "application/json"},
    {"status": 200, "cut": True},
    {"reset": True},
]


@pytest.fixture
def echo(vendors, planted):
    """A vendor that repeats whatever it was told."""

    def with_(trouble):
        def reply(seen):
            told = json.dumps([seen.path, seen.query, seen.form, seen.headers])
            detail = f"{told} is not accepted"
            return vendors.Reply(
                {"error": detail, "message": detail, "error_message": detail, "detail": detail}, **trouble
            )

        return reply

    return with_


@pytest.fixture
def left_behind(calls, caplog, capfd, planted):
    """The planted secrets in all that asking a vendor leaves behind."""
    caplog.set_level(logging.DEBUG)

    def found(vendor):
        try:
            left = [repr(vendor.ask())]
        except errors.SourceError as error:
            left = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
            left += [repr(error.__cause__), repr(error.__context__)]
        left += [repr(calls), caplog.text, *capfd.readouterr()]
        return [secret for secret in planted.values() if any(secret in text for text in left)]

    return found


LOGINS = {"schwab": "/v1/oauth/token", "tastytrade": "/oauth/token"}
FAILURES = [(name, None, trouble) for name in VENDORS for trouble in TROUBLES]
FAILURES += [
    (name, LOGINS[name.split()[0]], each) for name in VENDORS if name.split()[0] in LOGINS for each in TROUBLES
]


@pytest.mark.parametrize(("name", "path", "trouble"), FAILURES, ids=str)
def test_no_failure_repeats_a_secret(left_behind, vendor_named, fake, echo, token_file, name, path, trouble):
    vendor = vendor_named(name)
    fake.on(path or vendor.path, echo(trouble))
    if path:
        token_file(minutes=0)
    assert left_behind(vendor) == []


@pytest.mark.parametrize("name", VENDORS)
def test_no_good_answer_repeats_a_secret(left_behind, vendor_named, token_file, name):
    vendor = vendor_named(name)
    token_file(minutes=0)
    assert left_behind(vendor) == []
