"""The wheel's cycles as one plain document, and as the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wheel_assets.recommend.cycles import Cycle, Cycles, net_basis

COLUMNS = ("symbol", "cycle", "from", "to", "premiums", "shares", "dividends", "profit", "held", "basis", "net basis")
NUMBERS = COLUMNS[4:]
NONE = "No cycle: no transaction on an option is known. Set WHEEL_BROKER__TRANSACTIONS_FILE to your broker's export."


def cycles_document(
    history: Cycles, reads: Sequence[Mapping[str, Any]] = (), notes: Sequence[str] = ()
) -> dict[str, Any]:
    """The cycles, oldest first, in plain values; money is dollars, a basis dollars a share.

    `net_basis` gives, by symbol, the cost of the shares held net of their cycle's premiums; `differences` what does
    not add up to the positions; a symbol with one has no net basis. `message` is None, or why there is no cycle.
    """
    known = net_basis(history)
    return {
        "cycles": [_plain(cycle, cycle.symbol in known) for cycle in history.cycles],
        "net_basis": known,
        "differences": {symbol: list(said) for symbol, said in history.differences.items()},
        "profit": round(sum(cycle.profit for cycle in history.cycles), 2),
        "notes": list(notes),
        "inputs": [dict(read) for read in reads],
        "message": None if history.cycles else NONE,
    }


def cycle_cells(document: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The cells of a row a cycle, in the order of `COLUMNS`."""
    return [
        (
            *(cycle["symbol"], str(cycle["number"]), cycle["began"], cycle["ended"] or "open"),
            *(f"{cycle[name]:,.2f}" for name in ("premiums", "shares_profit", "dividends", "profit")),
            f"{cycle['shares']:g}" if cycle["shares"] else "",
            *("" if cycle[name] is None else f"{cycle[name]:.2f}" for name in ("basis", "net_basis")),
        )
        for cycle in document["cycles"]
    ]


def remarks(document: Mapping[str, Any]) -> list[str]:
    """What has to be said beside the table, the most important first."""
    said = [f"{symbol}: {why}" for symbol, reasons in document["differences"].items() for why in reasons]
    return [*([document["message"]] if document["message"] else []), *said, *document["notes"]]


def _plain(cycle: Cycle, adds_up: bool) -> dict[str, Any]:
    names = ("premiums", "open_premiums", "shares_profit", "dividends", "fees", "profit", "shares", "cost")
    basis, net = cycle.basis, cycle.net_basis if adds_up else None
    return {
        "symbol": cycle.symbol,
        "number": cycle.number,
        "began": cycle.began.isoformat(),
        "ended": cycle.ended and cycle.ended.isoformat(),
        **{name: getattr(cycle, name) for name in names},
        "basis": None if basis is None else round(basis, 4),
        "net_basis": None if net is None else round(net, 4),
        **{name: getattr(cycle, name) for name in ("rolls", "assignments", "called_away")},
    }
