"""Planted secrets, every failure, the real command and a real run of Dagster: nothing that was written holds one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

PLANTED = {
    "app key": "planted-app-key",
    "app secret": "planted-app-secret",
    "refresh token": "planted-refresh-1",
    "access token": "planted-access-1",
    "new refresh token": "planted-refresh-2",
    "new access token": "planted-access-2",
    "account number": "8765432199",
    "account hash": "C0FFEE" * 10,
    "Databento key": "db-planted-databento-key",
    "FRED key": "plantedfredkey0123456789abcdefgh",
}
VENDORS = ("SCHWAB", "DATABENTO", "FRED", "TREASURY")
TOKEN = "/v1/oauth/token"
MATERIALIZE = ("dagster", "asset", "materialize", "-m", "wheel_assets.definitions", "--select")
# One process that asks again under every failure: `wheel recommend --fresh`, with every logger at DEBUG.
ASK_UNDER_EVERY_FAILURE = """
import logging, sys, traceback, urllib.request
from wheel_assets import cli
from wheel_assets.fetch.http import client as http

logging.basicConfig(level=logging.DEBUG)
http._BACKOFF_SECONDS, http.READ_SECONDS = 0.001, 0.2
address, *failures = sys.argv[1:]
for failure in failures:
    urllib.request.urlopen(f"{address}/failure/{failure}").read()
    sys.argv[1:] = ["recommend", "--fresh"]
    try:
        cli.main()
    except (Exception, SystemExit):
        traceback.print_exc()
"""
# How the vendor fails, one of each kind that is told in its own way; in its body it repeats all that it was told.
# Every status at every address of every vendor: `fetch/test_secrets.py`.
FAILURES: dict[str, dict[str, Any]] = {
    "reset": {"reset": True},
    "slow": {"delay": 0.3},
    **{str(status): {"status": status} for status in (302, 400, 401, 503)},
    "html": {"content_type": "text/html"},
    "wrong_shape": {"content_type": "application/json"},
    "damaged": {"content_type": "application/json", "damaged": True},
}
LOGIN_FAILURES = ["reset", "400", "401", "html", "damaged"]


class Echo:
    """Every vendor at once: it fails as it is told to and repeats what it was told, headers and all."""

    def __init__(self, vendors: Any) -> None:
        self.vendors, self.failure, self.login_fails = vendors, "400", False
        self.server = vendors.FakeVendor()
        self.server.reply = self.reply

    def reply(self, seen: Any) -> Any:
        if seen.path.startswith("/failure/"):
            self.failure = seen.path.rpartition("/")[2]
            return self.vendors.Reply({})
        self.server.seen.append(seen)
        if seen.path == TOKEN and not self.login_fails:
            return self.vendors.Reply(self.vendors.schwab_token())
        return self.repeat(seen)

    def repeat(self, seen: Any) -> Any:
        """What it was told, in every place where a vendor words an error."""
        told = json.dumps([seen.path, seen.query, seen.form, seen.headers, PLANTED["account number"]])
        failure = dict(FAILURES[self.failure])
        body: dict[str, Any] = dict.fromkeys(("error", "message", "error_message", "detail"), told)
        body["errors"] = [{"title": told, "detail": told}]
        return self.vendors.Reply(json.dumps(body)[: -9 if failure.pop("damaged", False) else None], **failure)


@pytest.fixture
def echo(vendors) -> Iterator[Echo]:
    echo = Echo(vendors)
    yield echo
    echo.server.close()


@pytest.fixture
def trader(sample_user, echo) -> Any:
    """Somebody with every key there is, a login that has to be renewed, and Dagster's storage in the same folder."""
    token = {"access_token": PLANTED["access token"], "refresh_token": PLANTED["refresh token"], "expires_at": 0}
    user, login = sample_user, sample_user.folder / "login.json"
    login.write_text(json.dumps({"creation_timestamp": time.time() - 3600, "token": token}))
    login.chmod(0o600)
    (user.folder / "dagster_home").mkdir()
    user.settings |= {
        f"WHEEL_{name}__BASE_URL": echo.server.url for name in ("SCHWAB", "DATABENTO", "FRED", "TREASURY")
    }
    user.settings |= {
        **{"WHEEL_MARKET__SOURCE": "schwab", "WHEEL_BROKER__SOURCE": "schwab", "WHEEL_RATE__SOURCE": "fred"},
        **{"WHEEL_SCHWAB__APP_KEY": PLANTED["app key"], "WHEEL_SCHWAB__APP_SECRET": PLANTED["app secret"]},
        **{"WHEEL_SCHWAB__TOKEN_FILE": str(login), "WHEEL_DATABENTO__API_KEY": PLANTED["Databento key"]},
        **{"WHEEL_FRED__API_KEY": PLANTED["FRED key"], "DAGSTER_HOME": str(user.folder / "dagster_home")},
    }
    return user


