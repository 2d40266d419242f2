"""The wheel's rules as settings: `WHEEL_STRATEGY__…`, the section `[strategy]` of `wheel.toml`.

A profile is a set of defaults; what is set besides it comes first. A symbol may have rules of its own:
`WHEEL_STRATEGY__SYMBOLS__SMCI__MAX_PUT_DELTA=0.2`, or `[strategy.symbols.SMCI]`. Settings that contradict each other
are refused with both names. What the rules do with them: docs/strategy.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import (
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode

from wheel_assets.setting_types import Section
from wheel_assets.strategy.profiles import PROFILES, followers

Judgement = Literal["refuse", "warn", "ignore"]

# Of the whole account, and therefore not to be set for a single symbol.
FOR_ALL = frozenset(
    {
        *("profile", "symbols", "groups", "price", "commission", "tail_weight", "cash_reserve", "max_new_collateral"),
        *("max_new_collateral_day", "max_group_share", "max_correlation", "secured_by"),
    }
)

# The later of each pair must not be below (`>=`), must be above (`>`), must not be above (`<=`) or must be below (`<`)
# the earlier. What goes wrong otherwise stands beside it.
_ORDER: tuple[tuple[str, str, str, str], ...] = (
    ("max_days", ">=", "min_days", "no expiration could be sold"),
    ("target_days", ">=", "min_days", "the target lies outside of what may be sold"),
    ("target_days", "<=", "max_days", "the target lies outside of what may be sold"),
    ("max_put_delta", ">=", "min_delta", "no put could be sold"),
    ("max_call_delta", ">=", "min_delta", "no call could be sold"),
    ("max_strike", ">=", "min_strike", "no strike could be sold"),
    ("close_price", "<", "min_credit", "what is sold today would be bought back at once"),
    ("min_remaining_return", "<", "min_annualized_return", "what is sold today would be bought back at once"),
    ("roll_days", "<", "min_days", "what is sold today would be managed at once"),
    ("roll_delta", ">", "max_put_delta", "what is sold today would be managed at once"),
    ("roll_delta", ">", "max_call_delta", "what is sold today would be managed at once"),
    ("max_roll_days", ">=", "min_days", "nothing could be rolled into"),
    ("max_new_collateral_day", ">=", "max_new_collateral", "a run may not open more than a day"),
)
_WORDS = {">=": "below", ">": "not above", "<=": "above", "<": "not below"}


def _broken(value: float, relation: str, other: float) -> bool:
    above, below = value > other, value < other
    return {">=": below, ">": not above, "<=": above, "<": not below}[relation]


class StrategySettings(Section):
    """The wheel's rules."""

    model_config = ConfigDict(validate_default=True)

    profile: Literal["conservative", "balanced", "aggressive"] = Field(
        "balanced", description="set of defaults for everything below"
    )
    # What may be sold.
    trade: bool = Field(True, description="whether anything new is sold; what is open is managed in any case")
    min_days: int = Field(30, ge=0, le=1000, description="nearest expiration to sell, calendar days")
    max_days: int = Field(45, ge=1, le=1000, description="farthest expiration to sell, calendar days")
    target_days: int | None = Field(
        None, ge=0, le=1000, description="expiration to prefer, calendar days; only the nearest to it is sold"
    )
    min_delta: float = Field(0.10, ge=0, le=1, description="least |delta| to sell")
    max_put_delta: float = Field(0.30, gt=0, le=1, description="greatest |delta| of a put to sell")
    max_call_delta: float = Field(0.30, gt=0, le=1, description="greatest delta of a call to sell")
    min_otm: float = Field(
        0.0, ge=-1, le=1, description="least distance of the strike out of the money, share of the price"
    )
    min_strike: float | None = Field(None, gt=0, description="least strike to sell, dollars a share")
    max_strike: float | None = Field(None, gt=0, description="greatest strike to sell, dollars a share")
    min_open_interest: int = Field(10, ge=0, le=10_000_000, description="least open interest, contracts")
    min_volume: int = Field(0, ge=0, le=10_000_000, description="least volume of the day, contracts")
    max_spread: float = Field(0.25, gt=0, le=2, description="(ask - bid) / mid above which a quote is too wide")
    min_bid: float = Field(0.05, ge=0, le=1000, description="least bid, dollars a share")
    min_credit: float = Field(
        0.10, ge=0, le=1000, description="least premium, or net credit of a roll, dollars a share"
    )
    min_annualized_return: float = Field(
        0.08, ge=0, le=10, description="least credit over collateral, decimal a year, after commission"
    )
    min_iv_rank: float | None = Field(
        None, ge=0, le=1, description="least rank of implied volatility between the year's low and high, 0 to 1"
    )
    min_iv_percentile: float | None = Field(
        None, ge=0, le=1, description="least share of the year's days with a lower implied volatility, 0 to 1"
    )
    put_days: Literal["any", "red"] = Field("any", description="days to sell puts on: any, or only when the price fell")
    call_days: Literal["any", "green"] = Field(
        "any", description="days to sell calls on: any, or only when the price rose"
    )
    min_move: float = Field(0.0, ge=0, le=1, description="least move since the close before, share of the price")
    min_move_sigmas: float = Field(
        0.0, ge=0, le=10, description="least move since the close before, in daily standard deviations"
    )
    events: Judgement = Field("refuse", description="what earnings inside the holding period do to a sale")
    unknown_events: Judgement = Field("warn", description="what an unknown date of the next earnings does to a sale")
    negative_expectation: Judgement = Field(
        "warn", description="what a mean profit of the model below zero does to a sale"
    )
    # Calls over shares.
    call_basis: Literal["broker", "net", "higher", "lower", "none"] = Field(
        "broker", description="cost of the shares that calls are not struck below: the broker's, or net of premiums"
    )
    max_coverage: float = Field(1.0, ge=0, le=1, description="most of the shares to sell calls on, share of them")
    keep_shares: int = Field(0, ge=0, le=10_000_000, description="shares that are never sold calls on")
    excess_only: bool = Field(False, description="whether calls are sold only on shares above the symbol's weight")
    # What is open.
    take_profit: float = Field(0.50, gt=0, le=1, description="close once this share of the premium is earned")
    profit_tiers: Annotated[tuple[tuple[int, float], ...], NoDecode] = Field(
        (), description="other shares to close at by days left, for example 40:0.3,21:0.5; take_profit below the last"
    )
    min_remaining_return: float = Field(
        0.02, ge=0, le=10, description="close a winner when less is left to earn, decimal a year on collateral"
    )
    close_price: float = Field(
        0.05, ge=0, le=10, description="close at or below this ask, dollars a share: hardly anything is left to earn"
    )
    loss_stop: float | None = Field(
        None, gt=1, le=100, description="close once buying back costs this multiple of the premium received"
    )
    roll_days: int = Field(21, ge=0, le=365, description="manage this close to expiration, calendar days")
    roll_delta: float = Field(0.70, gt=0, le=1, description="manage from this |delta| on")
    roll_time_value: float = Field(
        0.02, ge=0, le=10, description="manage in the money at or below this time value, dollars a share"
    )
    max_manage_days: int | None = Field(
        None, ge=0, le=1000, description="longest days to expiration at which a position is rolled"
    )
    min_roll_profit: float | None = Field(
        None, ge=-100, le=1, description="least share of the premium earned for a roll; a loss is below 0"
    )
    max_roll_days: int = Field(60, ge=1, le=1000, description="farthest expiration to roll into, calendar days")
    high_water_mark: bool = Field(False, description="whether a call never rolls to a lower strike")
    close_if_no_roll: bool = Field(False, description="whether what needs rolling and cannot be rolled is closed")
    early_assignment: Literal["manage", "accept"] = Field(
        "manage", description="what to do before an ex-date that makes exercise of a call likely"
    )
    pin_distance: float = Field(
        0.01, ge=0, le=0.5, description="distance to the strike that is a pin risk on the last day, share of the price"
    )
    # Costs and ranking.
    price: Literal["bid", "mid"] = Field("bid", description="premium that a sale is valued at")
    commission: float = Field(0.65, ge=0, le=100, description="commission of a contract, each way, dollars")
    tail_weight: float = Field(
        1.0, ge=0, le=100, description="weight in the ranking of what the worst 5 % cost on average; 0 ignores it"
    )
    # The account.
    secured_by: Literal["cash", "margin"] = Field("cash", description="what stands behind a put")
    cash_reserve: float = Field(
        0.10, ge=0, le=1, description="cash that is never put behind a new put, share of the portfolio"
    )
    max_new_collateral: float = Field(
        0.25, gt=0, le=1, description="most new collateral of puts in one answer, share of the portfolio"
    )
    max_new_collateral_day: float = Field(
        0.25, gt=0, le=1, description="most new collateral of puts on one day, share of the portfolio"
    )
    max_symbol_share: float = Field(
        0.25, gt=0, le=1, description="most of the portfolio behind one symbol, shares and collateral"
    )
    weight: float | None = Field(
        None, ge=0, le=1, description="share of the portfolio meant for a symbol; puts are sold up to it"
    )
    max_group_share: float = Field(
        0.50, gt=0, le=1, description="most of the portfolio behind one group, or behind symbols that move together"
    )
    max_correlation: float = Field(
        0.80, gt=0, le=1, description="correlation of daily returns from which symbols count as one group; 1 never"
    )
    kelly: float | None = Field(
        None, gt=0, le=1, description="most collateral as a fraction of Kelly's, for example 0.5; off if not set"
    )
    groups: dict[str, Annotated[tuple[str, ...], NoDecode]] = Field(
        {}, description="symbols that share a risk, by name of the group: WHEEL_STRATEGY__GROUPS__CHIPS=NVDA,AMD"
    )
    symbols: dict[str, dict[str, Any]] = Field({}, description="settings of single symbols, by symbol and name")

    _of_symbols: dict[str, StrategySettings] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_profile(cls, given: Any) -> Any:
        """What the profile sets, and over it what is given; what is not given follows what it depends on."""
        if not isinstance(given, Mapping):
            return given
        known = PROFILES.get(str(given.get("profile")), {}) | dict(given)
        return {name: value for name, value in followers(known).items() if name not in known} | known

    @field_validator("profit_tiers", mode="before")
    @classmethod
    def _tiers(cls, value: Any) -> Any:
        """`40:0.3, 21:0.5` to ((40, 0.3), (21, 0.5)), most days first."""
        parts = [part.split(":") for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        try:
            tiers = [(int(days), float(share)) for days, share in parts]
        except (TypeError, ValueError) as error:
            raise ValueError("it is not of the form days:share,days:share") from error
        if any(days < 0 or not 0 < share <= 1 for days, share in tiers):
            raise ValueError("days are at least 0, shares above 0 and at most 1")
        return tuple(sorted(tiers, reverse=True))

    @field_validator("groups", mode="before")
    @classmethod
    def _members(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        split = {k: v.split(",") if isinstance(v, str) else v for k, v in value.items()}
        return {k: tuple(str(symbol).strip().upper() for symbol in v) for k, v in split.items()}

    @field_validator("*")
    @classmethod
    def _in_order(cls, value: Any, info: ValidationInfo) -> Any:
        for name, relation, other, why in _ORDER:
            bound = info.data.get(other)
            if name == info.field_name and bound is not None and value and _broken(value, relation, bound):
                raise ValueError(f"it is {_WORDS[relation]} WHEEL_STRATEGY__{other.upper()}={bound}: {why}")
        return value

    @field_validator("symbols", mode="before")
    @classmethod
    def _own_names(cls, value: Any) -> Any:
        """The settings of single symbols, names in lower case, each one that may be set so."""
        if not isinstance(value, Mapping):
            return value
        own = {k.upper(): {n.lower(): v for n, v in settings.items()} for k, settings in value.items()}
        known = sorted(set(cls.model_fields) - FOR_ALL)
        for symbol, settings in own.items():
            for name in settings:
                if name not in known:
                    near = get_close_matches(name, known, 1)
                    hint = f"; did you mean {near[0]}?" if near else ""
                    raise ValueError(f"{name} of {symbol} is not a setting of a single symbol{hint}")
        return own

    @model_validator(mode="after")
    def _built_for_symbols(self) -> StrategySettings:
        whole = self.model_dump(exclude={"symbols"})
        for symbol, own in self.symbols.items():
            try:
                self._of_symbols[symbol] = StrategySettings(**(whole | own))
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                name = ".".join(str(part) for part in first["loc"])
                raise ValueError(f"{name} of {symbol}: {first['msg'].removeprefix('Value error, ')}") from None
        return self

    def of(self, symbol: str) -> StrategySettings:
        """The settings of one symbol."""
        return self._of_symbols.get(symbol, self)

    def profit_needed(self, days: float) -> float:
        """Share of the premium that has to be earned to close with so many days left."""
        return next((share for least, share in self.profit_tiers if days >= least), self.take_profit)
