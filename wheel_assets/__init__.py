"""What should I do now? The options wheel, answered on demand from one local cache."""

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
