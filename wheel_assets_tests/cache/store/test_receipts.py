"""The month's budget survives the loss of the cache, in part or as a whole."""

from __future__ import annotations

from datetime import datetime

import pytest

from wheel_assets.cache.store.store import Store

MONTH = datetime(2026, 11, 1)


def call(at: datetime, cost: float, note: str | None = None) -> tuple[object, ...]:
    return (at, "databento", "/x", 200, 1.0, 10, cost, "A", note)


@pytest.fixture
def paid(toy_store, clock) -> Store:
    """A ledger with $3 paid in two equal calls, $2 reserved, and a reservation that was given back."""
    toy_store.record_calls([call(clock.now, 1.5), call(clock.now, 1.5), call(clock.now, 0.0)])
    toy_store.reserve(call(clock.now, 2.0, "open"), 2.0, MONTH, 50)
    toy_store.reserve(call(clock.now, 9.0, "settled"), 9.0, MONTH, 50)
    toy_store.record_calls([], {"settled": 0.0})
    return toy_store


def reopened(store: Store) -> Store:
    return Store(store.path, tuple(store.tables.values()), store.clock)


LOSSES = {  # and whether the ledger is lost with it: a damaged head is mended
    "deleted": (lambda path: path.unlink(), True),
    "a flipped byte in its head": (lambda path: flip(path, 30), False),
    "emptied": (lambda path: path.write_bytes(b""), True),
    "another program's": (lambda path: path.write_bytes(b"text" * 5_000), True),
}


def flip(path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize(("lose", "ledger_lost"), LOSSES.values(), ids=LOSSES)
def test_a_lost_cache_does_not_reset_the_budget(paid, lose, ledger_lost, caplog):
    with paid.file.attached() as connection:
        connection.execute("CHECKPOINT cache")
    lose(paid.path)
    again = reopened(paid)
    assert again.spent(MONTH) == 5.0
    assert again.reserve(call(again.clock(), 46.0), 46.0, MONTH, 50) == 5.0
    again.record_calls([], {"open": 0.0})
    assert reopened(paid).spent(MONTH) == 3.0
    assert ("the ledger lacked 3 paid calls ($5.00)" in caplog.text) is ledger_lost


def test_a_whole_cache_takes_nothing_twice(paid):
    assert reopened(paid).spent(MONTH) == paid.spent(MONTH) == 5.0


def test_a_receipt_cut_short_spoils_only_itself(paid):
    with paid.receipts.path.open("a") as file:
        file.write('\n{"call": ["2026')
    paid.path.unlink()
    assert reopened(paid).spent(MONTH) == 5.0


def test_a_ledger_of_before_there_were_receipts_is_kept_too(paid):
    paid.receipts.path.unlink()
    reopened(paid).spent(MONTH)
    paid.path.unlink()
    assert reopened(paid).spent(MONTH) == 5.0
