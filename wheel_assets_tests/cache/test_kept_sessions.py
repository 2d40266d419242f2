"""Sessions kept in a folder are those of the library, and never those of a damaged file."""

import numpy as np
import pytest

from wheel_assets.cache.kept_sessions import kept
from wheel_assets.market.calendar import listed_sessions


def refuse(_first, _last):
    raise AssertionError("the library is asked again")


def test_kept_sessions_are_those_of_the_library(tmp_path):
    first = kept(tmp_path, listed_sessions)(2025, 2026)
    assert len(first) > 500
    assert np.array_equal(kept(tmp_path, refuse)(2025, 2026), first)


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b[:100] + bytes([b[100] ^ 1]) + b[101:], lambda b: b""])
def test_a_damaged_file_is_not_used_and_is_replaced(tmp_path, damage):
    sessions = kept(tmp_path, listed_sessions)(2026, 2026)
    (path,) = tmp_path.glob("sessions-*")
    path.write_bytes(damage(path.read_bytes()))
    assert np.array_equal(kept(tmp_path, listed_sessions)(2026, 2026), sessions)
    assert np.array_equal(kept(tmp_path, refuse)(2026, 2026), sessions)


def test_nothing_is_kept_where_nothing_can_be_written(tmp_path):
    assert len(kept(tmp_path / "missing", listed_sessions)(2026, 2026)) > 250
