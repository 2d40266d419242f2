"""All settings of a process: where they are read, in which order, and how a wrong one is refused.

The settings themselves are declared in `sections`, `strategy` and `vendors`.

Order of precedence: environment variables, `.env` and `wheel.toml` of the working directory, the user's own
`~/.wheel_trading/wheel.toml`, the defaults here. What decides where a secret goes (the addresses and token
files of vendors that get one) is not taken from the working directory. Prefix `WHEEL_`,
nesting `__`: `WHEEL_CACHE__TTL_DAYS=14` is `[cache] ttl_days = 14` in `wheel.toml`.
"""

from __future__ import annotations

import os
import re
import tomllib
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, TypeVar

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from wheel_assets.errors import BadSymbol, SettingError, UsageError
from wheel_assets.sanitise import account_alias, without_credentials
from wheel_assets.sections import (
    BackupSettings,
    BrokerSettings,
    BudgetSettings,
    CacheSettings,
    EventsSettings,
    MarketSettings,
    MaxAgeSettings,
    MigrateSettings,
    RateSettings,
    ScanSettings,
)
from wheel_assets.setting_types import OWN_FILE, Guarded, Section, own_file, section
from wheel_assets.strategy import StrategySettings
from wheel_assets.vendor import BROKER, ROLES, TRANSACTIONS, Vendor
from wheel_assets.vendors import VENDORS, vendor_named

# OSI: a root is at most six characters; a dot separates a share class and is not part of the root.
TICKER = re.compile(r"[A-Z][A-Z0-9]{0,5}(\.[A-Z])?")

ACCOUNT = r"^[\w.-]{1,64}$"


def checked_symbol(symbol: str) -> str:
    """The ticker in upper case; raises BadSymbol for what no option root can be made of.

    >>> checked_symbol(" smci ")
    'SMCI'
    """
    ticker = symbol.strip().upper()
    if not TICKER.fullmatch(ticker) or len(ticker.replace(".", "")) > 6:
        raise BadSymbol(
            f"{symbol[:40]!r} is not a symbol", "tickers are 1 to 6 letters or digits", "for example SMCI or BRK.B"
        )
    return ticker


def checked_account(account: str) -> str:
    """The alias of an account, see `sanitise.account_alias`; raises UsageError for what no broker calls an account."""
    if not re.fullmatch(ACCOUNT, account):
        raise UsageError(
            f"account {account[:40]!r} is refused", "letters, digits, dot and dash only", "see WHEEL_ACCOUNT_ID"
        )
    return account_alias(account)


AccountAlias = Annotated[str, AfterValidator(account_alias)]

_Section = TypeVar("_Section", bound=Section)


