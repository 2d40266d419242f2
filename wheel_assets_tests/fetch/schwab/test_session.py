"""Authorised requests to Schwab: tokens, and what its errors mean."""

import base64
import json

import pytest

from wheel_assets import errors
from wheel_assets.fetch.http.response import Response
from wheel_assets.fetch.schwab.session import SchwabSession, schwab_fault, schwab_symbol
from wheel_assets.vendors import SchwabSettings

TOKEN = "/v1/oauth/token"


@pytest.fixture
def ok(fake, vendors):
    fake.on("/data", vendors.Reply({"ok": 1}))


def failure(session, now):
    with pytest.raises(errors.SourceError) as raised:
        session.get("/data", {}, now)
    return raised.value


def test_a_live_token_is_used_as_it_is(schwab, fake, ok, now):
    assert schwab.get("/data", {"a": "b"}, now).json() == {"ok": 1}
    assert [(seen.path, seen.query, seen.headers["Authorization"]) for seen in fake.seen] == [
        ("/data", {"a": "b"}, "Bearer planted-access-1")
    ]


def test_a_token_that_ends_is_renewed_first(schwab, fake, vendors, ok, token_file, now):
    path = token_file(minutes=1)
    fake.on(TOKEN, vendors.Reply(vendors.schwab_token()))
    schwab.get("/data", {}, now)
    renewal, data = fake.seen
    assert renewal.form == {"grant_type": "refresh_token", "refresh_token": "planted-refresh-1"}
    assert (
        renewal.headers["Authorization"] == "Basic " + base64.b64encode(b"planted-app-key:planted-app-secret").decode()
    )
    assert data.headers["Authorization"] == "Bearer planted-access-2"
    assert json.loads(path.read_text())["token"]["access_token"] == "planted-access-2"


def test_a_dropped_token_is_renewed_and_tried_again_once(schwab, fake, vendors, now):
    fake.on(TOKEN, vendors.Reply(vendors.schwab_token()))
    fake.on("/data", vendors.Reply({}, 401), vendors.Reply({"ok": 1}))
    assert schwab.get("/data", {}, now).json() == {"ok": 1}
    assert fake.paths() == ["/data", TOKEN, "/data"]


def test_a_second_401_is_final(schwab, fake, vendors, now):
    fake.on(TOKEN, vendors.Reply(vendors.schwab_token()))
    fake.on("/data", vendors.Reply({}, 401, headers={"Schwab-Client-CorrelId": "id-9"}))
    error = failure(schwab, now)
    assert type(error) is errors.SourceRefused
    assert "both API products" in str(error)
    assert error.request_id == "id-9"
    assert fake.paths() == ["/data", TOKEN, "/data"]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "unsupported_token_type", "error_description": '400 Bad Request: "{\\"error\\":\\"x"}"'}),
        (400, {"error": "invalid_grant"}),
        (401, {"error": "invalid_client"}),
    ],
)
def test_a_dead_login_asks_for_a_person(schwab, fake, vendors, token_file, now, status, body):
    before = token_file(minutes=0).read_bytes()
    fake.on(TOKEN, vendors.Reply(body, status))
    error = failure(schwab, now)
    assert isinstance(error, errors.LoginExpired)
    assert str(error).endswith("run `wheel login schwab`")
    assert len(fake.seen) == 1
    assert token_file(minutes=0).read_bytes() == before


def test_an_app_that_is_not_ready(schwab, fake, vendors, token_file, now):
    token_file(minutes=0)
    fake.on("/v1/oauth/token", vendors.Reply("<html><body><h1>Whitelabel Error Page</h1>", 500, "text/html"))
    with pytest.raises(
        errors.SourceRefused, match="no login for this app; HTTP 500 .*; see that the app is `Ready For"
    ):
        schwab.get("/x", {}, now)


def test_a_page_from_the_edge_is_no_dead_login(schwab, fake, vendors, token_file, now):
    token_file(minutes=0)
    fake.on(TOKEN, vendors.Reply("<html>Access Denied</html>", 403, "text/html"))
    error = failure(schwab, now)
    assert type(error) is errors.SourceRefused
    assert "HTTP 403 <html>Access Denied" in str(error)


@pytest.mark.parametrize("name", ["app_key", "app_secret"])
def test_key_and_secret_must_be_set(name, tmp_path, calls):
    settings = SchwabSettings(**{"app_key": "k", "app_secret": "s", "token_file": tmp_path / "t", name: None})
    with pytest.raises(errors.SettingError, match=f"WHEEL_SCHWAB__{name.upper()} is not set"):
        SchwabSession.of(settings, calls.append)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            {"fault": {"faultstring": "big", "detail": {"errorcode": "protocol.http.TooBigBody"}}},
            "protocol.http.TooBigBody",
            "big",
        ),
        ({"errors": [{"title": "Bad Request", "detail": "no such date"}]}, "Bad Request", "no such date"),
        ({"errors": [{"title": "Not Found"}]}, "Not Found", "Not Found"),
        ({"message": "not linked", "errors": []}, None, "not linked"),
        ({"errors": ["not linked"]}, None, "not linked"),
        ({"error": "invalid_grant"}, "invalid_grant", "invalid_grant"),
        ({"errors": {}, "message": 5}, None, ""),
        ({"fault": {"detail": 7}}, None, ""),
        ([], None, ""),
    ],
)
def test_every_shape_of_error_is_read(body, code, message):
    assert schwab_fault(Response("schwab", "/x", 400, {}, json.dumps(body).encode())) == (code, message)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff"])
def test_errors_without_a_body_say_nothing(body):
    assert schwab_fault(Response("schwab", "/x", 500, {}, body)) == (None, "")


@pytest.mark.parametrize(("ticker", "spelling"), [("XYZ", "XYZ"), ("SPX", "$SPX"), ("BRK.B", "BRK/B")])
def test_tickers_as_schwab_spells_them(ticker, spelling):
    assert schwab_symbol(ticker) == spelling
