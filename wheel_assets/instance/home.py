"""Which instance of Dagster a long-running server works on."""

from __future__ import annotations

import os
from pathlib import Path

from dagster._core.instance.ref import InstanceRef

from wheel_assets.errors import SettingError


def instance_ref(scratch: Path, own: Path) -> InstanceRef:
    """That of DAGSTER_HOME, else of a `dagster.yaml` here, else one in the folder `own`, without telemetry.

    `scratch` is a folder for what a `dagster.yaml` here does not place. Raises SettingError.
    """
    if home := os.environ.get("DAGSTER_HOME"):
        if not Path(home).is_dir():
            raise SettingError(f"DAGSTER_HOME={home} is refused", "there is no such folder", "make it, or unset it")
        return InstanceRef.from_dir(os.path.abspath(home))
    if Path("dagster.yaml").exists():
        return InstanceRef.from_dir(str(scratch), config_dir=os.getcwd())
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    storage = {"module": "wheel_assets.instance.storage", "class": "PrivateSqliteStorage"}
    ours = {
        "storage": {"custom": {**storage, "config": {"folder": str(own)}}},
        "freshness": {"enabled": True},
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
    }
    return InstanceRef.from_dir(str(own), overrides=ours)
