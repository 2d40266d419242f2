"""Progress of long operations: a bar or a status line on a terminal, an occasional line in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

from wheel_assets.sanitise import one_line

PATIENCE_SECONDS = 1.0  # operations that finish sooner show no progress
LOG_SECONDS = 3.0  # between two lines in a log, each of which Dagster takes some 10 ms to keep

_WATCHED: ContextVar[bool] = ContextVar("watched", default=False)


@contextmanager
def watched() -> Iterator[None]:
    """Mark the block as watched by a user at the terminal: `reporting_progress` shows a status line there too."""
    token = _WATCHED.set(sys.stderr.isatty())
    try:
        yield
    finally:
        _WATCHED.reset(token)


@contextmanager
def reporting_progress(what: str, log: Callable[[str], None]) -> Iterator[Callable[[str], None]]:
    """A function that reports progress of `what`, for any thread: to the terminal if `watched`, and to `log` at times.

    >>> with reporting_progress("option_chains", print) as report:
    ...     report("3 of 10 symbols")  # so soon: nothing is printed
    """
    news: list[str] = []
    with ExitStack() as held:
        show = held.enter_context(_line(what)) if _WATCHED.get() else None
        held.enter_context(_logging(news, log))

        def report(how_far: str) -> None:
            """Report the progress."""
            news.append(one_line(f"{what}: {how_far}"))
            if show:
                show(news[-1])

        yield report


@contextmanager
def _logging(news: Sequence[str], log: Callable[[str], None]) -> Iterator[None]:
    """Log the newest report, if there is one, after PATIENCE_SECONDS and then every LOG_SECONDS."""
    over = threading.Event()

    def log_reports() -> None:
        """Log new reports until the block ends."""
        logged, pause = 0, PATIENCE_SECONDS
        while not over.wait(pause):
            if len(news) > logged:
                logged = len(news)
                log(news[-1])
            pause = LOG_SECONDS

    reporter = threading.Thread(target=log_reports, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        over.set()
        reporter.join()


@contextmanager
def progress_bar(what: str, total: int, report: Callable[[str], None] | None = None) -> Iterator[Callable[[int], None]]:
    """A function that advances a bar of `total` steps on standard error if that is a terminal; `report` gets the count.

    >>> with progress_bar("copying", 10, print) as advance:
    ...     advance(5)
    5 of 10
    """
    with ExitStack() as held:
        show = held.enter_context(_bar(what, total)) if sys.stderr.isatty() else None
        done = 0

        def advance(amount: int) -> None:
            """Advance the bar."""
            nonlocal done
            done += amount
            if show:
                show(amount)
            if report:
                report(f"{done:,} of {total:,}")

        yield advance


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A function that advances a bar, which appears after PATIENCE_SECONDS."""
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=total)
    began = time.monotonic()

    def advance(amount: int) -> None:
        """Advance the bar, creating it first."""
        bar.advance(task, amount)
        if time.monotonic() - began > PATIENCE_SECONDS:
            bar.start()

    try:
        yield advance
    finally:
        bar.stop()


@contextmanager
def _line(what: str) -> Iterator[Callable[[str], None]]:
    """A status line on standard error, shown after PATIENCE_SECONDS and removed at the end of the block."""
    from rich.console import Console

    line = Console(stderr=True).status(f"{what} ...")
    later = threading.Timer(PATIENCE_SECONDS, line.start)
    later.daemon = True
    later.start()
    try:
        yield line.update
    finally:
        later.cancel()
        later.join()  # or it might begin after the end
        line.stop()
