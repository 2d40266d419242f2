"""Interfaces of all sources: vendors, files and the sample."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from wheel_assets.errors import SourceError
from wheel_assets.rows import Rows

if TYPE_CHECKING:
    from wheel_assets.fetch.http.client import ApiCall
    from wheel_assets.settings import Settings

_SHOWN_REASONS = 5

Record = Callable[["ApiCall"], None]  # called with every request
# Holds dollars of the month's budget for calls of a source about a key, for the length of a block; raises
# BudgetExceeded.
Reserve = Callable[[str, str, float], AbstractContextManager[None]]

THREE_MONTHS = 0.25  # years: the tenor that every curve has


# Gives back plain values that were fetched under a name before, as long as they are young, else fetches them.
Remember = Callable[[str, Callable[[], Any]], Any]


def no_memory(name: str, fetch: Callable[[], Any]) -> Any:
    """Every time anew."""
    return fetch()


def no_reserve(source: str, key: str, dollars: float) -> AbstractContextManager[None]:
    """For sources that cost nothing."""
    return nullcontext()


@dataclass(frozen=True)
class Access:
    """Arguments of a source factory: the settings, and the functions that record requests and reserve dollars."""

    settings: Settings
    record: Record
    reserve: Reserve = no_reserve
    remember: Remember = no_memory


class MarketSource(ABC):
    """Source of option chains."""

    name: ClassVar[str]
    concurrency: ClassVar[int] = 1  # symbols that may be asked for at the same time

    @abstractmethod
    def option_chain(self, symbol: str, now: datetime) -> Rows:
        """Every listed standard contract of `symbol`, one row per contract: the columns of `tables.OPTION_CHAINS`.

        `now` is the time of asking (aware, UTC); contracts that expired before it are left out.
        What was dropped or is peculiar stands in its notes.
        Raises SourceError; never returns an empty frame.
        """

    @abstractmethod
    def price_history(self, symbol: str, now: datetime) -> Rows:
        """A year of daily prices of `symbol` until the last close before `now`: `tables.PRICE_HISTORY`.

        Oldest first; what was dropped stands in its notes.
        Raises SourceError, of a vendor who has none too; never returns an empty frame.
        """


class AccountSource(ABC):
    """Source of the holdings of an account."""

    name: ClassVar[str]

    @abstractmethod
    def positions(self, account_id: str, now: datetime) -> Rows:
        """Holdings and cash of the account: the columns of `tables.POSITIONS`.

        There is always exactly one cash row: its quantity is the cash free to trade, its market
        value the cash in the account, so that market values add up to the liquidation value.
        Raises SourceError; never returns an empty frame.
        """


class TransactionSource(ABC):
    """Source of the transactions of an account."""

    name: ClassVar[str]
    incremental: ClassVar[bool] = True  # whether what it sent before is kept, as it may no longer send it

    @abstractmethod
    def transactions(self, account_id: str, since: datetime | None, now: datetime) -> Rows:
        """Transactions of the account from `since` (aware; None: as far back as available) until `now`, oldest first.

        The columns of `tables.TRANSACTIONS`, as `transactions.rows.transaction_frame` makes them: where nothing
        happened there is one row that says so. Complete from the earlier of `since` and its first row on.
        Raises SourceError; never returns an empty frame.
        """


class EventSource(ABC):
    """Source of earnings and ex-dividend dates."""

    name: ClassVar[str]

    @abstractmethod
    def events(self, symbols: Sequence[str], until: date, now: datetime) -> Rows:
        """Events of the symbols from the day of `now` (aware) to `until`, both included.

        The columns of `tables.EVENTS`, as `events.rows.event_frame` makes them: every symbol has a row for each
        kind of event, without a date where none is announced. A symbol that cannot be asked about is one of
        the failures. Raises SourceError where no vendor can be asked about any.
        """


class VolatilityRank(NamedTuple):
    """IV rank and percentile of a stock over the past year, 0 to 1; None where unknown."""

    iv_rank: float | None
    iv_percentile: float | None


class RankSource(ABC):
    """Source of IV ranks."""

    name: ClassVar[str]

    @abstractmethod
    def ranks(self, symbols: Sequence[str]) -> dict[str, VolatilityRank]:
        """Current IV ranks by symbol; unknown symbols are absent. Raises SourceError."""


@dataclass(frozen=True)
class Rate:
    """Risk-free rate: a curve of zero rates, decimal a year, continuously compounded.

    `zero_rates` are by tenor in years and have one for three months; a lone one holds for every tenor.
    `date`: the day they are of; `source`: who published them; `notes`: what is missing, or went wrong before.

    >>> Rate({0.25: 0.0398, 1.0: 0.0371}, date(2026, 11, 19), "treasury").rows().frame["value"].tolist()
    [0.0398, 0.0371]
    """

    zero_rates: Mapping[float, float]
    date: date
    source: str
    notes: tuple[str, ...] = ()

    @property
    def value(self) -> float:
        """The three-month rate, for places that take a single rate."""
        return self.zero_rates[THREE_MONTHS]

    def rows(self) -> Rows:
        """Rows of `tables.RISK_FREE_RATE`, one per tenor, shortest first, as of the beginning of their day."""
        import pandas as pd

        tenors = sorted(self.zero_rates)
        columns = {"tenor_years": tenors, "value": [self.zero_rates[years] for years in tenors], "source": self.source}
        day = pd.Timestamp(self.date).as_unit("us")
        return Rows(pd.DataFrame({"timestamp": day, "observation_date": day, **columns}), self.notes)


class RateSource(ABC):
    """Source of the risk-free rate."""

    name: ClassVar[str]

    @abstractmethod
    def risk_free_rate(self, now: datetime) -> Rate:
        """The newest curve published before `now` (aware); raises SourceError."""


def _ignored(how_far: str) -> None:
    """Ignore progress: the default where no caller watches."""


_WATCH: ContextVar[Callable[[str], None]] = ContextVar("watch", default=_ignored)


def tell_progress(how_far: str) -> None:
    """Report the progress of this fetch to its caller, such as `window 2 of 5`; for vendors, in long ones.

    Costs nothing where no one waits.
    """
    _WATCH.get()(how_far)


@contextmanager
def watched_by(watch: Callable[[str], None]) -> Iterator[None]:
    """Pass the progress of fetches in the block (`tell_progress`) to `watch`."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


