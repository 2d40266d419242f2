"""The login flow: the address shown, the address pasted, the token saved."""

import base64
import hashlib
import json
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from wheel_assets import errors
from wheel_assets.fetch.schwab.login import SchwabLogin, authorization_code, authorize_url
from wheel_assets.fetch.schwab.token import TokenFile
from wheel_assets.vendors import SchwabSettings

CALLBACK = "https://127.0.0.1:8182"


@pytest.fixture
def login(fake, calls, tmp_path):
    settings = SchwabSettings(
        base_url=fake.url, app_key="app-key", app_secret="app-secret", token_file=tmp_path / "token.json"
    )
    return SchwabLogin(settings, calls.append)


def redirect_of(login, **changes):
    """Where Schwab sends the browser after the person agreed."""
    state = parse_qs(urlsplit(login.url).query)["state"][0]
    return f"{CALLBACK}/?{urlencode({'code': 'C0.abc+d@', 'session': 'x', 'state': state} | changes)}"


def test_the_page_is_asked_for_with_the_apps_own_terms():
    address = urlsplit(authorize_url("https://api.schwabapi.com/", "app-key", CALLBACK, "s1", "c1"))
    assert (address.netloc, address.path) == ("api.schwabapi.com", "/v1/oauth/authorize")
    assert parse_qs(address.query) == {
        "response_type": ["code"],
        "client_id": ["app-key"],
        "redirect_uri": [CALLBACK],
        "state": ["s1"],
        "code_challenge": ["c1"],
        "code_challenge_method": ["S256"],
    }


def test_every_login_has_a_state_of_its_own(login, fake, calls, tmp_path):
    settings = SchwabSettings(base_url=fake.url, app_key="k", app_secret="s", token_file=tmp_path / "t")
    states = {parse_qs(urlsplit(SchwabLogin(settings, calls.append).url).query)["state"][0] for _ in range(5)}
    assert len(states) == 5
    assert all(len(state) >= 32 for state in states)


def test_the_code_is_traded_for_a_login(login, fake, vendors, now, tmp_path):
    fake.on("/v1/oauth/token", vendors.Reply(vendors.schwab_token()))
    login.finish(f"  {redirect_of(login)}\n", now)
    verifier = fake.seen[0].form.pop("code_verifier")
    assert fake.seen[0].form == {"grant_type": "authorization_code", "code": "C0.abc+d@", "redirect_uri": CALLBACK}
    assert re.fullmatch(r"[\w.~-]{43,128}", verifier, re.ASCII)  # RFC 7636, section 4.1
    token = TokenFile(tmp_path / "token.json").read(now)
    assert (token.access, token.logged_in) == ("planted-access-2", now)


def test_whoever_has_the_code_cannot_trade_it_without_what_the_page_was_shown_the_hash_of(login, fake, vendors, now):
    fake.on("/v1/oauth/token", vendors.Reply(vendors.schwab_token()))
    login.finish(redirect_of(login), now)
    digest = hashlib.sha256(fake.seen[0].form["code_verifier"].encode()).digest()
    challenge = parse_qs(urlsplit(login.url).query)["code_challenge"][0]
    assert base64.urlsafe_b64decode(f"{challenge}=") == digest


def test_an_echo_of_the_code_and_the_verifier_is_struck_out(login, fake, vendors, now, calls):
    fake.on("/v1/oauth/token", lambda seen: vendors.Reply({"error": f"{seen.form}"}, 400))
    with pytest.raises(errors.LoginExpired) as raised:
        login.finish(redirect_of(login), now)
    told = f"{raised.value} {vars(raised.value)} {calls}"
    assert [name for name in ("code", "code_verifier") if fake.seen[0].form[name] in told] == []


@pytest.mark.parametrize(
    ("changes", "is_answer"),
    [({}, True), ({"code": "", "error": "access_denied"}, True), ({"state": "s"}, False), ({"state": "\udce9"}, False)],
)
def test_an_answer_is_known_by_its_state(login, changes, is_answer):
    redirect = redirect_of(login, **{name: value for name, value in changes.items() if name != "state"})
    if "state" in changes:
        redirect = f"{CALLBACK}/?code=1&state={changes['state']}"
    assert login.is_answer(redirect) is is_answer


def test_a_new_login_begins_a_new_week(login, fake, vendors, now, tmp_path):
    fake.on("/v1/oauth/token", vendors.Reply(vendors.schwab_token()))
    old = {"creation_timestamp": (now - timedelta(days=9)).timestamp(), "token": vendors.schwab_token()}
    (tmp_path / "token.json").write_text(json.dumps(old))
    login.finish(redirect_of(login), now)
    assert TokenFile(tmp_path / "token.json").read(now + timedelta(days=6.9))


def test_a_code_that_is_too_old_saves_nothing(login, fake, vendors, now, tmp_path):
    fake.on("/v1/oauth/token", vendors.Reply({"error": "invalid_grant"}, 400))
    with pytest.raises(errors.LoginExpired, match="run `wheel login schwab`"):
        login.finish(redirect_of(login), now)
    assert not (tmp_path / "token.json").exists()


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        ("", "not the callback address"),
        ("C0.abc@", "not the callback address"),
        ("https://evil.example/?code=1&state=s1", "not the callback address"),
        ("http://127.0.0.1:8182/?code=1&state=s1", "not the callback address"),
        ("https://127.0.0.1:8183/?code=1&state=s1", "not the callback address"),
        ("https://[::1/?code=1", "not an address"),
        (f"{CALLBACK}/?error=access_denied&state=s1", "did not grant the login; access_denied"),
        (f"{CALLBACK}/?code=1&state=s2", "answers another login"),
        (f"{CALLBACK}/?code=1", "answers another login"),
        (f"{CALLBACK}/?code=1&state=é", "answers another login"),
        (f"{CALLBACK}/?code=1&state=\udce9", "answers another login"),
        (f"{CALLBACK}/?error=access_denied&state=s2", "answers another login"),
        (f"{CALLBACK}/?state=s1", "has no code"),
    ],
)
def test_an_address_that_does_not_answer_this_login_is_refused(pasted, words):
    with pytest.raises(errors.UsageError, match=words):
        authorization_code(pasted, CALLBACK, "s1")


@pytest.mark.parametrize("callback", [CALLBACK, f"{CALLBACK}/", f"{CALLBACK}/back"])
def test_the_code_is_decoded_once(callback):
    assert authorization_code(f"{callback}?code=C0.a%252Fb%40&session=1&state=s1", callback, "s1") == "C0.a%2Fb@"
