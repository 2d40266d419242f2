"""What real sources are asked, and what they may cost: the commands against vendors on loopback."""

from __future__ import annotations

import json
import math
import os
import pty
import re
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

CLONE = Path(__file__).resolve().parents[2]
FRED, FRED_CSV = "/fred/series/observations", "/graph/fredgraph.csv"
TREASURY = "/resource-center/data-chart-center/interest-rates/daily-treasury-rates.csv/{:%Y}/all"
DOWNLOAD, TOKEN = "/v0/timeseries.get_range", "/v1/oauth/token"
SECRETS = ["planted-fred-key", "planted-app-key", "planted-app-secret", "planted-refresh-1", "planted-db-key"]


@pytest.fixture
def fake(vendors) -> Iterator[Any]:
    server = vendors.FakeVendor()
    yield server
    server.close()


@pytest.fixture
def with_fred(user, fake, vendors):
    """FRED turns the key down and says it aloud; the Treasury answers, with yesterday's value."""
    told = vendors.Reply({"error_code": 400, "error_message": "planted-fred-key is not registered"}, 400)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    fake.on(FRED, told)
    curve = f'Date,"3 Mo"\n{yesterday:%m/%d/%Y},3.97\n'
    for year in (yesterday, datetime.now(UTC)):
        fake.on(TREASURY.format(year), vendors.Reply(curve, content_type="text/csv"))
    user.settings |= {"WHEEL_RATE__SOURCE": "fred", "WHEEL_FRED__API_KEY": "planted-fred-key"}
    user.settings |= {"WHEEL_FRED__BASE_URL": fake.url, "WHEEL_TREASURY__BASE_URL": fake.url}
    return user


def test_the_rate_is_asked_for_once_a_day(with_fred, fake):
    with_fred.answer()
    assert fake.paths() == [FRED, FRED_CSV, TREASURY.format(datetime.now(UTC))]
    with_fred.age("option_chains", 16)
    assert any(read["table"] == "greeks" and read["outcome"] == "cache_miss" for read in with_fred.answer()["inputs"])
    assert len(fake.paths()) == 3
    with_fred.age("option_chains", 16)
    with_fred.age("risk_free_rate", 1441)
    with_fred.answer()
    assert len(fake.paths()) == 6


def test_the_rate_that_was_published_is_in_every_greek(with_fred):
    with_fred.answer()
    rate = 4 * math.log(1 + 0.0397 / 4)
    assert with_fred.query("SELECT DISTINCT round(risk_free_rate, 9) FROM greeks") == [(round(rate, 9),)]
    assert with_fred.query("SELECT source, tenor_years FROM risk_free_rate") == [("treasury", 0.25)]


def test_why_another_source_was_used_is_logged_without_the_key(with_fred):
    done = with_fred.materialize("risk_free_rate")
    assert done.returncode == 0, done.stderr
    assert re.search(r"WARNING.*\*\*\* is not registered.*; used the Treasury's CSV", done.stdout + done.stderr)
    calls = with_fred.query("SELECT source, status, cost_usd FROM api_calls ORDER BY source, status")
    assert calls == [("fred", 400, 0.0), ("fred", 404, 0.0), ("treasury", 200, 0.0)]


def test_another_rate_makes_other_greeks(user):
    user.answer()
    user.settings["WHEEL_RATE__VALUE"] = "0.01"
    assert {read["outcome"] for read in user.answer()["inputs"] if read["table"] == "greeks"} == {"cache_miss"}
    assert user.query("SELECT DISTINCT risk_free_rate FROM greeks ORDER BY 1") == [(0.01,), (0.04,)]


@pytest.fixture
def databento(fake, vendors):
    """A chain that costs three cents, and expires in sixty days."""
    server = vendors.Databento(fake, price=0.01)
    expiration = f"{datetime.now(UTC) + timedelta(days=60):%y%m%d}"
    server.definitions = [[*row[:2], row[2].replace("270115", expiration), *row[3:]] for row in server.definitions]
    return server