def fetch_each(
    keys: Iterable[str],
    fetch: Callable[[str], Rows],
    concurrency: int = 1,
    watch: Callable[[str], None] = _ignored,
) -> Rows:
    """Fetch every key, `concurrency` at a time; one that fails is in `not_fetched` and does not stop the others.

    `watch` is called, from any thread, with how many are done and what a fetch says of itself (`tell_progress`).
    Where no key could be fetched at all it raises the first SourceError, or one that says why of each, where they
    failed for different reasons.
    """
    import pandas as pd

    results = attempts(list(keys), fetch, concurrency, watch)
    fetched = [result for result in results.values() if not isinstance(result, SourceError)]
    failures = {key: result for key, result in results.items() if isinstance(result, SourceError)}
    if not fetched:
        raise error_of_all(failures)
    notes = dict.fromkeys(note for rows in fetched for note in rows.notes)
    together = pd.concat([rows.frame for rows in fetched], ignore_index=True)
    return Rows(together, tuple(notes), {key: str(error) for key, error in failures.items()})


def error_of_all(failures: Mapping[str, SourceError]) -> SourceError:
    """The error of a fetch of which nothing came: no key is shown the reason of another as its own."""
    first = next(iter(failures.values()))
    reasons = {key: ", ".join(part for part in (error.what, error.why) if part) for key, error in failures.items()}
    if len(set(reasons.values())) == 1:
        return first
    listed = [f"{key}: {reason}" for key, reason in list(reasons.items())[:_SHOWN_REASONS]]
    more = [f"and {len(reasons) - len(listed)} more"] * (len(reasons) > len(listed))
    return type(first)(f"none of {len(reasons)} symbols could be fetched", "; ".join([*listed, *more]), first.remedy)


T = TypeVar("T")


def attempts(
    keys: Sequence[str], fetch: Callable[[str], T], concurrency: int, watch: Callable[[str], None]
) -> dict[str, T | SourceError]:
    """What `fetch` gave for each key, or its SourceError, in the order of the keys; otherwise as `fetch_each`."""

    def attempt(key: str) -> T | SourceError:
        """Result of one key, or the SourceError as a value."""
        _WATCH.set(lambda how_far: watch(how_far if f" {key}," in how_far else f"{key}, {how_far}"))
        try:
            return fetch(key)
        except SourceError as error:
            return error

    with ThreadPoolExecutor(max_workers=max(1, min(concurrency, len(keys)))) as pool:
        submitted = {key: pool.submit(attempt, key) for key in keys}
        try:
            for number, done in enumerate(as_completed(submitted.values()), 1):
                done.result()  # what is no error of ours ends it all
                watch(f"{number} of {len(keys)} symbols")
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # what has not begun when this is interrupted
    return {key: future.result() for key, future in submitted.items()}
