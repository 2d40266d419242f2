"""What a person sees and types while logging in."""

import io
from types import SimpleNamespace

import pytest

from wheel_assets import errors
from wheel_assets.commands import login_prompt as login_module
from wheel_assets.commands.login_prompt import agreed

CALLBACK = "https://127.0.0.1:8182"


@pytest.fixture
def login():
    return SimpleNamespace(url="https://page", callback_url=CALLBACK, is_answer=bool)


@pytest.fixture
def typed(monkeypatch):
    """Standard input with some text, a terminal or not."""

    def stdin(text, terminal):
        file = io.StringIO(text)
        file.isatty = lambda: terminal
        monkeypatch.setattr("sys.stdin", file)

    return stdin


class Listener:
    """Stands in for the loopback server, which has tests of its own."""

    def __init__(self, callback_url, is_answer):
        if not callback_url.startswith(CALLBACK):
            raise errors.UsageError(f"nothing can listen at {callback_url}", "it is not 127.0.0.1", "paste")

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass

    def wait(self):
        return "https://heard"


@pytest.fixture(autouse=True)
def listener(monkeypatch):
    monkeypatch.setattr(login_module, "CallbackListener", Listener)


def test_at_a_terminal_the_browser_is_heard(login, typed, capsys):
    typed("", terminal=True)
    assert agreed(login, paste=False) == "https://heard"
    out = capsys.readouterr().out
    assert out.startswith("Open this page, log in and agree:\n\n  https://page\n\n")
    assert f"leads back to {CALLBACK}, where this command waits for five minutes" in out
    assert "warn of the certificate" in out.replace("\n", " ")


@pytest.mark.parametrize(("paste", "terminal"), [(True, True), (True, False), (False, False)])
def test_the_address_is_pasted_where_asked_for_and_where_it_is_piped_in(login, typed, capsys, paste, terminal):
    typed("https://pasted\n", terminal)
    assert agreed(login, paste) == "https://pasted"
    out = capsys.readouterr().out
    assert "https://page" in out
    assert "nothing can listen" not in out


def test_the_address_is_pasted_where_nothing_can_listen(login, typed, capsys):
    login.callback_url = "https://example.com/back"
    typed("https://pasted\n", terminal=True)
    assert agreed(login, paste=False) == "https://pasted"
    assert "(nothing can listen at https://example.com/back: it is not 127.0.0.1." in capsys.readouterr().out
