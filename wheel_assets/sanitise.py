"""Text of vendors, files and users made safe to show: on a terminal, in one line, in Markdown.

A terminal obeys control characters (C0 and C1: window title, clipboard, colours) and lets bidirectional
marks reorder what is read; Markdown obeys its own marks and HTML (an image loads from wherever it says).
Only the obeyed characters are taken away or escaped, so that what was meant can still be read.
"""

from __future__ import annotations

import re

# C0 but for tab and newline, DEL and C1, Unicode's line and paragraph separators, bidirectional marks and surrogates.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
DIGITS_OF_NUMBER = 5  # at least; a name with fewer is no account's number
SHOWN_OF_NUMBER = 3  # characters of an account's number
HASH_LENGTH = 40  # a name of an account that is so long is a hash

_MARKUP = re.compile(r"([\\|*_`<>\[\]~#&])")


def for_terminal(text: str) -> str:
    """The text without the characters that a terminal obeys; tabs and newlines stay.

    >>> for_terminal("\\x1b]0;owned\\x07 no chain\\u202e")
    ']0;owned no chain'
    """
    return _OBEYED.sub("", text)


def one_line(text: str) -> str:
    """The same in one line, runs of blanks made one.

    >>> one_line("two\\r\\n  lines\\x1b[2J")
    'two lines[2J'
    """
    return " ".join(for_terminal(text.replace("\r", "\n")).split())


def for_markdown(text: str) -> str:
    r"""One line that Markdown shows as it stands, whatever marks are in it.

    >>> for_markdown("![x](http://evil) a|b")
    '!\\[x\\](http://evil) a\\|b'
    """
    return _MARKUP.sub(r"\\\1", one_line(text))


def masked_account(name: str) -> str:
    """An account as it is shown: of a number only its end; other names, symbols too, as they are.

    >>> masked_account("12345678"), masked_account("default"), masked_account("SMCI")
    ('...678', 'default', 'SMCI')
    """
    is_number = len(re.findall(r"\d", name)) >= DIGITS_OF_NUMBER and not name.startswith("...")
    return f"...{name[-SHOWN_OF_NUMBER:]}" if is_number else name


def account_alias(name: str) -> str:
    """What an account is called wherever it is kept: of a number only its end, other names as they are.

    So is Schwab's hash of a number, which says nothing to anybody else, and which Schwab has to be asked by whole.

    >>> account_alias("12345678"), account_alias("...45678"), account_alias("default")
    ('...678', '...45678', 'default')
    """
    return name if len(name) >= HASH_LENGTH else masked_account(name)


def is_account(wanted: str, number: str) -> bool:
    """Whether a name, maybe only an end, is that of an account, of which maybe only the end is known.

    >>> is_account("...678", "12345678"), is_account("12345678", "...5678"), is_account("12345678", "87654321")
    (True, True, False)
    """
    ends = [(end.lstrip("."), whole) for end, whole in ((wanted, number), (number, wanted)) if end.startswith("...")]
    return wanted == number or any(end != "" and whole.endswith(end) for end, whole in ends)


def without_credentials(text: str) -> str:
    """A text without what URLs in it carry as login or query.

    >>> without_credentials("https://me:secret@host/path?key=secret")
    'https://(hidden)@host/path?(hidden)'
    """
    return re.sub(r"(://[^\s?#]*)\?\S+", r"\1?(hidden)", re.sub(r"://[^\s/?#]*@", "://(hidden)@", text))
