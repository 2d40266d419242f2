"""What is declared of a vendor: the words in which `wheel_assets.vendors` describes every one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wheel_assets.setting_types import Section

# What a vendor can be asked for; the first four are named as the sections of the settings that choose the vendor.
MARKET, BROKER, RATE, EVENTS = ROLES = ("market", "broker", "rate", "events")
TRANSACTIONS = "transactions"  # asked of the broker, where it has them
RANKS = "ranks"  # of volatility: asked of a vendor chosen for something else that knows them


@dataclass(frozen=True)
class Need:
    """A variable that a vendor cannot do without, in a role or (None) in all, and where a person finds its value."""

    variable: str
    remedy: str
    role: str | None = None


@dataclass(frozen=True)
class Limit:
    """The pace that is kept to: at most `calls` requests in any `seconds`."""

    calls: int
    seconds: float

    def __str__(self) -> str:
        """In words, such as `100 requests a minute`."""
        period = {1.0: "a second", 60.0: "a minute"}.get(self.seconds, f"in {self.seconds:g} seconds")
        return f"{self.calls} request{'s' if self.calls > 1 else ''} {period}"


def _base_url(vendor: Vendor, settings: Any, role: str) -> str:
    """The address that is asked; another host is another source."""
    return getattr(settings, vendor.name).base_url if vendor.settings else ""


def file_version(path: Path | None) -> str:
    """A file or a folder of files and when each was written: an edited file is another file. Empty for none."""
    if path is None or not path.expanduser().exists():
        return ""
    path = path.expanduser()
    parts = sorted(path.iterdir()) if path.is_dir() else [path]
    return f"{path} {' '.join(str(part.stat().st_mtime_ns) for part in parts)}"


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """One source of data.

    `name` is what settings, ledger and cache call it; `sources` names, by role, the function of a module
    of `fetch` that opens it (`module:function`, see `fetch.source.Access`); `settings` is its section, None
    where it sends no request; `login` the function behind `wheel login` (see `fetch.login`); `fingerprint` what
    its data depends on besides its name, of (vendor, settings, role). The rest is for people: `title` what
    it gives, `usage` and `monthly_usd` the plan of what it costs, `limit` the pace that is kept to,
    `access` what a user needs, `freshness` how old its data is when it comes.
    """

    name: str
    title: str
    sources: Mapping[str, str]
    settings: type[Section] | None = None
    needs: tuple[Need, ...] = ()
    login: str | None = None
    fingerprint: Callable[[Vendor, Any, str], str] = _base_url
    usage: str = ""
    monthly_usd: float = 0
    limit: Limit | None = None
    access: str = "nothing"
    freshness: str = ""

    @property
    def remote(self) -> bool:
        """Whether it is asked over the network."""
        return self.settings is not None
