"""Rate limiter of a vendor: a number of requests in a number of seconds, per process."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from functools import cache

from wheel_assets.vendors import vendor_named


class Pace:
    """At most `calls` requests in any `seconds`; the first ones never wait.

    One object is shared by every thread and every client of a vendor in this process.
    """

    def __init__(
        self,
        calls: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds, self._clock, self._sleep = seconds, clock, sleep
        self._turns: deque[float] = deque(maxlen=calls)
        self._lock = threading.Lock()

    def spread(self) -> None:
        """From now on one call at a time, evenly: processes that take turns then keep the pace together."""
        with self._lock:
            if (calls := self._turns.maxlen or 1) > 1:
                self._turns, self._seconds = deque(self._turns, maxlen=1), self._seconds / calls

    def wait(self) -> float:
        """Wait until a call is allowed; return the seconds waited."""
        with self._lock:
            now = self._clock()
            full = len(self._turns) == self._turns.maxlen
            turn = max(now, self._turns[0] + self._seconds) if full else now
            self._turns.append(turn)
        if turn > now:
            self._sleep(turn - now)
        return turn - now


@cache
def pace_of(vendor: str) -> Pace | None:
    """The pace that the registry declares for a vendor, shared by this whole process; None for none."""
    limit = vendor_named(vendor).limit
    return Pace(limit.calls, limit.seconds) if limit else None
