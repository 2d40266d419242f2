"""The Schwab login on disk: one file, shared by every process, renewed by whichever needs it first.

The layout is schwab-py's (`{"creation_timestamp": epoch, "token": {..., "expires_at": epoch}}`), so
that a login made with either program serves the other. An access token lives 30 minutes. The refresh
token dies seven days after the login, whatever happens in between; only a person can log in again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from filelock import FileLock, Timeout

from wheel_assets.errors import LoginExpired, SourceError, SourceRefused, SourceUnreachable, UnexpectedAnswer
from wheel_assets.fetch.http.response import Response
from wheel_assets.fetch.normalise.quotes import numbers

LOGIN_COMMAND = "run `wheel login schwab`"
LOGIN_LIFETIME = timedelta(days=7)
LOGIN_WARNING = timedelta(days=6.5)
_RENEW_BEFORE = timedelta(minutes=5)
_ACCESS_SECONDS = 1800.0
_LOCK_SECONDS = 150.0  # longer than the slowest renewal


@dataclass(frozen=True)
class Token:
    """One login: `logged_in` and `expires` are aware, UTC; `expires` is that of the access token."""

    access: str
    refresh: str
    logged_in: datetime
    expires: datetime
    fields: Mapping[str, Any]

    def renewed(self, answer: Response, now: datetime) -> Token:
        """With what the token endpoint answered; what it left out stays, the day of the login too."""
        return token_of(answer, now, logged_in=self.logged_in, previous=self.fields)


def token_of(answer: Response, now: datetime, logged_in: datetime, previous: Mapping[str, Any] | None = None) -> Token:
    """The token in an answer of the token endpoint; raises UnexpectedAnswer without one."""
    fields = {**(previous or {}), **answer.json("access_token")}
    seconds = numbers([fields.get("expires_in")])[0]
    lifetime = seconds if 0 < seconds <= 86_400 else _ACCESS_SECONDS
    fields["expires_at"] = int(now.timestamp() + lifetime)
    try:
        return _token(fields, logged_in)
    except (KeyError, TypeError, ValueError):
        raise answer.error(UnexpectedAnswer, "Schwab sent an unexpected token", "", LOGIN_COMMAND) from None


class TokenFile:
    """The login at `path`, mode 0600; every method that raises, raises SourceError."""

    def __init__(self, path: Path) -> None:
        self._path = Path(os.path.realpath(path.expanduser()))  # a link to schwab-py's file stays a link

    def read(self, now: datetime) -> Token:
        """The login; raises LoginExpired where there is none, it is damaged, or seven days old."""
        try:
            if self._path.stat().st_mode & 0o077:
                remedy = f"chmod 600 {self._path}"
                raise SourceRefused("the Schwab login is refused", "others can read its file", remedy)
            document = json.loads(self._path.read_bytes())
            token = _token(document["token"], datetime.fromtimestamp(document["creation_timestamp"], UTC))
        except FileNotFoundError:
            raise _expired("there is no Schwab login", f"{self._path} does not exist") from None
        except OSError as error:
            raise _expired("the Schwab login cannot be read", f"{self._path}: {error.strerror}") from None
        except (KeyError, TypeError, ValueError, OverflowError):
            raise _expired("the Schwab login is damaged", f"{self._path}") from None
        if now - token.logged_in > LOGIN_LIFETIME:
            raise _expired(
                f"Schwab login expired on {token.logged_in + LOGIN_LIFETIME:%Y-%m-%d}", "it lives seven days"
            )
        return token

    def write(self, token: Token) -> None:
        """Keep a new login, whatever was there; a renewal of the old one under way is waited for."""
        with self._alone():
            self._replace(token)

    def renew(self, stale: str, now: datetime, ask: Callable[[str], Response]) -> Token:
        """A token that is not `stale`: what another process has just got, or what `ask` gets.

        `ask` is given the refresh token. One process at a time renews, the others wait for it.
        """
        with self._alone():
            token = self.read(now)
            if token.access == stale:
                token = token.renewed(ask(token.refresh), now)
                self._replace(token)
            return token

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process writes meanwhile; raises SourceError where the folder or the lock cannot be had."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(f"{self._path}.lock", timeout=_LOCK_SECONDS, mode=0o600):
                yield
        except Timeout:
            why = f"another process has held {self._path}.lock for {_LOCK_SECONDS:g} seconds"
            raise SourceUnreachable("the Schwab login could not be renewed", why, "try again") from None
        except OSError as error:
            why, remedy = f"{self._path}: {error.strerror}", "let this user write to its folder"
            raise SourceError("the Schwab login cannot be saved", why, remedy, source="schwab") from None

    def _replace(self, token: Token) -> None:
        """Put the file in place in one step, so that no reader, and no loss of power, ever leaves half of it."""
        document = {"creation_timestamp": int(token.logged_in.timestamp()), "token": dict(token.fields)}
        with TemporaryDirectory(dir=self._path.parent, prefix=".wheel_") as folder:  # on the same disk
            draft = Path(folder, self._path.name)
            draft.touch(mode=0o600)
            with draft.open("w") as file:
                json.dump(document, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, self._path)


def needs_renewal(token: Token, now: datetime) -> bool:
    """Whether the access token ends within five minutes."""
    return token.expires - now < _RENEW_BEFORE


def login_end(logged_in: datetime) -> str:
    """When a login made then (aware) ends, in words.

    >>> login_end(datetime(2026, 11, 15, 16, 30, tzinfo=UTC))
    'Sunday 2026-11-22 16:30 UTC'
    """
    return f"{logged_in + LOGIN_LIFETIME:%A %Y-%m-%d %H:%M} UTC"


def login_notes(token: Token, now: datetime) -> list[str]:
    """A reminder from half a day before the login ends."""
    if now - token.logged_in < LOGIN_WARNING:
        return []
    end = f"the Schwab login ends on {login_end(token.logged_in)}"
    return [f"{end}; after that Schwab gives neither chains nor positions: {LOGIN_COMMAND} before"]


def _token(fields: Mapping[str, Any], logged_in: datetime) -> Token:
    access, refresh = fields["access_token"], fields["refresh_token"]
    if not (isinstance(access, str) and isinstance(refresh, str) and access and refresh):
        raise ValueError("a token is text")
    return Token(access, refresh, logged_in, datetime.fromtimestamp(fields.get("expires_at", 0), UTC), fields)


def _expired(what: str, why: str) -> LoginExpired:
    return LoginExpired(what, why, LOGIN_COMMAND, source="schwab")
