"""The command's arguments, exit codes and words; its answers are tested end to end."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from wheel_assets.cli import COMMANDS, main
from wheel_assets_tests.forked import wheel


@pytest.fixture
def refused(capfd):
    """Run a command that fails; its exit code and what it printed."""

    def run(*arguments):
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        return left.value.code, *capfd.readouterr()

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command):
    shown = CliRunner().invoke(main, [command, "--help"])
    assert shown.exit_code == 0
    assert shown.output.count("\n") > 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nonsense"], "No such option"),
        (["nonsense"], "No such command 'nonsense'"),
        (["recommend", "--portfolio", "nan"], "not a number of dollars"),
        (["recommend", "--portfolio", "-1"], "--portfolio"),
        (["recommend", "--symbol", "A B"], "'A B' is not a symbol"),
        (["recommend", "--account", "a/b"], "account 'a/b' is refused"),
        (["recommend", "--allow-stale", "-1"], "--allow-stale"),
        (["recommend", "--as-of", "2026-11-20T15:30", "--fresh"], "neither --fresh nor --allow-stale"),
        (["recommend", "--as-of", "2099-11-20T15:30"], "that time is still to come"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(refused, arguments, words):
    code, printed, told = refused(*arguments)
    assert (code, printed, told.count("\n")) == (2, "", 1)
    assert told.startswith("wheel: error: ")
    assert words in told


@pytest.mark.slow
def test_an_unexpected_error_is_one_line_too():
    script = (
        "import sys; sys.argv = ['wheel', 'config']; from wheel_assets import cli, settings\n"
        "settings.load_settings = 1\ncli.main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "TypeError" in done.stderr


@pytest.mark.slow
def test_debug_shows_the_traceback():
    done = wheel("--debug", "recommend", "--symbol", "A B")
    assert "Traceback" in done.stderr


@pytest.mark.slow
def test_a_cache_folder_that_cannot_be_made_is_a_clear_error(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("WHEEL_CACHE__DIR", str(tmp_path / "file" / "cache"))
    done = wheel("recommend")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "WHEEL_CACHE__DIR" in done.stderr


def test_config_shows_every_setting_with_its_meaning():
    shown = CliRunner().invoke(main, ["config"]).output
    assert "WHEEL_CACHE__DIR" in shown
    assert "watchlist" in shown


def test_a_file_of_which_nothing_could_be_taken_is_a_failure(tmp_path, capsys):
    (tmp_path / "foreign.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SystemExit) as left:
        main(["migrate", "foreign.csv"])
    assert left.value.code == 1
    assert "nothing of foreign.csv was imported; no row of it fits a table" in capsys.readouterr().err


def test_an_empty_watchlist_is_told_plainly(monkeypatch, capsys):
    monkeypatch.setenv("WHEEL_SYMBOLS", " , ")
    with pytest.raises(SystemExit):
        main(["config"])
    assert "it is empty: name at least one symbol, for example U" in capsys.readouterr().err


def test_an_empty_file_name_is_none(monkeypatch, capsys):
    monkeypatch.setenv("WHEEL_BROKER__FILE", "")
    monkeypatch.setenv("WHEEL_BROKER__SOURCE", "file")
    with pytest.raises(SystemExit):
        main(["config"])
    assert "WHEEL_BROKER__FILE is not set" in capsys.readouterr().err
