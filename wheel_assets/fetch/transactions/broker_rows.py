"""What the brokers' answers about an account's past have in common: names, times, a list put in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import numpy as np

from wheel_assets.errors import BadSymbol, UnexpectedAnswer
from wheel_assets.fetch.normalise.times import moment_of
from wheel_assets.fetch.transactions.closing_signs import with_signs
from wheel_assets.fetch.transactions.frame import Transaction, transaction_frame
from wheel_assets.fetch.transactions.layout import at_close, names
from wheel_assets.rows import Rows

_ENDED = (("assign", "assignment"), ("exerc", "exercise"), ("expir", "expiration"))


def rows_of(
    source: str, transactions: Sequence[Transaction], account_id: str, since: datetime | None, now: datetime
) -> Rows:
    """The transactions from `since` until `now` (aware), each end with the sign that closes what was held."""
    first = since or datetime.min.replace(tzinfo=now.tzinfo)
    known = sorted(
        (each for each in transactions if first <= each.executed_at <= now), key=lambda each: each.executed_at
    )
    signed, notes = with_signs(known)
    return Rows(transaction_frame(source, signed, account_id, now), tuple(notes))


def named(*texts: Any) -> tuple[str | None, str | None]:
    """Ticker and padded option symbol of the first text that names an option, else those of the first text."""
    pairs = [_names(text) for text in texts if isinstance(text, str)]
    return next((pair for pair in pairs if pair[1]), pairs[0] if pairs else (None, None))


def _names(text: str) -> tuple[str | None, str | None]:
    try:
        return names(text)
    except BadSymbol:
        return None, None


def ended(text: Any) -> str | None:
    """`assignment`, `exercise` or `expiration`, where a text speaks of one."""
    return next((kind for part, kind in _ENDED if part in str(text).lower()), None)


def time_of(source: str, value: Any) -> datetime:
    """When it happened; 16:00 in New York where only the day is known, also as midnight. Raises UnexpectedAnswer."""
    text = str(value)
    try:
        if len(text) == 10 or text[10:19] == "T00:00:00":
            return at_close(date.fromisoformat(text[:10]))
    except ValueError:
        pass
    moment = moment_of(value)
    if moment is None:
        raise damaged(source, f"a time is {text[:40]!r}")
    return moment


def finite(source: str, value: float, what: str) -> float:
    """The number; raises UnexpectedAnswer where it is none: money must not go missing."""
    if not np.isfinite(value):
        raise damaged(source, f"{what} is no number")
    return value


def known(value: float) -> float | None:
    """The number, None for NaN."""
    return float(value) if np.isfinite(value) else None


def damaged(source: str, why: str) -> UnexpectedAnswer:
    """A history that cannot be read in full: a basis out of half of one is wrong."""
    what = f"{source} sent transactions that cannot be read"
    return UnexpectedAnswer(what, why, "export them as CSV and set WHEEL_BROKER__TRANSACTIONS_FILE", source=source)
