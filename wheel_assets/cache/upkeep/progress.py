"""How far something is that takes long: a bar or a line on a terminal, a line in a log now and then."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar

from wheel_assets.sanitise import one_line

PATIENCE_SECONDS = 1.0  # what is done sooner needs no telling
LOG_SECONDS = 3.0  # between two lines in a log, each of which Dagster takes some 10 ms to keep

_WATCHED: ContextVar[bool] = ContextVar("watched", default=False)


@contextmanager
def watched() -> Iterator[None]:
    """Somebody sits at the terminal and waits for what the block does: `telling` has a line there too."""
    token = _WATCHED.set(sys.stderr.isatty())
    try:
        yield
    finally:
        _WATCHED.reset(token)


@contextmanager
def telling(what: str, log: Callable[[str], None]) -> Iterator[Callable[[str], None]]:
    """A function to be told how far `what` is, by any thread; it tells the terminal if `watched`, and `log` at times.

    >>> with telling("option_chains", print) as tell:
    ...     tell("3 of 10 symbols")  # so soon: nothing is printed
    """
    news: list[str] = []
    with ExitStack() as held:
        show = held.enter_context(_line(what)) if _WATCHED.get() else None
        held.enter_context(_logging(news, log))

        def tell(how_far: str) -> None:
            news.append(one_line(f"{what}: {how_far}"))
            if show:
                show(news[-1])

        yield tell


@contextmanager
def _logging(news: Sequence[str], log: Callable[[str], None]) -> Iterator[None]:
    """Log the newest of the news, if there is a new one, when patience ends and now and then from there."""
    over = threading.Event()

    def keep_telling() -> None:
        told, pause = 0, PATIENCE_SECONDS
        while not over.wait(pause):
            if len(news) > told:
                told = len(news)
                log(news[-1])
            pause = LOG_SECONDS

    teller = threading.Thread(target=keep_telling, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A function to be called with how much more of `total` is done; a bar on standard error if that is a terminal.

    >>> with progress_bar("copying", 10) as advance:
    ...     advance(10)
    """
    if not sys.stderr.isatty():
        yield lambda amount: None
        return
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=total)
    began = time.monotonic()

    def advance(amount: int) -> None:
        bar.advance(task, amount)
        if time.monotonic() - began > PATIENCE_SECONDS:
            bar.start()

    try:
        yield advance
    finally:
        bar.stop()


@contextmanager
def _line(what: str) -> Iterator[Callable[[str], None]]:
    """A line on standard error that comes when patience ends, changes as it is told, and goes with the block."""
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
