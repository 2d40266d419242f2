"""The main job through the real commands, each in a new process; some are started from the shell."""

import json
import signal
import time

import pytest

FRESH, OLD = "cache_hit", "cache_miss"


def lines(done, word):
    """The table and reason of every cache line of a kind, as logged."""
    found = [line.split(word, 1)[1].split() for line in (done.stdout + done.stderr).splitlines() if word in line]
    return [(parts[0].removeprefix("table="), parts[-1].removeprefix("reason=")) for parts in found]


def test_a_newcomer_gets_an_answer_that_says_it_is_made_up(sample_user):
    done = sample_user.run_from_the_shell("wheel", "recommend")
    assert done.returncode == 0
    assert "SAMPLE DATA" in done.stdout
    assert "advice only" in done.stdout
    assert not done.stderr


def test_the_json_is_one_document_and_nothing_else(sample_user):
    answer = json.loads(sample_user.run_from_the_shell("wheel", "recommend", "--json").stdout)
    assert answer["sample"] is True
    assert [row["rank"] for row in answer["advice"]] == list(range(1, len(answer["advice"]) + 1))


def test_the_second_time_everything_comes_from_the_cache(user, market):
    assert {read["outcome"] for read in user.answer()["inputs"]} == {OLD}
    assert {read["outcome"] for read in user.answer()["inputs"]} == {FRESH}
    assert market.requests == {"AAA": 1, "BBB": 1}


def test_both_command_lines_share_one_cache_and_say_the_same(asked, market):
    done = asked.materialize()
    assert done.returncode == 0, done.stderr
    assert {reason for _, reason in lines(done, FRESH)} == {"fresh"}
    assert not lines(done, OLD)
    stored = asked.query("SELECT option_symbol, limit_price FROM recommendation ORDER BY snapshot_id, rank")
    advised = [(row["option_symbol"], row["limit_price"]) for row in asked.earlier["advice"]]
    assert stored == advised * 2
    assert sum(market.requests.values()) == 2


def test_selecting_everything_upstream_forces_everything(asked, market):
    done = asked.materialize("+recommendation")
    assert done.returncode == 0, done.stderr
    assert {reason for _, reason in lines(done, OLD)} == {"forced"}
    assert market.requests == {"AAA": 2, "BBB": 2}


def test_fresh_does_the_same_from_the_wheel_command(asked, market):
    assert {read["reason"] for read in asked.answer("--fresh")["inputs"]} == {"forced"}
    assert market.requests == {"AAA": 2, "BBB": 2}


def test_with_only_the_chains_aged_they_alone_are_fetched(asked, market):
    asked.age("option_chains", 16)
    reads = {(read["table"], read["outcome"], read["reason"]) for read in asked.answer()["inputs"]}
    assert reads == {
        ("option_chains", OLD, "too_old"),
        ("greeks", OLD, "input_superseded"),
        ("predictions", OLD, "input_superseded"),
        ("positions", FRESH, "fresh"),
    }
    assert market.requests == {"AAA": 2, "BBB": 2}


def test_materializing_an_asset_is_never_served_from_the_cache(user, market):
    user.materialize("option_chains")
    user.materialize("option_chains")
    assert market.requests == {"AAA": 2, "BBB": 2}


def test_eight_runs_at_once_ask_once(user, market):
    market.seconds = 0.3
    runs = [user.begin("wheel", "recommend", "--json") for _ in range(8)]
    ended = [run.ended() for run in runs]
    assert [run.returncode for run in ended] == [0] * 8, [run.stderr for run in ended]
    assert market.requests == {"AAA": 1, "BBB": 1}
    counts = user.query("SELECT table_name, count(*)::INT FROM snapshots GROUP BY 1 ORDER BY 1")
    expected = {"greeks": 2, "option_chains": 2, "positions": 1, "predictions": 2, "recommendation": 8}
    assert dict(counts) == expected | {"risk_free_rate": 1, "volatility_history": 2, "documents": 8}


def test_a_kill_in_the_middle_of_a_pull_loses_nothing(asked, market):
    asked.settings["WHEEL_SYMBOLS"] = "AAA,BBB,SPY"
    market.seconds = 5
    run = asked.start("wheel", "recommend")
    while market.requests["SPY"] == 0:
        time.sleep(0.05)
    run.kill()
    run.communicate()
    market.seconds = 0
    after = asked.answer()
    ids = {read["key"]: read["snapshot_id"] for read in after["inputs"] if read["table"] == "option_chains"}
    assert ids["AAA"] == next(r["snapshot_id"] for r in asked.earlier["inputs"] if r["table"] == "option_chains")
    assert "SPY" in ids


def test_a_bad_symbol_is_reported_and_the_others_are_answered(user):
    answer = user.answer("--symbol", "AAA", "--symbol", "NOPE")
    assert [entry["symbol"] for entry in answer["not_evaluated"]] == ["NOPE"]
    assert "Cboe has no chain for NOPE" in answer["not_evaluated"][0]["reason"]
    assert {row["symbol"] for row in answer["advice"]} >= {"AAA", "NOPE"}


def test_another_vendor_is_never_answered_with_the_old_vendors_data(user, sample_user):
    sample_user.answer()
    user.settings["WHEEL_SYMBOLS"] = "U"
    answer = user.answer()
    assert answer["sample"] is False
    assert {read["outcome"] for read in answer["inputs"]} == {OLD}


