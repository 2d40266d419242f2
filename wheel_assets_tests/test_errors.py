"""The error tree and its picture."""

from __future__ import annotations

import re

from wheel_assets import errors


def test_the_picture_of_the_tree_shows_every_error():
    classes = {name for name, value in vars(errors).items() if isinstance(value, type)}
    drawn = set(re.findall(r"[*x-] ([A-Z]\w+)", errors.__doc__ or ""))
    assert drawn == classes


def test_an_error_is_one_line_of_what_why_and_what_to_do():
    assert str(errors.WheelError("a\nb", "", "do  c")) == "a b; do c"


def test_a_source_error_carries_what_a_support_desk_asks_for():
    error = errors.RateLimited("x", source="cboe", endpoint="/p", status=429, code="slow", request_id="7")
    assert (error.source, error.endpoint, error.status, error.code, error.request_id) == (
        "cboe",
        "/p",
        429,
        "slow",
        "7",
    )
