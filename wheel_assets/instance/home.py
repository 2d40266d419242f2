"""Which instance of Dagster a long-running server works on."""

from __future__ import annotations

import os
from pathlib import Path

from dagster._core.instance.ref import InstanceRef

from wheel_assets.errors import SettingError


def named_home() -> Path | None:
    """The folder that DAGSTER_HOME names, if it is set; raises SettingError where Dagster could not use it."""
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        return None
    path = Path(home).expanduser()
    if not path.is_absolute():
        why, remedy = "it is not a whole path", f"set it to {path.absolute()}, or unset it"
    elif not path.is_dir():
        why = "it is a file" if path.exists() else "there is no such folder"
        remedy = "name a folder, or unset it" if path.exists() else "make it, or unset it"
    else:
        return path
    raise SettingError(f"DAGSTER_HOME={home} is refused", why, remedy)


def instance_ref(scratch: Path, own: Path) -> InstanceRef:
    """That of DAGSTER_HOME, else of a `dagster.yaml` here, else one in the folder `own`, without telemetry.

    `scratch` is a folder for what a `dagster.yaml` here does not place. Raises SettingError.
    """
    if home := named_home():
        return InstanceRef.from_dir(str(home))
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
