"""What a person sees and types while logging in to Schwab."""

from types import SimpleNamespace

import pytest

from wheel_assets import errors
from wheel_assets.fetch.schwab import prompt
from wheel_assets.fetch.schwab.prompt import agreed

CALLBACK = "https://127.0.0.1:8182"


@pytest.fixture
def login():
    return SimpleNamespace(url="https://page", callback_url=CALLBACK, is_answer=bool)


class Person:
    """A terminal at which somebody types one thing."""

    def __init__(self, pasting):
        self.pasting, self.shown = pasting, ""

    def show(self, text):
        self.shown += f"{text}\n"

    def ask(self, label, *, secret=False):
        return "https://pasted"


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
    monkeypatch.setattr(prompt, "CallbackListener", Listener)


def test_at_a_terminal_the_browser_is_heard(login):
    person = Person(pasting=False)
    assert agreed(login, person) == "https://heard"
    assert person.shown.startswith("Open this page, log in and agree:\n\n  https://page\n\n")
    assert f"leads back to {CALLBACK}, where this command waits for five minutes" in person.shown
    assert "warn of the certificate" in person.shown.replace("\n", " ")


def test_the_address_is_pasted_where_that_is_asked_for(login):
    person = Person(pasting=True)
    assert agreed(login, person) == "https://pasted"
    assert "https://page" in person.shown
    assert "nothing can listen" not in person.shown


def test_the_address_is_pasted_where_nothing_can_listen(login):
    login.callback_url, person = "https://example.com/back", Person(pasting=False)
    assert agreed(login, person) == "https://pasted"
    assert "(nothing can listen at https://example.com/back: it is not 127.0.0.1." in person.shown
