"""The sign of what closes: an expiration, assignment or exercise ends what is held, however the export writes it.

Brokers write such a quantity without a sign, or with that of the position, or with that of its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from wheel_assets.fetch.transactions.frame import Transaction
from wheel_assets.fetch.transactions.layout import CLOSING


def with_signs(transactions: Sequence[Transaction]) -> tuple[list[Transaction], list[str]]:
    """The transactions, oldest first, each end with the sign that closes what was held; and what is not known.

    Only short contracts are assigned, and only long ones exercised. An expiration of a contract that was opened
    before the first transaction has no quantity: which way it was held is not known.
    """
    by_contract: dict[str, list[Transaction]] = defaultdict(list)
    for each in transactions:
        if each.option_symbol:
            by_contract[each.option_symbol].append(each)
    notes: list[str] = []
    signed: dict[int, Transaction] = {}
    for contract, events in by_contract.items():
        held = 0.0
        # Within a day its trades first: exports of days without times list them in any order.
        for event in sorted(events, key=lambda each: (each.executed_at.date(), each.kind in CLOSING)):
            ended = _ended(event, held) if event.kind in CLOSING else event
            if ended.quantity is None and event.kind in CLOSING:
                when = f"{event.executed_at:%Y-%m-%d}"
                notes.append(f"{contract} expired on {when}; it was opened before these transactions begin")
            held += ended.quantity or 0.0
            signed[id(event)] = ended
    return [signed.get(id(each), each) for each in transactions], notes


def _ended(event: Transaction, held: float) -> Transaction:
    certain = {"assignment": 1, "exercise": -1}.get(event.kind)
    sign = certain or (-1 if held > 0 else 1 if held < 0 else None)
    return replace(event, quantity=sign and event.quantity and abs(event.quantity) * sign)
