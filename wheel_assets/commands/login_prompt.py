"""The person at the terminal while `wheel login` runs."""

from __future__ import annotations

import sys

import click


class Prompt:
    """A `fetch.login.Terminal` on standard input and output.

    Answers are pasted where that is asked for, and where standard input is no terminal: then someone has
    piped them in.
    """

    def __init__(self, *, paste: bool = False) -> None:
        self.pasting = paste or not sys.stdin.isatty()

    def show(self, text: str) -> None:
        """Print a paragraph."""
        click.echo(text)

    def ask(self, label: str, *, secret: bool = False) -> str:
        """A line of standard input; not echoed where it is a secret."""
        return str(click.prompt(label, prompt_suffix=": ", hide_input=secret and sys.stdin.isatty())).strip()
