"""Every error this project raises on purpose.

* WheelError                 says what failed, why, and what to do, in one line
  x UsageError               the command or the run config is wrong (exit code 2)
    - SettingError           a setting is missing or out of bounds
    - BadSymbol              not a ticker that an option root can be made of
  x SourceError              a vendor or a file did not give what was asked of it
    - SourceUnreachable      no connection, a reset, a timeout
    - SourceRefused          401, 402, 403: key, licence, login
    - LoginExpired           a person has to log in again
    - RateLimited            429, after the waits it asked for
    - BudgetExceeded         a paid call would pass this month's limit
    - UnknownSymbol          the vendor lists no options on that symbol
    - UnexpectedAnswer       damaged, truncated or of another shape
    - NoContracts            a well-formed answer with nothing in it
    - NoSpotPrice            a chain without the price of its underlying
    - BadPositionsFile       a positions file that cannot be read in full
    - BadTransactionsFile    a transactions file that cannot be read in full
    - BadEventsFile          an events file that cannot be read in full
  x StoreError               the cache file
    - StoreBusy              another process held the file for too long
    - StoreUnwritable        no room, no permission, no such folder
    - StoreDamaged           a part of it cannot be read; what is whole was brought back
    - StoreTooNew            written by a newer version of this project
    - BadFrame               rows that do not fit their table: nothing was written
    - ArchiveDamaged         an archive that is not what its manifest says: nothing was restored
  x CheckFailed              what came makes no sense: it was not stored
  x RefreshFailed            an input was too old and could not be renewed
  x RunFailed                a run ended without an answer
"""

from __future__ import annotations

from wheel_assets.sanitise import one_line

INTERRUPTED = "interrupted; nothing that was stored is lost"  # not an error of ours, and shown like one


class WheelError(Exception):
    """An error a person can act on: `WHAT; WHY; WHAT TO DO`, in one line that no terminal obeys.

    Parameters: what failed, why (may be empty), what to do about it (may be empty).

    >>> str(WheelError("no chain for XYZ", "the host is unreachable", "check the network"))
    'no chain for XYZ; the host is unreachable; check the network'
    """

    exit_code = 1

    def __init__(self, what: str, why: str = "", remedy: str = "") -> None:
        self.what, self.why, self.remedy = (one_line(part) for part in (what, why, remedy))
        super().__init__("; ".join(part for part in (self.what, self.why, self.remedy) if part))


class UsageError(WheelError):
    """The command or the run config is wrong; nothing was done."""

    exit_code = 2


class SettingError(UsageError):
    """A setting is missing or out of bounds."""


class BadSymbol(UsageError):
    """Not a ticker that an option root can be made of."""


class SourceError(WheelError):
    """A vendor or a file did not give what was asked of it.

    `source` is the vendor's short name, `endpoint` the path without its query (queries can hold
    keys), `status` the HTTP status if there was one, `code` the vendor's own error code and
    `request_id` what its support desk asks for.
    """

    def __init__(
        self,
        what: str,
        why: str = "",
        remedy: str = "",
        *,
        source: str = "",
        endpoint: str = "",
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(what, why, remedy)
        self.source, self.endpoint, self.status = source, endpoint, status
        self.code, self.request_id = code, request_id


class SourceUnreachable(SourceError):
    """No connection, a reset, a timeout."""


class SourceRefused(SourceError):
    """The vendor turned this client away: key, licence, login."""


class LoginExpired(SourceRefused):
    """A person has to log in again."""


class RateLimited(SourceError):
    """Too many requests, after the waits the vendor asked for."""


class BudgetExceeded(SourceError):
    """A paid call would take this month's spend over the limit; it was not made."""


class UnknownSymbol(SourceError):
    """The vendor lists no options on that symbol."""


class UnexpectedAnswer(SourceError):
    """An answer that is damaged, truncated or of another shape."""


class NoContracts(SourceError):
    """A well-formed answer with nothing in it."""


class NoSpotPrice(SourceError):
    """A chain without the price of its underlying."""


class BadPositionsFile(SourceError):
    """A positions file that cannot be read in full."""


class BadTransactionsFile(SourceError):
    """A transactions file that cannot be read in full."""


class BadEventsFile(SourceError):
    """An events file that cannot be read in full."""


class StoreError(WheelError):
    """The cache file."""


class StoreBusy(StoreError):
    """Another process held the file for too long."""


class StoreUnwritable(StoreError):
    """No room, no permission, no such folder."""


class StoreDamaged(StoreError):
    """A part of the file cannot be read; the file was set aside, and what is whole of it brought back."""


class StoreTooNew(StoreError):
    """The file was written by a newer version of this project."""


class BadFrame(StoreError):
    """Rows that do not fit their table; nothing was written."""


class ArchiveDamaged(StoreError):
    """An archive that is not what its manifest says; nothing was restored."""


class CheckFailed(WheelError):
    """What was fetched or computed makes no sense; it was not stored."""


class RefreshFailed(WheelError):
    """An input was too old and could not be renewed."""


class RunFailed(WheelError):
    """A run ended without an answer."""
