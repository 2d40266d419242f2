"""The pace: never more than so many in a window, and no wait before it is full."""

from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.fetch.http.client import HttpClient
from wheel_assets.fetch.http.rate_limiter import Pace


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


@given(st.integers(1, 5), st.lists(st.floats(0, 3), min_size=1, max_size=30))
def test_no_window_holds_too_many(limit, gaps):
    clock, turns = Clock(), []
    pace = Pace(limit, 2.0, clock, clock.sleep)
    for gap in gaps:
        clock.sleep(gap)
        pace.wait()
        turns.append(clock())
    assert all(later - earlier >= 2.0 - 1e-9 for earlier, later in zip(turns, turns[limit:], strict=False))


def test_the_first_ones_do_not_wait():
    clock = Clock()
    pace = Pace(3, 60.0, clock, clock.sleep)
    for _ in range(3):
        pace.wait()
    assert clock() == 0.0
    pace.wait()
    assert clock() == 60.0


def test_loopback_is_not_paced(fake, calls, vendors):
    clock = Clock()
    client = HttpClient("vendor", fake.url, calls.append, pace=Pace(1, 60.0, clock, clock.sleep))
    fake.on("/x", vendors.Reply({}))
    client.get("/x")
    client.get("/x")
    assert clock() == 0.0


def test_a_spread_pace_lets_one_call_go_at_a_time():
    clock = Clock()
    pace = Pace(100, 60.0, clock, clock.sleep)
    pace.spread()
    assert [round(pace.wait(), 6) for _ in range(3)] == [0.0, 0.6, 0.6]