@pytest.fixture
def payer(user, fake, databento):
    (user.folder / "positions.csv").write_text("symbol,quantity,avg_price\nXYZ,200,30.00\nCASH,60000,\n")
    user.settings |= {"WHEEL_MARKET__SOURCE": "databento", "WHEEL_SYMBOLS": "XYZ"}
    user.settings |= {"WHEEL_DATABENTO__BASE_URL": fake.url, "WHEEL_DATABENTO__API_KEY": "planted-db-key"}
    return user


def spent(user):
    return user.query("SELECT count(*)::INT, round(sum(cost_usd), 4) FROM api_calls WHERE cost_usd > 0")[0]


def test_a_budget_stops_the_next_download_and_leaves_what_is_there(payer, fake):
    payer.answer()
    assert spent(payer) == (3, 0.03)
    payer.settings["WHEEL_BUDGET__MONTHLY_USD"] = "0.05"
    assert {read["outcome"] for read in payer.answer()["inputs"]} == {"cache_hit"}
    payer.age("option_chains", 16)
    refused = payer.run("wheel", "recommend")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "would cost $0.0300; $0.03 of this month's $0.05 are spent; raise WHEEL_BUDGET__MONTH" in refused.stderr
    assert payer.answer("--allow-stale", "60")["advice"]
    assert fake.paths().count(DOWNLOAD) == 3
    assert spent(payer) == (3, 0.03)


def test_what_was_paid_is_in_the_ledger_whatever_happens_next(payer, fake, databento, vendors):
    def hang(seen):
        time.sleep(20 if fake.paths().count(DOWNLOAD) > 1 else 0)
        return databento.download(seen)

    fake.on(DOWNLOAD, hang)
    run = payer.start("wheel", "recommend")
    wait_for(lambda: fake.paths().count(DOWNLOAD) > 1)
    run.kill()
    run.communicate()
    assert spent(payer) == (2, 0.03)  # the first download, and what the two that were not finished would cost


def test_a_vendor_without_a_history_says_so(payer, fake):
    done = payer.materialize("price_history")
    assert done.returncode != 0
    assert "no price history of XYZ; OPRA" in done.stdout + done.stderr
    assert fake.paths() == []


@pytest.mark.parametrize("symbol", ["U", "SMCI"])
def test_a_history_is_an_asset_like_any_other(sample_user, symbol):
    sample_user.settings["WHEEL_SYMBOLS"] = symbol
    done = sample_user.materialize("price_history")
    assert done.returncode == 0, done.stderr
    ((rows, first, last),) = sample_user.query("SELECT count(*)::INT, min(date), max(date) FROM price_history")
    assert rows > 240
    assert timedelta(days=355) < last - first < timedelta(days=370)


def test_asking_anew_does_not_ask_for_what_nobody_reads(user, market):
    user.answer("--fresh")
    assert market.requests == {"AAA": 1, "BBB": 1}
    assert user.query("SELECT count(*)::INT FROM price_history") == [(0,)]


@pytest.fixture
def schwab_user(user, fake):
    """A trader whose market and account are Schwab's, with an access token that has ended."""
    token = {"access_token": "old", "refresh_token": "planted-refresh-1", "expires_at": 0}
    path = user.folder / "token.json"
    path.write_text(json.dumps({"creation_timestamp": time.time() - 3600, "token": token}))
    path.chmod(0o600)
    user.settings |= {"WHEEL_MARKET__SOURCE": "schwab", "WHEEL_BROKER__SOURCE": "schwab"}
    user.settings |= {"WHEEL_SCHWAB__BASE_URL": fake.url, "WHEEL_SCHWAB__TOKEN_FILE": str(path)}
    user.settings |= {"WHEEL_SCHWAB__APP_KEY": "planted-app-key", "WHEEL_SCHWAB__APP_SECRET": "planted-app-secret"}
    return user


def test_a_dead_login_is_asked_for_once_a_run_and_told_in_one_line(schwab_user, fake, vendors):
    fake.on(TOKEN, vendors.Reply({"error": "invalid_grant"}, 400))
    schwab_user.settings["WHEEL_SYMBOLS"] = "A,B,C,D,E"
    done = schwab_user.run("wheel", "recommend")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("wheel: error: Schwab turned the login down; ")
    assert "; run `wheel login schwab`; or answer from what is cached: --allow-stale MINUTES\n" in done.stderr
    assert fake.paths() == [TOKEN]


