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


@pytest.mark.parametrize("path", ["its own", "/v1/oauth/token"])
@pytest.mark.parametrize("trouble", TROUBLES, ids=str)
@pytest.mark.parametrize("name", VENDORS)
def test_nothing_repeats_a_secret(
    vendor_named, fake, echo, calls, caplog, capfd, token_file, planted, name, trouble, path
):
    caplog.set_level(logging.DEBUG)
    vendor = vendor_named(name)
    fake.on(vendor.path if path == "its own" else path, echo(trouble))
    if path != "its own":
        token_file(minutes=0)
    try:
        left = [repr(vendor.ask())]
    except errors.SourceError as error:
        left = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
        left += [repr(error.__cause__), repr(error.__context__)]
    left += [repr(calls), caplog.text, *capfd.readouterr()]
    found = [secret for secret in planted.values() if any(secret in text for text in left)]
    assert found == []
