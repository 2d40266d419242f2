"""Rows of `tables.POSITIONS` from any broker's account, by one set of rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from wheel_assets.errors import BadSymbol, SourceRefused, UnexpectedAnswer
from wheel_assets.fetch.normalise.chains import naive_utc
from wheel_assets.fetch.normalise.quotes import numbers
from wheel_assets.market.osi import parse_osi
from wheel_assets.rows import Rows
from wheel_assets.sanitise import SHOWN_OF_NUMBER, is_account
from wheel_assets.tables import POSITIONS

ONLY_ACCOUNT = "default"
SEVERAL = "set WHEEL_ACCOUNT_ID to one number, or to `...` and more of its last digits"
_NUMBER = re.compile(r"[\w-]{1,64}", re.ASCII)
_SHARES_A_CONTRACT = 100
_MOST_UNITS, _MOST_DOLLARS = 1e9, 1e12
_OPTION = re.compile(r"\d{6}[CP]\d{8}$")


def dollars(document: Mapping[str, Any], name: str) -> float:
    """A number in a vendor's object, as text or number; NaN where there is none."""
    return float(numbers([document.get(name)], no_value=())[0])


def masked(number: str) -> str:
    """Masked account number or hash, safe to show.

    >>> masked("12345678"), masked("default")
    ('...678', 'default')
    """
    return number if number == ONLY_ACCOUNT else f"...{number.lstrip('.')[-SHOWN_OF_NUMBER:]}"


def chosen_number(source: str, there: Sequence[str], wanted: str) -> str:
    """The account's number: the one wanted, or the only one; raises SourceRefused, listing what there is, masked."""
    if not all(isinstance(number, str) and _NUMBER.fullmatch(number) for number in there):
        raise unreadable(source, "an account's number is none")
    found = [number for number in there if wanted == ONLY_ACCOUNT or is_account(wanted, number)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(masked(number) for number in there) or "none"
    what = f"{source} has {len(found) or 'no'} accounts for `{masked(wanted)}`"
    raise SourceRefused(what, f"there are: {listed}", SEVERAL, source=source)


def holding(source: str, code: Any, kind: str = "", **values: float) -> dict[str, Any]:
    """A row of shares, or of the option that `code` is the symbol of; `kind` is which of the two the broker says.

    `values`: quantity, average_price (a share), market_value (of the whole), and multiplier where it is sent.
    Raises UnexpectedAnswer for a holding that cannot be read: it must not go missing, for it may bind cash.
    """
    quantity, multiplier = values["quantity"], values.pop("multiplier", np.nan)
    if not isinstance(code, str) or not code.strip() or not abs(quantity) <= _MOST_UNITS:
        raise unreadable(source, f"a position of {str(code)[:40]!r} without a plausible quantity")
    is_option = _OPTION.search(code.strip()) is not None
    if kind and is_option != (kind == "option"):
        raise unreadable(source, f"{code.strip()[:40]!r} is no symbol of {kind}")
    if not is_option:
        symbol = code.strip().replace("/", ".")
        return {"asset_type": "stock", "symbol": symbol, "multiplier": 1, **values}
    try:
        option = parse_osi(code)
    except BadSymbol as error:
        raise unreadable(source, str(error)) from None
    terms = {"option_type": option.option_type, "expiration": pd.Timestamp(option.expiration), "strike": option.strike}
    shares = int(multiplier) if 0 < multiplier <= _MOST_UNITS else _SHARES_A_CONTRACT
    return {"asset_type": "option", "symbol": option.osi, "underlying": option.underlying, "multiplier": shares} | {
        **terms,
        **values,
    }


def account_rows(
    source: str,
    account_id: str,
    holdings: Iterable[dict[str, Any]],
    now: datetime,
    *,
    cash: tuple[str, float],
    equity: float,
) -> Rows:
    """Rows of the holdings and of the cash, as of `now`, with notes on them.

    `cash` is the field that was used and its dollars, free to set aside for puts; `equity` what liquidation
    would bring. Raises UnexpectedAnswer where the cash is no plausible number, or a holding is sent twice.
    """
    field, free = cash
    rows = [row for row in holdings if row["quantity"]]
    if (twice := _sent_twice(rows)) is not None:
        raise unreadable(source, f"it lists {twice} twice")
    if not abs(free) <= _MOST_DOLLARS:
        raise unreadable(source, f"its {field} is no plausible number")
    held = equity - sum(row["market_value"] for row in rows)
    row = {"asset_type": "cash", "symbol": "USD", "multiplier": 1, "quantity": free}
    row["market_value"] = held if abs(held) <= _MOST_DOLLARS else free
    frame = pd.DataFrame([*rows, row], columns=[column.name for column in POSITIONS.columns])
    stamp = pd.Timestamp(naive_utc(now)).as_unit("us")
    options = [parse_osi(each["symbol"]) for each in rows if each["asset_type"] == "option"]
    notes = [note for option in options if (note := option.deliverable_note)]
    return Rows(frame.assign(timestamp=stamp, account_id=account_id, source=source), (*notes, f"cash is {field}"))


def other_kinds(kinds: Iterable[Any], known: Collection[str]) -> list[str]:
    """A note for each kind of position that is not `known`: how many there are, and where their value is."""
    others = Counter(shown for kind in kinds if (shown := str(kind)[:40]) not in known)
    return [f"{count} {kind} positions are valued with the cash" for kind, count in others.items()]


def _sent_twice(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Symbol of an option in two rows, or of shares in two equal ones; shares in several lots are several rows."""
    seen: set[tuple[Any, ...]] = set()
    for row in rows:
        lot = () if row["asset_type"] == "option" else (row["quantity"], row["average_price"], row["market_value"])
        if (row["symbol"], *lot) in seen:
            return str(row["symbol"])
        seen.add((row["symbol"], *lot))
    return None


def unreadable(source: str, why: str) -> UnexpectedAnswer:
    """An account that cannot be read in full: advice on half of one is worse than none."""
    what = f"{source} sent an account that cannot be read"
    return UnexpectedAnswer(what, why, "its layout may have changed", source=source)
