"""Several symbols at once: each failure is one symbol's, and whoever waits is told how far it is."""

import threading
import time

import pandas as pd
import pytest

from wheel_assets.errors import SourceError, UnknownSymbol
from wheel_assets.fetch.source import fetch_each, tell_progress
from wheel_assets.rows import Rows


def chain(symbol):
    """A row of a symbol; symbols in small letters fail."""
    if symbol.islower():
        raise UnknownSymbol(f"no {symbol}")
    return Rows(pd.DataFrame({"symbol": [symbol]}), (f"a note on {symbol}",))


@pytest.mark.parametrize("concurrency", [1, 2, 10])
def test_frames_come_in_the_order_asked_whatever_is_done_first(concurrency):
    fetched = fetch_each(["B", "x", "A", "y"], chain, concurrency)
    assert fetched.frame["symbol"].tolist() == ["B", "A"]
    assert fetched.notes == ("a note on B", "a note on A")
    assert fetched.not_fetched == {"x": "no x", "y": "no y"}


def test_where_all_fail_for_reasons_of_their_own_each_is_named():
    with pytest.raises(UnknownSymbol, match=r"^none of 2 symbols could be fetched; y: no y; x: no x$"):
        fetch_each(["y", "x"], chain, 2)


def test_where_all_fail_for_the_same_reason_it_is_said_once():
    def down(symbol):
        raise SourceError("the market cannot be reached", "connection refused", "check the network")

    with pytest.raises(SourceError, match="^the market cannot be reached; connection refused; check the network$"):
        fetch_each(["y", "x"], down, 2)


def test_what_is_no_error_of_ours_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        fetch_each(["A", "B"], lambda symbol: 1 / 0)


def test_what_has_not_begun_when_it_is_interrupted_is_not_begun():
    begun = []

    def interrupted(symbol):
        begun.append(symbol)
        time.sleep(0.02)  # longer than it takes to call off what waits
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_each([f"S{number}" for number in range(1000)], interrupted)
    assert len(begun) < 1000


def test_as_many_as_allowed_are_asked_at_the_same_time():
    together = threading.Barrier(3)

    def meet(symbol):
        together.wait(30)
        return chain(symbol)

    assert len(fetch_each("ABC", meet, 3).frame) == 3


def test_whoever_waits_hears_of_symbols_and_of_windows():
    told = []

    def in_windows(symbol):
        tell_progress("window 1 of 2")
        return chain(symbol)

    fetch_each(["A", "b"], in_windows, 1, told.append)
    assert told.index("A, window 1 of 2") < told.index("1 of 2 symbols") < told.index("2 of 2 symbols")
    assert told.index("b, window 1 of 2") < told.index("2 of 2 symbols")


def test_progress_that_nobody_waits_for_goes_nowhere():
    assert tell_progress("window 1 of 2") is None
