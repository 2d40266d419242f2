"""The wheel's rules as settings.

* profiles   sets of defaults, and defaults that follow what is set
* settings   every rule's setting, its bounds, what contradicts what
"""

from wheel_assets.strategy.settings import StrategySettings as StrategySettings
