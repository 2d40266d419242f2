"""Rules of when to sell: events, what the model expects, where volatility stands, how the day went."""

from __future__ import annotations

from wheel_assets.recommend.rules.rule import Rule, Use
from wheel_assets.recommend.wording import percent

TIMING: tuple[Rule, ...] = (
    Rule(
        name="expectation",
        column="expected_return",
        limit="least_expected",
        setting="negative_expectation",
        meaning="expected to lose",
        label="mean profit of the model",
        text=percent,
        use=Use.OPEN,
    ),
    Rule(
        name="event",
        column="event_days",
        limit="event_least",
        setting="events",
        meaning="held over earnings",
        label="days to earnings",
        absent="date of the next earnings unknown",
    ),
    Rule(
        name="iv_rank",
        column="iv_rank",
        setting="min_iv_rank",
        meaning="of too low an IV rank",
        label="IV rank",
        text=percent,
        use=Use.OPEN,
    ),
    Rule(
        name="iv_percentile",
        column="iv_percentile",
        setting="min_iv_percentile",
        meaning="of too low an IV percentile",
        label="IV percentile",
        text=percent,
        use=Use.OPEN,
    ),
    Rule(
        name="move",
        column="move",
        limit="least_move",
        setting="put_days",
        meaning="not sold after a day that did not fall enough",
        label="fall of the day",
        text=percent,
        use=Use.OPEN,
        option_type="put",
    ),
    Rule(
        name="move",
        column="move",
        limit="least_move",
        setting="call_days",
        meaning="not sold after a day that did not rise enough",
        label="rise of the day",
        text=percent,
        use=Use.OPEN,
        option_type="call",
    ),
)
