"""Rules of how much: what the account, a symbol, a group and a day have room for."""

from __future__ import annotations

from wheel_assets.recommend.rules.rule import Rule, Use
from wheel_assets.recommend.wording import dollars

ROOM: tuple[Rule, ...] = (
    Rule(
        name="symbol_share",
        column="symbol_room",
        limit="collateral",
        setting="max_symbol_share",
        meaning="over the symbol's share of the portfolio",
        label="room for the symbol",
        text=dollars,
        use=Use.OPEN,
        option_type="put",
    ),
    Rule(
        name="group_share",
        column="group_room",
        limit="collateral",
        setting="max_group_share",
        meaning="over the share of a group of symbols",
        label="room for the group",
        text=dollars,
        use=Use.OPEN,
        option_type="put",
    ),
    Rule(
        name="kelly",
        column="kelly_room",
        limit="kelly_least",
        setting="kelly",
        meaning="more than Kelly's share",
        label="room by Kelly",
        text=dollars,
        use=Use.OPEN,
        option_type="put",
    ),
    Rule(
        name="new_collateral",
        column="run_room",
        limit="collateral",
        setting="max_new_collateral",
        meaning="over the new collateral of one day",
        label="room for new collateral",
        text=dollars,
        use=Use.OPEN,
        option_type="put",
    ),
    Rule(
        name="cash",
        column="free_cash",
        limit="collateral",
        setting="cash_reserve",
        meaning="more than free cash secures",
        label="free cash",
        text=dollars,
        use=Use.OPEN,
        option_type="put",
    ),
)
