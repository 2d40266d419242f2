"""Interface of a login to its user; `wheel login` implements it."""

from __future__ import annotations

from typing import Protocol


class Terminal(Protocol):
    """The user of a login.

    The function that an entry of the registry names as `login` is called with `fetch.source.Access`,
    a terminal and the time (aware, UTC), and returns the line to show at the end. It raises SourceError or
    UsageError, and then has changed nothing.
    """

    pasting: bool  # no listener on this machine, or no terminal: answers are pasted or piped in

    def show(self, text: str) -> None:
        """Print a paragraph."""

    def ask(self, label: str, *, secret: bool = False) -> str:
        """A line that is typed or pasted; without an echo where it is a secret."""
