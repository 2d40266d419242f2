"""The person at the terminal while `wheel login` runs."""

import io

import pytest

from wheel_assets.commands.login_prompt import Prompt


@pytest.fixture
def typed(monkeypatch):
    """Standard input with some text, a terminal or not."""

    def stdin(text, terminal):
        file = io.StringIO(text)
        file.isatty = lambda: terminal
        monkeypatch.setattr("sys.stdin", file)

    return stdin


@pytest.mark.parametrize(
    ("paste", "terminal", "pasting"), [(True, True, True), (False, False, True), (False, True, False)]
)
def test_answers_are_pasted_where_asked_for_and_where_they_are_piped_in(typed, paste, terminal, pasting):
    typed("", terminal)
    assert Prompt(paste=paste).pasting is pasting


@pytest.mark.parametrize("secret", [True, False])
def test_what_is_piped_in_is_read_as_a_line(typed, capsys, secret):
    typed(" token \n", terminal=False)
    assert Prompt().ask("Token", secret=secret) == "token"
    assert "token" not in capsys.readouterr().out


def test_a_secret_is_typed_without_an_echo(typed, monkeypatch):
    typed("", terminal=True)
    hidden = []
    monkeypatch.setattr("click.prompt", lambda label, **options: hidden.append(options["hide_input"]) or "token")
    assert Prompt().ask("Token", secret=True) == "token"
    assert hidden == [True]
