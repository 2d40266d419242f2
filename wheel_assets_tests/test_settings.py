"""Where settings come from, what they may be, and what is said of the others."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from wheel_assets.errors import BadSymbol, SettingError
from wheel_assets.settings import checked_symbol, load_settings, variable_names
from wheel_assets.show.terminal.settings import effective, example_toml
from wheel_assets.strategy import StrategySettings


def test_the_defaults_are_those_of_the_design():
    settings = load_settings()
    assert settings.symbols == ("U",)
    assert (settings.market.source, settings.broker.source, settings.account_id) == ("sample", "sample", "default")
    assert [settings.max_age.of(t) for t in ("option_chains", "positions", "greeks", "predictions")] == [
        timedelta(minutes=minutes) for minutes in (15, 30, 15, 60)
    ]
    assert settings.max_age.of("risk_free_rate") == settings.max_age.of("price_history") == timedelta(days=1)
    assert settings.max_age.of("recommendation") == timedelta(minutes=15)
    assert settings.cache.file == Path.home() / ".wheel_trading" / "cache" / "wheel_cache.duckdb"


def test_the_advice_is_as_perishable_as_its_most_perishable_input(monkeypatch):
    monkeypatch.setenv("WHEEL_MAX_AGE__POSITIONS", "5")
    assert load_settings().max_age.of("recommendation") == timedelta(minutes=5)


def test_the_environment_comes_before_env_file_before_toml(monkeypatch):
    Path("wheel.toml").write_text('symbols = "AAA"\naccount_id = "toml"\n[rate]\nvalue = 0.01\n')
    Path(".env").write_text("WHEEL_SYMBOLS=BBB\nWHEEL_ACCOUNT_ID=env-file\nOTHER=1\n")
    monkeypatch.setenv("WHEEL_SYMBOLS", "CCC, ddd,CCC")
    settings = load_settings()
    assert (settings.symbols, settings.account_id, settings.rate.value) == (("CCC", "DDD"), "env-file", 0.01)


@pytest.mark.parametrize("name", ["ACCOUNT_ID", "WHEEL_ACCOUNT_ID"])
def test_the_account_has_two_names_and_of_its_number_only_the_end_is_known(monkeypatch, name):
    monkeypatch.setenv(name, "12345678")
    assert load_settings().account_id == "...678"


@pytest.mark.parametrize("name", ["PORTFOLIO_VALUE", "WHEEL_PORTFOLIO_VALUE"])
def test_the_portfolio_has_two_names(monkeypatch, name):
    monkeypatch.setenv(name, "50000")
    assert load_settings().portfolio_value == 50000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WHEEL_CACHE__TTL_DAYS", "never"),
        ("WHEEL_CACHE__MAX_SIZE_GB", "0"),
        ("WHEEL_MAX_AGE__GREEKS", "0.5"),
        ("WHEEL_MARKET__SOURCE", "yahoo"),
        ("WHEEL_RATE__VALUE", "4"),
        ("WHEEL_SYMBOLS", "A,$$"),
        ("WHEEL_SYMBOLS", ","),
        ("WHEEL_PORTFOLIO_VALUE", "0"),
        ("WHEEL_PORTFOLIO_VALUE", "nan"),
        ("WHEEL_ACCOUNT_ID", "a b"),
        ("WHEEL_CBOE__BASE_URL", "ftp://x"),
        ("WHEEL_STRATEGY__MAX_PUT_DELTA", "1.5"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=name) as refused:
        load_settings()
    assert refused.value.exit_code == 2
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("choice", "needed"),
    [
        ("WHEEL_MARKET__SOURCE=schwab", ["WHEEL_SCHWAB__APP_KEY", "WHEEL_SCHWAB__APP_SECRET"]),
        ("WHEEL_BROKER__SOURCE=schwab", ["WHEEL_SCHWAB__APP_KEY", "WHEEL_SCHWAB__APP_SECRET"]),
        ("WHEEL_MARKET__SOURCE=databento", ["WHEEL_DATABENTO__API_KEY"]),
        ("WHEEL_BROKER__SOURCE=file", ["WHEEL_BROKER__FILE"]),
    ],
)
def test_a_source_is_refused_without_what_it_needs(monkeypatch, choice, needed):
    monkeypatch.setenv(*choice.split("="))
    for name in needed:
        with pytest.raises(SettingError, match=f"{name} is not set; {choice} needs it; "):
            load_settings()
        monkeypatch.setenv(name, "planted")
    assert load_settings()


@pytest.mark.parametrize("name", ["WHEEL_SYMBOL", "WHEEL_CACHE__TTL", "WHEEL_CASHE__DIR"])
def test_a_misspelt_variable_is_refused_instead_of_ignored(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingError, match=f"{name} is not a setting"):
        load_settings()


def test_a_misspelt_line_of_the_toml_file_is_refused():
    Path("wheel.toml").write_text("[cache]\nttl = 3\n")
    with pytest.raises(SettingError, match="WHEEL_CACHE__TTL"):
        load_settings()


def test_a_damaged_toml_file_is_a_clear_error():
    Path("wheel.toml").write_text("[cache\n")
    with pytest.raises(SettingError, match=r"wheel\.toml"):
        load_settings()


def test_secrets_are_never_shown(monkeypatch):
    monkeypatch.setenv("WHEEL_SCHWAB__APP_SECRET", "hunter2")
    settings = load_settings()
    shown = f"{settings!r}{settings}{effective(settings)}{settings.model_dump()}"
    assert "hunter2" not in shown
    assert {n: v for n, v, _ in effective(settings)}["WHEEL_SCHWAB__APP_SECRET"] == "(set, hidden)"


def test_every_setting_has_a_meaning():
    assert all(variable_names().values())


@pytest.mark.parametrize(("given", "symbol"), [("u", "U"), (" smci ", "SMCI"), ("BRK.B", "BRK.B"), ("SPXW", "SPXW")])
def test_symbols_are_tickers_in_upper_case(given, symbol):
    assert checked_symbol(given) == symbol


@pytest.mark.parametrize("given", ["", "$$", "TOOLONGX", "1ABC", "A B", "A;DROP", "../x", "A.BC", "ABCDEF.B", "ä"])
def test_what_is_no_ticker_is_refused(given):
    with pytest.raises(BadSymbol):
        checked_symbol(given)


HOSTILE = {
    "wheel.toml": '[schwab]\nbase_url = "https://evil.example"\n',
    ".env": "WHEEL_SCHWAB__TOKEN_FILE=/tmp/stolen.json\n",
}


@pytest.mark.parametrize("file", HOSTILE)
def test_the_working_directory_does_not_say_where_secrets_go(file):
    Path(file).write_text(HOSTILE[file])
    told = (
        rf"WHEEL_SCHWAB__\w+ in {file} of this folder is refused; .*; set it in the environment or in ~/.wheel_trading"
    )
    with pytest.raises(SettingError, match=told):
        load_settings()


def test_the_environment_and_the_users_own_file_do(monkeypatch):
    own = Path.home() / ".wheel_trading" / "wheel.toml"
    own.parent.mkdir()
    own.write_text('symbols = "AAA"\n[schwab]\nbase_url = "https://own.example"\n[fred]\nbase_url = "https://own"\n')
    monkeypatch.setenv("WHEEL_FRED__BASE_URL", "https://env.example")
    Path("wheel.toml").write_text('symbols = "BBB"\n[cboe]\nbase_url = "https://keyless.example"\n')
    shown = {name: value for name, value, _ in effective(load_settings())}
    assert shown["WHEEL_SYMBOLS"] == "BBB"
    urls = {"WHEEL_SCHWAB__BASE_URL": "own", "WHEEL_FRED__BASE_URL": "env", "WHEEL_CBOE__BASE_URL": "keyless"}
    assert {name: shown[name] for name in urls} == {name: f"https://{host}.example" for name, host in urls.items()}


def test_the_vendors_own_address_may_stand_anywhere():
    Path("wheel.toml").write_text('[schwab]\nbase_url = "https://api.schwabapi.com"\n')
    assert load_settings()


def test_true_is_no_number_of_dollars():
    Path("wheel.toml").write_text("[budget]\nmonthly_usd = true\n")
    with pytest.raises(SettingError, match="WHEEL_BUDGET__MONTHLY_USD=True is refused; true and false are no numbers"):
        load_settings()


def test_the_example_is_toml_that_changes_nothing():
    lines = [line.removeprefix("# ") for line in example_toml().splitlines()]
    values = [line for line in lines if re.match(r"\[\w+\]$|\w+ = ", line)]
    Path("wheel.toml").write_text("\n".join(values))
    assert load_settings().strategy == StrategySettings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[strategi]\nmin_days = 9\n", "strategi is not a setting.*wheel.toml.*did you mean WHEEL_STRATEGY"),
        (
            "[strategy]\nmin_dayz = 9\n",
            "WHEEL_STRATEGY__MIN_DAYZ is not a setting.*did you mean WHEEL_STRATEGY__MIN_DAYS",
        ),
    ],
)
def test_an_unknown_name_in_the_file_is_refused_with_the_nearest(text, said):
    Path("wheel.toml").write_text(text)
    with pytest.raises(SettingError, match=said):
        load_settings()


def test_an_unknown_name_in_the_env_file_is_refused_with_the_nearest():
    Path(".env").write_text("WHEEL_STRATEGI__MIN_DAYS=9\n")
    with pytest.raises(SettingError, match="did you mean WHEEL_STRATEGY__MIN_DAYS"):
        load_settings()
