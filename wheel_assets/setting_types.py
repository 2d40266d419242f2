"""A group of settings: what `settings` and `vendors` declare theirs with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_settings import PydanticBaseSettingsSource

from wheel_assets.errors import SettingError

OWN_FILE = "~/.wheel_trading/wheel.toml"  # the user's own settings, wherever the command is run


def own_file() -> str | None:
    """Path of the user's own settings; None where there is no home folder."""
    path = os.path.expanduser(OWN_FILE)
    return None if path.startswith("~") else path


class Section(BaseModel):
    """A group of settings; a misspelt name is refused instead of ignored."""

    # Built together with Settings: building each on its own too would double the time of this import.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        """Refuse `true` where a number is wanted: Python takes it for 1."""
        wanted = str(cls.model_fields[info.field_name or ""].annotation)
        if isinstance(value, bool) and "bool" not in wanted:
            raise ValueError("true and false are no numbers")
        return value

    @classmethod
    def guarded(cls) -> dict[str, Any]:
        """The defaults of the fields that decide where a secret goes, by name; none where there is no secret."""
        if not any("SecretStr" in str(field.annotation) for field in cls.model_fields.values()):
            return {}
        return {name: field.default for name, field in cls.model_fields.items() if field.json_schema_extra == _GUARDED}


_GUARDED: dict[str, Any] = {"guarded": True}  # in a section with a secret, not taken from the working directory


def section() -> Any:
    """A field that holds a section with its defaults."""
    return Field(default_factory=dict, validate_default=True)


def address(default: str | None, meaning: str = "address", pattern: str = r"^https?://") -> Any:
    """The base URL of a vendor."""
    return Field(default, pattern=pattern, description=meaning, json_schema_extra=_GUARDED)


def secret(meaning: str) -> Any:
    """A key or token; its annotation is `SecretStr | None`."""
    return Field(None, description=meaning)


def token_file(name: str, meaning: str) -> Any:
    """Where a login is kept, in the user's own folder."""
    return Field(Path("~/.wheel_trading", name), description=meaning, json_schema_extra=_GUARDED)


class Guarded(PydanticBaseSettingsSource):
    """A source in the working directory, which may be anybody's: it does not decide where secrets go.

    Otherwise, unpacking an archive and running `wheel` in it would send keys and tokens to an address that
    someone else wrote down.
    """

    def __init__(self, source: PydanticBaseSettingsSource, file: str) -> None:
        super().__init__(source.settings_cls)
        self._source, self._file = source, file

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Not asked for: everything is read at once."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        """What the source says; raises SettingError where that sends a secret elsewhere than to its vendor."""
        values = self._source()
        for name, field in self.settings_cls.model_fields.items():
            kind, given = field.annotation, values.get(name)
            if isinstance(kind, type) and issubclass(kind, Section) and isinstance(given, dict):
                self._check(name, kind, given)
        return values

    def _check(self, name: str, kind: type[Section], given: dict[str, Any]) -> None:
        for sub, default in kind.guarded().items():
            if sub in given and str(given[sub]) != str(default):
                what = f"WHEEL_{name}__{sub}".upper() + f" in {self._file} of this folder is refused"
                why = "it decides where keys and tokens go, and anybody may have written that file"
                raise SettingError(what, why, f"set it in the environment or in {OWN_FILE}")
