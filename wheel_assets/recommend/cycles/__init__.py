"""The wheel's cycles: from the first put sold on a symbol to the day on which nothing of it is held any more.

Pure: transactions in, cycles out. A cycle that is over has earned the sum of all its cash; that needs no
rule about lots. Shares that are held cost what was paid for them on average, fees in; net of the premiums that
the cycle has earned so far (of contracts that are closed), and not of dividends.
"""

from wheel_assets.recommend.cycles.cycle import Cycle
from wheel_assets.recommend.cycles.history import Cycles, cycles, net_basis

__all__ = ["Cycle", "Cycles", "cycles", "net_basis"]