def paste(user, address: Callable[[str], str]) -> tuple[int, str, str]:
    """Run `wheel login schwab` and paste what `address` makes of the page it shows."""
    program = str(Path(sys.executable).parent / "wheel")
    options = {"cwd": user.folder, "env": user.environment, "text": True}
    options |= dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([program, "login", "schwab"], **options) as run:
        shown = next(line for line in run.stdout if "/v1/oauth/authorize?" in line)
        out, err = run.communicate(f"{address(shown)}\n", timeout=60)
    return run.returncode, out, err


def test_a_login_is_pasted_and_kept_for_its_owner_alone(schwab_user, fake, vendors):
    fake.on(TOKEN, vendors.Reply(vendors.schwab_token()))

    def answer(shown):
        state = re.search(r"state=([\w-]+)", shown)[1]
        return "https://127.0.0.1:8182/?" + urlencode({"code": "C0.x@", "state": state})

    code, out, err = paste(schwab_user, answer)
    assert (code, err) == (0, "")
    assert "logged in for seven days" in out
    path = schwab_user.folder / "token.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["token"]["access_token"] == "planted-access-2"
    assert schwab_user.query("SELECT source, endpoint, status FROM api_calls") == [("schwab", TOKEN, 200)]


def test_an_address_of_another_login_is_refused_in_one_line(schwab_user, fake):
    code, _, err = paste(schwab_user, lambda _: "https://127.0.0.1:8182/?code=C0.x%40&state=of-another")
    assert (code, err.count("\n")) == (2, 1)
    assert "wheel: error: the pasted address answers another login" in err
    assert fake.paths() == []


def browse(address: str) -> int:
    """The status of a page, as a browser whose user has accepted the certificate gets it."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(address, context=context, timeout=30) as answer:
        return answer.status


def test_at_a_terminal_the_browser_brings_the_login_by_itself(schwab_user, fake, vendors):
    fake.on(TOKEN, vendors.Reply(vendors.schwab_token()))
    with socket.create_server(("127.0.0.1", 0)) as server:
        callback = f"https://127.0.0.1:{server.getsockname()[1]}"
    keyboard, terminal = pty.openpty()
    program = str(Path(sys.executable).parent / "wheel")
    environment = {**schwab_user.environment, "WHEEL_SCHWAB__CALLBACK_URL": callback}
    options = {
        "cwd": schwab_user.folder,
        "env": environment,
        "text": True,
        "stdin": terminal,
        "stdout": subprocess.PIPE,
    }
    with subprocess.Popen([program, "login", "schwab"], **options) as run:
        shown = next(line for line in run.stdout if "/v1/oauth/authorize?" in line)
        state = re.search(r"[?&]state=([\w-]+)", shown)[1]
        assert browse(f"{callback}/?" + urlencode({"code": "C0.x@", "state": state})) == 200
        out, _ = run.communicate(timeout=60)
    os.close(keyboard), os.close(terminal)
    assert (run.returncode, "logged in for seven days, until " in out) == (0, True)
    assert [seen.form["code"] for seen in fake.seen] == ["C0.x@"]


def test_no_secret_is_left_behind(with_fred, schwab_user, fake, vendors):
    def echo(seen):
        told = json.dumps([seen.query, seen.form, seen.headers])
        return vendors.Reply({"error": told, "error_message": told}, 400)

    fake.on(TOKEN, echo)
    fake.on(FRED, echo)
    schwab_user.settings["DAGSTER_HOME"] = str(schwab_user.folder / "home_of_dagster")
    (schwab_user.folder / "home_of_dagster").mkdir()
    done = schwab_user.materialize()
    assert done.returncode != 0
    files = [path for path in schwab_user.folder.rglob("*") if path.is_file() and path.name != "token.json"]
    left = [done.stdout, done.stderr, *(path.read_bytes().decode("latin-1") for path in files)]
    left.append(repr(schwab_user.query("FROM api_calls")))
    assert [secret for secret in SECRETS if any(secret in text for text in left)] == []


def wait_for(what: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found
