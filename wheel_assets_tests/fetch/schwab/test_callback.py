"""The loopback end of the login: what it answers, to whom, and for how long."""

import http.client
import logging
import os
import socket
import ssl

import pytest

from wheel_assets import errors
from wheel_assets.fetch.schwab import callback as callback_module
from wheel_assets.fetch.schwab.callback import CallbackListener

ANSWER = "/?code=C0.planted-code%40&state=s1"


@pytest.fixture
def callback():
    """A callback URL whose port is free."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"https://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture(scope="module")
def certificate():
    """The server's side of TLS, made once."""
    return callback_module._self_signed("https://127.0.0.1")


@pytest.fixture
def certified(monkeypatch, certificate):
    """A listener takes that one: each time a new one takes a tenth of a second."""
    monkeypatch.setattr(callback_module, "_self_signed", lambda _: certificate)


@pytest.fixture
def listener(callback, certified):
    with CallbackListener(callback, lambda address: "state=s1" in address) as server:
        yield server


def visit(callback, path):
    """Status, headers and text that a browser gets once its user has accepted the certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection(callback.removeprefix("https://"), timeout=10, context=context)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read().decode()
    finally:
        connection.close()


def test_the_browser_is_told_that_it_is_over_and_the_address_is_handed_on(listener, callback):
    status, headers, text = visit(callback, ANSWER)
    assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert text.startswith("You may close this page.")
    assert listener.wait(5) == callback + ANSWER


def test_the_code_is_neither_shown_nor_kept_by_the_browser_nor_logged(listener, callback, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    _, headers, text = visit(callback, ANSWER)
    assert (headers["Cache-Control"], headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert "planted-code" not in text + "".join(capfd.readouterr()) + caplog.text


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/?code=1&state=s2", "/?error=access_denied", "//evil/?code=1"])
def test_any_other_visit_is_turned_away_and_does_not_end_the_wait(listener, callback, path):
    status, _, text = visit(callback, path)
    assert (status, text) == (404, "This is not the answer to the login under way.\n")
    visit(callback, ANSWER)
    assert listener.wait(5) == callback + ANSWER


def test_a_browser_that_breaks_off_at_the_certificate_may_come_again(listener, callback, capfd):
    connection = http.client.HTTPSConnection(callback.removeprefix("https://"), context=ssl.create_default_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.request("GET", ANSWER)
    assert visit(callback, ANSWER)[0] == 200
    assert capfd.readouterr() == ("", "")


def test_a_connection_that_says_nothing_keeps_nobody_out(listener, callback):
    with socket.create_connection(listener.server_address):
        assert visit(callback, ANSWER)[0] == 200


def test_only_this_machine_can_come(listener):
    assert listener.server_address[0] == "127.0.0.1"


def test_nobody_comes(listener, callback):
    with pytest.raises(errors.SourceError, match=f"no browser came back to {callback} within .* --paste"):
        listener.wait(0.01)


def test_after_the_login_nothing_listens(callback, certified):
    with CallbackListener(callback, bool):
        pass
    with pytest.raises(ConnectionRefusedError):
        visit(callback, ANSWER)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://example.com:8182", "it is not 127.0.0.1"),
        ("https://[::1]:8182", "it is not 127.0.0.1"),
        ("https://127.0.0.1:99999", "there is no such port"),
    ],
)
def test_a_callback_elsewhere_is_not_listened_at(url, why):
    with pytest.raises(errors.UsageError, match=f"nothing can listen at .*; {why}; run `wheel login schwab --paste`"):
        CallbackListener(url, bool)


def test_a_port_that_is_taken(listener, callback):
    with pytest.raises(errors.UsageError, match="nothing can listen at .*; Address already in use; run"):
        CallbackListener(callback, bool)


@pytest.mark.parametrize(
    ("script", "why"),
    [(None, "there is no `openssl` program"), ("exit 1", "made no certificate"), ("exit 0", "made no certificate")],
)
def test_without_a_certificate_nothing_listens(monkeypatch, tmp_path, callback, script, why):
    if script:
        (tmp_path / "openssl").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "openssl").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.UsageError, match=why):
        CallbackListener(callback, bool)


def test_the_key_is_gone_once_it_is_loaded(monkeypatch, tmp_path, callback):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with CallbackListener(callback, bool):
        assert os.listdir(folder) == []
