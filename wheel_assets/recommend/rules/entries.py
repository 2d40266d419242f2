"""The list of all rules, in the order in which a failure is reported.

A new rule is one entry: here of what is sold, in `timing` of when, in `sizing` of how much. Its column is one of the
contracts table (`contracts_table`), or of the candidates for an opening (`opening.candidates`) or a roll
(`managing.rolling`), which give `premium`, `annualized_return`, `strike_floor` and `max_delta` their meaning.
"""

from __future__ import annotations

import math

from wheel_assets.recommend.rules.rule import Rule, Use
from wheel_assets.recommend.rules.sizing import ROOM
from wheel_assets.recommend.rules.timing import TIMING
from wheel_assets.recommend.wording import percent, price, ratio

_CONTRACT: tuple[Rule, ...] = (
    Rule(
        name="no_trade",
        column="tradable",
        limit=1,
        setting="trade",
        meaning="of a symbol that is not to be traded",
        label="trade",
        use=Use.OPEN,
    ),
    Rule(
        name="shares",
        column="free_shares",
        limit="multiplier",
        meaning="without free shares to cover them",
        label="free shares",
        use=Use.OPEN,
        option_type="call",
    ),
    Rule(
        name="cost_basis",
        column="strike",
        limit="strike_floor",
        setting="call_basis",
        meaning="below what the shares cost",
        label="strike",
        text=price,
        option_type="call",
    ),
    Rule(
        name="min_strike",
        column="strike",
        setting="min_strike",
        meaning="below the least strike",
        label="strike",
        text=price,
    ),
    Rule(
        name="max_strike",
        column="strike",
        setting="max_strike",
        meaning="above the greatest strike",
        label="strike",
        text=price,
        at_most=True,
    ),
    Rule(
        name="roll_strike",
        column="strike",
        limit="strike_cap",
        meaning="above the strike that was sold",
        label="strike",
        text=price,
        at_most=True,
        use=Use.ROLL,
        option_type="put",
    ),
    Rule(
        name="adjusted",
        column="standard",
        limit=1,
        meaning="adjusted, they deliver something else",
        label="plain shares",
    ),
    Rule(name="expired", column="days", limit=0, meaning="expired", label="days left"),
    Rule(
        name="quote",
        column="sale",
        limit=0.01,
        meaning="without a live two-sided quote",
        label="bid",
        text=price,
        absent="no live bid and ask",
    ),
    Rule(
        name="later",
        column="days",
        limit="days_after",
        meaning="not later than what is open",
        label="days",
        use=Use.ROLL,
    ),
    Rule(name="too_near", column="days", setting="min_days", meaning="expire too soon", label="days"),
    Rule(
        name="too_far",
        column="days",
        setting="max_days",
        meaning="expire too late",
        label="days",
        at_most=True,
        use=Use.OPEN,
    ),
    Rule(
        name="too_far",
        column="days",
        setting="max_roll_days",
        meaning="expire too late",
        label="days",
        at_most=True,
        use=Use.ROLL,
    ),
    Rule(name="greeks", column="abs_delta", limit=0, meaning="without Greeks", label="|delta|", text=ratio),
    Rule(
        name="delta_low",
        column="abs_delta",
        setting="min_delta",
        meaning="too far out of the money",
        label="|delta|",
        text=ratio,
    ),
    Rule(
        name="delta_high",
        column="abs_delta",
        limit="max_delta",
        setting="max_put_delta",
        meaning="too likely to be assigned",
        label="|delta|",
        text=ratio,
        at_most=True,
        option_type="put",
    ),
    Rule(
        name="delta_high",
        column="abs_delta",
        limit="max_delta",
        setting="max_call_delta",
        meaning="too likely to be assigned",
        label="|delta|",
        text=ratio,
        at_most=True,
        option_type="call",
    ),
    Rule(
        name="in_the_money",
        column="otm",
        setting="min_otm",
        meaning="in the money, or too near to it",
        label="out of the money by",
        text=percent,
        use=Use.OPEN,
    ),
    Rule(name="bid", column="bid", setting="min_bid", meaning="bid for too little", label="bid", text=price),
    Rule(
        name="spread",
        column="spread",
        setting="max_spread",
        meaning="quoted too wide",
        label="spread over mid",
        text=percent,
        at_most=True,
    ),
    Rule(name="credit", column="premium", setting="min_credit", meaning="pay too little", label="premium", text=price),
    Rule(
        name="return",
        column="annualized_return",
        setting="min_annualized_return",
        meaning="yield too little",
        label="return a year",
        text=percent,
    ),
    Rule(
        name="prediction",
        column="objective",
        limit=-math.inf,
        meaning="without a prediction",
        label="prediction",
        text=ratio,
    ),
    Rule(
        name="open_interest",
        column="open_interest",
        setting="min_open_interest",
        meaning="hardly traded",
        label="open interest",
        zero_is_off=True,
    ),
    Rule(
        name="volume",
        column="volume",
        setting="min_volume",
        meaning="not traded enough today",
        label="volume",
        zero_is_off=True,
    ),
)

RULES = (*_CONTRACT, *TIMING, *ROOM)


def rules_of(use: Use, option_type: str) -> tuple[Rule, ...]:
    """The rules that apply to a sale of this kind, in order."""
    return tuple(rule for rule in RULES if rule.applies(use, option_type))
