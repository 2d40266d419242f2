"""Advice on the options wheel, pulled on demand through one local cache.

The flow, each stage a Dagster asset with a freshness policy equal to its cache age limit:

    option_chains ─→ greeks ─→ predictions ─┐
    positions ──────────────────────────────┼─→ recommendation
    events, transactions, risk_free_rate ───┘

A stage is loaded from `cache` where it is fresh; where not, `fetch` asks a vendor, or `greeks`, `predict`
and `recommend` compute it anew. `defs` declares the stages, `storage` reads the cache from Python without Dagster,
`show` renders an answer, `commands` are those of `wheel`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wheel_assets.storage.storage import CacheConfig, Storage, StorageConfig

__all__ = ["CacheConfig", "Storage", "StorageConfig"]


def __getattr__(name: str) -> Any:
    """The public Python API, imported when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from wheel_assets.storage import storage

    return getattr(storage, name)
