"""Text of vendors, files and users commands neither a terminal nor a page."""

from __future__ import annotations

import contextlib
import io
import json

import pytest
from rich.table import Table
from rich.text import Text

from wheel_assets.cli import main as wheel
from wheel_assets.errors import SourceRefused
from wheel_assets.sanitise import for_markdown, for_terminal, masked_account, one_line, without_credentials
from wheel_assets.show.markdown import bullets, table
from wheel_assets.show.terminal.console import console

# Window title, clipboard, colours, C1's way to begin the same, reordered text, a line that overwrites its own begin.
HOSTILE = "\x1b]0;title\x07 \x1b]52;c;ZXZpbA==\x07 \x1b[31m \x9b31m \u202egnp.exe\u2066 a\rb \x7f"
OBEYED = set("\x1b\x07\x9b\u202e\u2066\r\x7f")


@pytest.mark.parametrize("clean", [for_terminal, one_line, for_markdown])
def test_nothing_that_a_terminal_obeys_is_left(clean):
    assert not OBEYED & set(clean(HOSTILE))


def test_what_can_be_read_stays():
    assert for_terminal("Zürich 株 12 %\n\tand more") == "Zürich 株 12 %\n\tand more"


def test_an_error_of_a_vendor_is_one_harmless_line():
    error = SourceRefused(f"cboe refused U {HOSTILE}", HOSTILE, "look")
    assert not OBEYED & set(str(error))
    assert len(str(error).splitlines()) == 1


def printed(renderable, width=40):
    file = io.StringIO()
    console(width, file).print(renderable)
    return file.getvalue()


def test_nothing_hostile_is_printed_whatever_the_way():
    cells = Table("name", box=None)
    cells.add_row(HOSTILE)
    for renderable in (HOSTILE, Text(HOSTILE), cells):
        assert not OBEYED & set(printed(renderable))


def test_texts_are_not_markup_and_no_line_ends_in_blanks():
    cells = Table("a", "b", box=None)
    cells.add_row("[red]x[/red]", "")
    assert "[red]x[/red]" in printed(cells)
    assert all(line == line.rstrip() for line in printed(cells).splitlines())


def test_colours_are_kept_on_a_terminal(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[1;31m" in printed(Text("stale   ", style="bold red"))


def test_a_remote_image_in_a_key_is_not_loaded():
    for shown in (bullets(["too old: ![x](http://evil/p.png)"]), table(("key",), [("<img src=x>|![x](http://evil)",)])):
        assert "![" not in shown
        assert "<img" not in shown.replace("\\<", "")


@pytest.mark.parametrize(
    "command", [["migrate", "\x1b]0;x\x07.csv"], ["recommend", "--symbol", "\x1b[2JU\u202e"], ["\x9bx"]]
)
def test_what_was_typed_is_told_harmlessly(command, capsys):
    with pytest.raises(SystemExit):
        wheel(command)
    told = capsys.readouterr()
    assert told.out + told.err
    assert not OBEYED & set(told.out + told.err)
    assert told.err.startswith("wheel: error: ")


def test_old_data_with_hostile_names_is_refused_harmlessly(tmp_path, capsys):
    file = tmp_path / "old.json"
    file.write_text(json.dumps([{"symbol": HOSTILE, HOSTILE: 1, "strike": HOSTILE}]))
    with contextlib.suppress(SystemExit):
        wheel(["migrate", str(file)])
    told = capsys.readouterr()
    assert told.out + told.err
    assert not OBEYED & set(told.out + told.err)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("12345678", "...678"), ("5WX-12345", "...345"), ("default", "default"), ("U", "U")],
)
def test_an_account_number_is_shown_by_its_end(name, shown):
    assert masked_account(name) == shown


@pytest.mark.parametrize("url", ["https://me:key@host/x", "http://host/x?key=key", "s3://id:key@bucket?key#key"])
def test_a_url_shows_no_key(url):
    assert "key" not in without_credentials(f"no archive at {url} today")
