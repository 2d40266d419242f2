"""Options on indices: roots, settlement and exercise style.

Sources: Cboe's and Nasdaq's product specifications. OEX, alone among the indices, is American.
"""

from __future__ import annotations

from typing import NamedTuple


class Root(NamedTuple):
    """An option root: its index, whether it is AM-settled (on the opening print), whether its exercise is European.

    An AM-settled contract stops trading at the close of the session before its expiration date.
    """

    root: str
    underlying: str
    am_settled: bool = False
    european: bool = True


ROOTS = (
    Root("SPX", "SPX", am_settled=True),
    Root("SPXW", "SPX"),
    Root("XSP", "XSP"),
    Root("NDX", "NDX", am_settled=True),
    Root("NDXP", "NDX"),
    Root("XND", "XND"),
    Root("RUT", "RUT", am_settled=True),
    Root("RUTW", "RUT"),
    Root("MRUT", "MRUT"),
    Root("DJX", "DJX", am_settled=True),
    Root("VIX", "VIX", am_settled=True),
    Root("VIXW", "VIX", am_settled=True),
    Root("OEX", "OEX", european=False),
    Root("XEO", "OEX"),
)
INDICES = frozenset({root.underlying for root in ROOTS} | {"XEO", "VXN"})  # tickers that vendors mark as an index
AM_SETTLED_ROOTS = frozenset(root.root for root in ROOTS if root.am_settled)
EUROPEAN_ROOTS = frozenset(root.root for root in ROOTS if root.european)
INDEX_OF = {root.root: root.underlying for root in ROOTS}


def roots_of(index: str) -> tuple[str, ...]:
    """Option roots of an index, the one of the same name first; empty where `index` is none.

    >>> roots_of("SPX"), roots_of("XYZ")
    (('SPX', 'SPXW'), ())
    """
    return tuple(root.root for root in ROOTS if root.underlying == index)
