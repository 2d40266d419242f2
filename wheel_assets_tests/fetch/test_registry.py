"""Which source the settings name, and what the sources of one process share."""

from contextlib import nullcontext
from datetime import timedelta

import pytest

from wheel_assets import errors
from wheel_assets.fetch.rates.constant import ConstantRate
from wheel_assets.fetch.rates.published import FredCsvRate, FredRate, TreasuryRate
from wheel_assets.fetch.registry import account_source, market_source, rate_source
from wheel_assets.settings import load_settings
from wheel_assets.vendors import FredSettings

KEY = "0123456789abcdef0123456789abcdef"
LOGIN = {"app_key": "planted-app-key", "app_secret": "planted-app-secret"}


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "sample"),
        ({"market": {"source": "cboe"}}, "cboe"),
        ({"market": {"source": "schwab"}, "schwab": LOGIN}, "schwab"),
        ({"market": {"source": "databento"}, "databento": {"api_key": "db-key"}}, "databento"),
    ],
)
def test_the_settings_choose_the_market(calls, settings, name):
    assert market_source(load_settings(**settings), calls.append, nullcontext).name == name


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "sample"),
        ({"broker": {"source": "file", "file": "positions.csv"}}, "file"),
        ({"broker": {"source": "schwab"}, "schwab": LOGIN}, "schwab"),
    ],
)
def test_the_settings_choose_the_account(calls, settings, name):
    assert account_source(load_settings(**settings), calls.append).name == name


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        ({"rate": {"source": "treasury"}}, [TreasuryRate, FredCsvRate]),
        ({"rate": {"source": "fred"}, "fred": {"api_key": KEY}}, [FredRate, FredCsvRate, TreasuryRate]),
        ({"rate": {"source": "fred"}}, [FredCsvRate, TreasuryRate]),
    ],
)
def test_the_settings_choose_the_rate_and_what_stands_behind_it(calls, settings, kinds):
    assert [type(source) for source in rate_source(load_settings(**settings), calls.append).sources] == kinds


def test_a_constant_is_asked_of_nobody(calls):
    assert isinstance(rate_source(load_settings(), calls.append), ConstantRate)


@pytest.mark.parametrize(
    ("base_url", "csv"),
    [("https://api.stlouisfed.org", "https://fred.stlouisfed.org"), ("http://127.0.0.1:8765", "http://127.0.0.1:8765")],
)
def test_the_keyless_csv_is_where_the_rest_of_fred_is(base_url, csv):
    assert load_settings(fred={"base_url": base_url}).of(FredSettings).csv_base_url == csv


@pytest.mark.parametrize("csv", [True, False])
def test_fred_is_backed_by_its_csv_and_the_treasury(fake, calls, vendors, now, csv):
    fake.on("/fred/series/observations", vendors.Reply({"error_message": "not registered"}, 400))
    lines = "observation_date,DGS3MO\n2026-11-19,3.97\n" if csv else "<html>"
    fake.on("/graph/fredgraph.csv", vendors.Reply(lines, content_type="text/csv"))
    path, curve = vendors.good_answers(fake)["treasury"]
    fake.on(path, curve)
    addresses = {"fred": {"base_url": fake.url, "api_key": KEY}, "treasury": {"base_url": fake.url}}
    rate = rate_source(load_settings(rate={"source": "fred"}, **addresses), calls.append).risk_free_rate(now)
    used = "FRED's keyless CSV" if csv else "the Treasury's CSV"
    assert rate.source == "fred" if csv else "treasury"
    assert [note.endswith(f"used {used}") for note in rate.notes] == [True] * (1 if csv else 2)


def test_databento_is_held_to_the_budget_of_the_settings(fake, calls, vendors, now):
    vendors.Databento(fake, price=0.01)
    databento = {"base_url": fake.url, "api_key": "db-key"}
    settings = load_settings(market={"source": "databento"}, databento=databento, budget={"monthly_usd": 1.5})
    held = []

    def reserve(*hold):
        held.append(hold)
        return nullcontext()

    assert len(market_source(settings, calls.append, reserve).option_chain("XYZ", now).frame) == 42
    assert held == [("databento", "XYZ", pytest.approx(0.03), 1.5)]


@pytest.fixture
def both(fake, calls, token_file):
    """Market and account of one process, at the fake, whose access token has ended."""
    schwab = {**LOGIN, "base_url": fake.url, "token_file": token_file(minutes=0)}
    settings = load_settings(market={"source": "schwab"}, broker={"source": "schwab"}, schwab=schwab)
    return market_source(settings, calls.append, nullcontext), account_source(settings, calls.append)


def ask_all(both, now):
    """What five symbols and the account come to."""
    market, account = both
    errands = [lambda s=symbol: market.option_chain(s, now) for symbol in "ABCDE"]
    outcomes = []
    for errand in (*errands, lambda: account.positions("default", now)):
        try:
            outcomes.append(errand())
        except errors.SourceError as error:
            outcomes.append(error)
    return outcomes


def test_a_dead_login_is_asked_for_once_by_market_and_account_together(both, fake, vendors, now):
    fake.on("/v1/oauth/token", vendors.Reply({"error": "invalid_grant"}, 400))
    outcomes = ask_all(both, now)
    assert {type(outcome) for outcome in outcomes} == {errors.LoginExpired}
    assert len({str(outcome) for outcome in outcomes}) == 1
    assert fake.paths() == ["/v1/oauth/token"]


def test_a_new_login_is_taken_by_the_same_process(both, fake, vendors, token_file, now):
    refused, granted = vendors.Reply({"error": "invalid_grant"}, 400), vendors.Reply(vendors.schwab_token())
    fake.on("/v1/oauth/token", refused, granted)
    fake.on("/trader/v1/accounts", vendors.Reply([vendors.schwab_account()]))
    ask_all(both, now)
    token_file(minutes=0, refresh_token="of-the-new-login")
    assert len(both[1].positions("default", now + timedelta(minutes=1)).frame) == 1
    assert fake.seen[1].form["refresh_token"] == "of-the-new-login"


def test_a_failing_login_server_is_asked_again(both, fake, vendors, now):
    fake.on("/v1/oauth/token", vendors.Reply({}, 500))
    ask_all(both, now)
    assert len(fake.seen) == 6
