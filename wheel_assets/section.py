"""A group of settings: what `settings` and `vendors` declare theirs with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A group of settings; a misspelt name is refused instead of ignored."""

    # Built together with Settings: building each on its own too would double the time of this import.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


def section() -> Any:
    """A field that holds a section with its defaults."""
    return Field(default_factory=dict, validate_default=True)


def address(default: str | None, meaning: str = "address") -> Any:
    """The base URL of a vendor."""
    return Field(default, pattern=r"^https?://", description=meaning)


def secret(meaning: str) -> Any:
    """A key or token; its annotation is `SecretStr | None`."""
    return Field(None, description=meaning)


def token_file(name: str, meaning: str) -> Any:
    """Where a login is kept, in the user's own folder."""
    return Field(Path("~/.wheel_trading", name), description=meaning)
