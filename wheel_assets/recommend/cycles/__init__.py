"""The wheel's cycles: from the first put sold on a symbol to the day on which nothing of it is held.

Pure: transactions in, cycles out. The profit of a finished cycle is the sum of its cash flows, which needs no lot
rule. Held shares have their average cost, fees included; the net basis subtracts the cycle's premiums of closed
contracts, but not dividends.
"""

from wheel_assets.recommend.cycles.cycle import Cycle
from wheel_assets.recommend.cycles.reconciliation import Cycles, cycles, net_basis

__all__ = ["Cycle", "Cycles", "cycles", "net_basis"]
