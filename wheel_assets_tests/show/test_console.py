"""What is printed can be read on a terminal that knows ASCII only."""

import io

import pytest

from wheel_assets.show.terminal.console import console


@pytest.mark.parametrize(
    ("text", "plain"),
    [("portfolio · cash", "portfolio - cash"), ("🟢 fresh", "ok fresh"), ("cache+con…", "cache+con~"), ("日", "?")],
)
def test_an_ascii_terminal_gets_what_looks_alike(text, plain):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    console(width=80, file=stream).print(text)
    stream.flush()
    assert raw.getvalue().decode("ascii") == plain + "\n"