class Settings(BaseSettings):
    """All settings; `load_settings`, which adds the vendors' sections, is the way to get one."""

    model_config = SettingsConfigDict(
        env_prefix="WHEEL_",
        env_nested_delimiter="__",
        env_file=".env",
        toml_file="wheel.toml",
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    symbols: Annotated[tuple[str, ...], NoDecode] = Field(
        ("U",), min_length=1, max_length=500, description="watchlist, comma-separated"
    )
    account_id: AccountAlias = Field(
        "default",
        validation_alias=AliasChoices("WHEEL_ACCOUNT_ID", "ACCOUNT_ID"),
        pattern=ACCOUNT,
        description="account number, or `...` and its last digits; `default` is the broker's only account",
    )
    portfolio_value: float | None = Field(
        None,
        validation_alias=AliasChoices("WHEEL_PORTFOLIO_VALUE", "PORTFOLIO_VALUE"),
        gt=0,
        le=1e12,
        description="dollars to size against; the account's liquidation value if not set",
    )
    cache: CacheSettings = section()
    backup: BackupSettings = section()
    migrate: MigrateSettings = section()
    max_age: MaxAgeSettings = section()
    market: MarketSettings = section()
    broker: BrokerSettings = section()
    events: EventsSettings = section()
    rate: RateSettings = section()
    budget: BudgetSettings = section()
    scan: ScanSettings = section()
    strategy: StrategySettings = section()

    @field_validator("symbols", mode="before")
    @classmethod
    def _split(cls, value: Any) -> tuple[str, ...]:
        """`U, smci` to ("U", "SMCI"), each once, in the order given."""
        parts = value.split(",") if isinstance(value, str) else value
        if not any(str(part).strip() for part in parts):
            raise ValueError("it is empty: name at least one symbol, for example U")
        try:
            return tuple(dict.fromkeys(checked_symbol(part) for part in parts if str(part).strip()))
        except BadSymbol as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _complete(self) -> Settings:
        """Refuse a vendor without what it needs at once, not when it is first asked."""
        for role in ROLES:
            vendor = self.chosen(role)
            for need in vendor.needs:
                if need.role in (None, role) and not self.value(need.variable):
                    why = f"WHEEL_{role.upper()}__SOURCE={vendor.name} needs it"
                    raise SettingError(f"{need.variable} is not set", why, need.remedy)
        return self

    def chosen(self, role: str) -> Vendor:
        """The vendor that is to be asked in a role; the broker for the transactions."""
        return vendor_named(getattr(self, BROKER if role == TRANSACTIONS else role).source)

    def value(self, name: str) -> Any:
        """The value of a setting, by the name of its variable; raises AttributeError where there is none."""
        value: Any = self
        for part in name.removeprefix("WHEEL_").lower().split("__"):
            value = getattr(value, part)
        return value

    def of(self, kind: type[_Section]) -> _Section:
        """The section of that kind, such as a vendor's; raises KeyError where there is none."""
        found: dict[type, Any] = {type(value): value for _, value in self}
        section: _Section = found[kind]
        return section

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Explicit arguments, the environment, `.env` and `wheel.toml` of this folder, the user's own file."""
        here = TomlConfigSettingsSource(settings_cls)
        own = TomlConfigSettingsSource(settings_cls, own_file())
        return init_settings, env_settings, Guarded(dotenv_settings, ".env"), Guarded(here, "wheel.toml"), own


@cache
def settings_class() -> type[Settings]:
    """`Settings` with the section of every vendor that has one, under its name."""
    sections: dict[str, Any] = {v.name: (v.settings, section()) for v in VENDORS if v.settings}
    return create_model("Settings", __base__=Settings, **sections)


# Names of symbols and groups follow these.
_OPEN_NAMES = ("WHEEL_STRATEGY__SYMBOLS__", "WHEEL_STRATEGY__GROUPS__")


def load_settings(**overrides: Any) -> Settings:
    """The settings in force in this process; `overrides` come before every other source.

    Raises SettingError, naming the variable, its value and what is allowed. Values of secrets are
    never repeated. A variable with our prefix that is no setting is refused: most are misspelt.
    """
    _refuse_unknown()
    try:
        return settings_class()(**overrides)
    except ValidationError as error:
        raise _setting_error(error) from None
    except (OSError, ValueError) as error:
        raise SettingError(
            "the settings cannot be read", f"{error}", "correct .env or wheel.toml in this folder"
        ) from error


def variable_names() -> dict[str, str]:
    """Every environment variable and its description, in the order declared."""
    names: dict[str, str] = {}
    for name, field in settings_class().model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            names |= {f"WHEEL_{name}__{sub}".upper(): f.description or "" for sub, f in section.model_fields.items()}
        else:
            names[f"WHEEL_{name}".upper()] = field.description or ""
    return names


def _refuse_unknown() -> None:
    """Raise SettingError for the first name that is no setting, wherever it stands, with the nearest that is.

    What stands in a known section of a file is refused when that section is built.
    """
    sections = {f"WHEEL_{name}".upper() for name in settings_class().model_fields}
    known = set(variable_names()) | sections
    files = {
        "the environment": list(os.environ),
        ".env": list(dotenv_values(".env")) if os.path.isfile(".env") else [],
        "wheel.toml": [f"WHEEL_{name}" for name in _top_of("wheel.toml")],
        OWN_FILE: [f"WHEEL_{name}" for name in _top_of(own_file())],
    }
    for where, names in files.items():
        for name in sorted(name for name in names if name.upper().startswith("WHEEL_")):
            if name.upper() not in known and not name.upper().startswith(_OPEN_NAMES):
                shown = name if "toml" not in where else name.removeprefix("WHEEL_")
                near = get_close_matches(name.upper(), sorted(known), 1)
                hint = f"did you mean {near[0]}?" if near else "see `wheel config` for all of them"
                raise SettingError(f"{shown} is not a setting", f"it is set in {where}", hint)


def _top_of(file: str | None) -> list[str]:
    """The names at the top of a TOML file; none where there is none or it cannot be read, which is refused later."""
    if file is None:
        return []
    try:
        with open(file, "rb") as opened:
            return list(tomllib.load(opened))
    except (OSError, ValueError):
        return []


def _setting_error(error: ValidationError) -> SettingError:
    """The first validation error, by the setting's own name."""
    first = error.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"] if not isinstance(part, int)]
    name = path[0] if path[0].isupper() else "WHEEL_" + "__".join(path).upper()
    known = variable_names()
    if name not in known and first["type"] == "extra_forbidden":
        near = get_close_matches(name, sorted(known), 1)
        hint = f"did you mean {near[0]}?" if near else "see `wheel config` for all of them"
        return SettingError(f"{name} is not a setting", "", hint)
    secret = any(word in name for word in ("KEY", "SECRET", "TOKEN"))
    value = "" if secret else f"={without_credentials(str(first['input']))[:60]}"
    return SettingError(
        f"{name}{value} is refused",
        first["msg"].removeprefix("Value error, "),
        f"it is: {known.get(name, 'a group of settings')}",
    )