@pytest.fixture
def left(trader) -> Callable[[Any], dict[str, list[str]]]:
    """Which secrets stand where: in what a command printed, and in every file but the login itself."""

    def search(done: Any) -> dict[str, list[str]]:
        texts = {"standard output": done.stdout, "standard error": done.stderr}
        files = [path for path in trader.folder.rglob("*") if path.is_file() and path.name != "login.json"]
        texts |= {str(path.relative_to(trader.folder)): path.read_bytes().decode("latin-1") for path in files}
        assert any(name.startswith("dagster_home/") for name in texts)
        found = {name: [what for what, secret in PLANTED.items() if secret in text] for name, text in texts.items()}
        return {name: secrets for name, secrets in found.items() if secrets}

    return search


def ask(trader: Any, echo: Echo, failures: list[str]) -> Any:
    return trader.run_from_the_shell("python", "-c", ASK_UNDER_EVERY_FAILURE, echo.server.url, *failures)


@pytest.mark.parametrize("source", ["schwab", "databento"])
def test_no_failure_of_a_vendor_leaves_a_secret_behind(trader, echo, left, source):
    trader.settings["WHEEL_MARKET__SOURCE"] = source
    done = ask(trader, echo, list(FAILURES))
    assert done.stderr.count("Traceback") >= len(FAILURES)
    told = json.dumps([[seen.query, seen.headers] for seen in echo.server.seen])
    assert PLANTED["FRED key"] in told
    assert PLANTED["new access token"] in told
    assert left(done) == {}


def test_no_failure_of_the_login_leaves_a_secret_behind(trader, echo, left):
    echo.login_fails = True
    done = ask(trader, echo, LOGIN_FAILURES)
    assert any(seen.form.get("refresh_token") == PLANTED["refresh token"] for seen in echo.server.seen)
    assert left(done) == {}


@pytest.mark.parametrize(
    "sources",
    [
        {},
        {"WHEEL_MARKET__SOURCE": "databento", "WHEEL_RATE__SOURCE": "constant"},
        {"WHEEL_MARKET__SOURCE": "sample", "WHEEL_BROKER__SOURCE": "sample"},
    ],
)
def test_no_traceback_holds_a_secret(trader, left, sources):
    trader.settings |= sources
    done = trader.run("wheel", "--debug", "recommend", "--fresh")
    assert "Traceback" in done.stderr
    assert left(done) == {}


def test_no_run_of_dagster_leaves_a_secret_behind(trader, left):
    done = trader.run(*MATERIALIZE, "+recommendation")
    assert done.returncode == 1
    assert left(done) == {}


def test_an_account_that_is_not_found_is_told_by_its_last_digits(trader, echo, vendors, left):
    number, code = PLANTED["account number"], PLANTED["account hash"]
    accounts = [vendors.schwab_account(number=number), vendors.schwab_account(number=f"{number}0")]
    accounts[0]["securitiesAccount"]["hashValue"] = code
    echo.repeat = lambda seen: vendors.Reply(accounts)
    done = trader.run(*MATERIALIZE, "positions")
    assert "there are: ...199 (MARGIN), ...990 (MARGIN)" in done.stdout + done.stderr
    assert left(done) == {}
