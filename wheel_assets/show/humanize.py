"""Lengths of time and sizes as a person reads them: a number and its unit."""

from __future__ import annotations


def age(minutes: float | None) -> str:
    """A length of time in the unit that a person would take; empty where there is none.

    >>> age(0.3), age(1.5), age(12.4), age(150), age(1440), age(8640), age(None)
    ('18 s', '1.5 min', '12 min', '2.5 h', '24 h', '6 days', '')
    """
    if minutes is None:
        return ""
    if minutes < 1:
        return f"{minutes * 60:.0f} s"
    amount, unit = (minutes, "min") if minutes < 90 else (minutes / 60, "h")
    amount, unit = (amount, unit) if minutes < 2880 else (minutes / 1440, "days")
    return f"{_short(amount)} {unit}"


def size(number_of_bytes: float) -> str:
    """Bytes as a person reads them, by thousands.

    >>> size(0), size(340), size(24_600), size(2_600_000), size(5e9)
    ('0 B', '340 B', '25 kB', '2.6 MB', '5 GB')
    """
    for unit, step in (("B", 1), ("kB", 1e3), ("MB", 1e6)):
        if number_of_bytes < 1000 * step:
            return f"{_short(number_of_bytes / step)} {unit}"
    return f"{_short(number_of_bytes / 1e9)} GB"


def _short(number: float) -> str:
    """Two digits of a small number, all digits of a large one.

    >>> _short(2.55), _short(2.0), _short(340.4)
    ('2.5', '2', '340')
    """
    return f"{number:.0f}" if number >= 10 else f"{number:.1f}".removesuffix(".0")