def test_an_edited_positions_file_is_read_again(user):
    user.answer()
    path = user.folder / "positions.csv"
    path.write_text(path.read_text().replace("60000", "50000"))
    assert user.answer()["free_cash"] == 50000


def test_one_run_may_ask_otherwise(asked, market):
    done = asked.materialize(portfolio_value=20000, symbols=["AAA"], max_age_minutes={"option_chains": 0})
    assert done.returncode == 0, done.stderr
    assert market.requests == {"AAA": 2, "BBB": 1}
    assert asked.query("SELECT DISTINCT portfolio_value FROM recommendation ORDER BY 1")[0] == (20000,)


def test_without_network_the_run_fails_in_one_line_and_old_data_needs_leave(asked, market):
    asked.age("option_chains", 16)
    market.down = True
    refused = asked.run("wheel", "recommend", "--symbol", "AAA")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert refused.stderr.startswith("wheel: error: cboe ")
    assert refused.stderr.endswith("; or answer from what is cached: --allow-stale MINUTES\n")
    answer = asked.answer("--symbol", "AAA", "--allow-stale", "60")
    ages = {read["table"]: read["age_minutes"] for read in answer["inputs"]}
    assert ages["option_chains"] > 16


def test_fresh_falls_back_to_older_data_where_that_is_allowed(asked, market):
    market.down = True
    assert asked.run("wheel", "recommend", "--fresh").returncode == 1
    answer = asked.answer("--fresh", "--allow-stale", "60")
    outcomes = {read["table"]: read["outcome"] for read in answer["inputs"]}
    assert (outcomes["option_chains"], outcomes["positions"]) == ("cache_stale", OLD)


BAD_INPUT = [
    (["--symbol", "NOPE"], {}, 1, "Cboe has no chain for NOPE"),
    (["--symbol", "$$"], {}, 2, "'$$' is not a symbol"),
    (["--portfolio", "0"], {}, 2, "--portfolio"),
    (["--portfolio", "much"], {}, 2, "--portfolio"),
    ([], {"WHEEL_PORTFOLIO_VALUE": "much"}, 2, "WHEEL_PORTFOLIO_VALUE=much is refused"),
    ([], {"WHEEL_CACHE__TTL_DAYS": "-1"}, 2, "WHEEL_CACHE__TTL_DAYS=-1 is refused"),
    ([], {"WHEEL_CASHE__DIR": "/x"}, 2, "WHEEL_CASHE__DIR is not a setting"),
    ([], {"WHEEL_CBOE__BASE_URL": "http://127.0.0.1:9"}, 1, "cboe cannot be reached"),
    ([], {"WHEEL_BROKER__FILE": "nowhere.csv"}, 1, "there is no such file"),
    ([], {"WHEEL_MARKET__SOURCE": "databento"}, 2, "WHEEL_DATABENTO__API_KEY is not set"),
    ([], {"WHEEL_CBOE__BASE_URL": "http://example.com"}, 1, ": WHEEL_CBOE__BASE_URL=http://example.com is refused"),
    (["--fresh"], {"WHEEL_CBOE__BASE_URL": "http://example.com"}, 1, "plain http is for this machine only"),
]


@pytest.mark.parametrize(("options", "settings", "code", "message"), BAD_INPUT)
def test_bad_input_ends_in_one_line_and_changes_nothing(user, options, settings, code, message):
    user.settings |= settings
    done = user.run("wheel", "recommend", *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("wheel: error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    if (user.folder / "cache" / "wheel_cache.duckdb").exists():
        assert user.query("SELECT count(*)::INT FROM recommendation") == [(0,)]


def test_dagster_without_home_keeps_its_runs_where_its_yaml_says(sample_user, tmp_path):
    (tmp_path / "dagster.yaml").write_text("storage:\n  sqlite:\n    base_dir: .dagster/storage\n")
    sample_user.answer()
    assert list((tmp_path / ".dagster" / "storage").rglob("*.db"))


def test_dagster_with_home_works_from_the_variable_too(sample_user, tmp_path):
    (tmp_path / "dagster_home").mkdir()
    sample_user.settings |= {
        "DAGSTER_HOME": str(tmp_path / "dagster_home"),
        "DAGSTER_MODULE_NAME": "wheel_assets.definitions",
    }
    done = sample_user.run("dagster", "asset", "materialize", "--select", "recommendation")
    assert done.returncode == 0, done.stderr
    assert "SAMPLE DATA" in done.stdout + done.stderr


def test_settings_are_shown_without_secrets(sample_user):
    sample_user.settings["WHEEL_SCHWAB__APP_SECRET"] = "hunter2"
    shown = sample_user.run("wheel", "config", "--json")
    assert json.loads(shown.stdout)["WHEEL_SCHWAB__APP_SECRET"] == "(set, hidden)"
    assert "hunter2" not in shown.stdout + shown.stderr


def test_ctrl_c_is_told_in_one_line_and_the_next_run_works(user, market):
    market.seconds = 3
    process = user.start("wheel", "recommend")
    while not market.requests:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (1, "", "wheel: error: interrupted; nothing that was stored is lost\n")
    market.seconds = 0
    assert user.answer()["advice"]


def test_clearing_can_be_looked_at_first(asked):
    would = json.loads(asked.run("wheel", "clear", "--dry-run", "--json").stdout)
    assert (would["dry_run"], would["snapshots"]["greeks"]) == (True, 2)
    assert asked.query("SELECT count(*) FROM greeks") != [(0,)]
