"""The settings, shown: a table of those in force, and a commented `wheel.toml`."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from wheel_assets.sanitise import masked_account, without_credentials
from wheel_assets.setting_types import Section
from wheel_assets.settings import Settings, settings_class, variable_names


def example_toml() -> str:
    """A `wheel.toml` with every setting at its default, its meaning above it, all commented out."""
    top, groups = ["# wheel.toml: take the # away from what you want to set otherwise."], []
    for name, field in settings_class().model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            lines = [line for sub, own in kind.model_fields.items() for line in _example_lines(sub, own)]
            groups += ["", f"# [{name}]", *lines]
        else:
            top += _example_lines(name, field)
    return "\n".join([*top, *groups])


def _example_lines(name: str, field: Any) -> list[str]:
    default = field.get_default(call_default_factory=True)
    if default is None:
        return [f"# {field.description or name}; not set", f"# {name} ="]
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
    if isinstance(shown, bool):
        value = str(shown).lower()
    else:
        value = (
            str(shown) if isinstance(shown, int | float) else "{}" if isinstance(shown, dict) else f'"{shown or ""}"'
        )
    return [f"# {field.description or name}", f"# {name} = {value}"]


def effective(settings: Settings) -> list[tuple[str, str, str]]:
    """Name, value and meaning of every setting; a secret is shown only as set or not set."""
    rows = []
    for name, meaning in variable_names().items():
        value = settings.value(name)
        shown = ",".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
        shown = masked_account(shown) if name == "WHEEL_ACCOUNT_ID" else without_credentials(shown)
        rows.append((name, "(set, hidden)" if isinstance(value, SecretStr) else shown, meaning))
    return rows
