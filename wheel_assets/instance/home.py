"""Choice of the Dagster instance: DAGSTER_HOME, a `dagster.yaml` here, or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from sqlalchemy.exc import DBAPIError

from wheel_assets.errors import SettingError
from wheel_assets.instance.storage import ensure_intact, unwritable


@contextmanager
def opened() -> Iterator[DagsterInstance]:
    """The instance of DAGSTER_HOME, else of a `dagster.yaml` here, else an ephemeral one.

    Raises SettingError, and StoreUnwritable where its records cannot be written, for example on a full disk.
    """
    if not (os.environ.get("DAGSTER_HOME") or Path("dagster.yaml").exists()):
        with DagsterInstance.ephemeral() as instance:
            yield instance
        return
    with tempfile.TemporaryDirectory() as scratch:
        ref = instance_ref(Path(scratch), Path(scratch))
        try:
            with DagsterInstance.from_ref(ref) as instance:
                yield instance
        except DBAPIError as error:
            raise unwritable(os.environ.get("DAGSTER_HOME") or Path.cwd(), error) from error


def named_home() -> Path | None:
    """The folder that DAGSTER_HOME names, if it is set; raises SettingError where Dagster could not use it."""
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        return None
    path = Path(home).expanduser()
    if not path.is_absolute():
        why, remedy = "it is not an absolute path", f"set it to {path.absolute()}, or unset it"
    elif not path.is_dir():
        why = "it is a file" if path.exists() else "there is no such folder"
        remedy = "set it to a folder, or unset it" if path.exists() else "create it, or unset it"
    else:
        return path
    raise SettingError(f"DAGSTER_HOME={home} is refused", why, remedy)


def instance_ref(scratch: Path, own: Path) -> InstanceRef:
    """The instance of DAGSTER_HOME, else of a `dagster.yaml` here, else one in the folder `own`, without telemetry.

    `scratch` is a folder for records that a `dagster.yaml` here does not place. Records in Dagster's own SQLite storage
    are created here, under a lock that Dagster itself does not take. Raises SettingError.
    """
    if home := named_home():
        return _prepared(InstanceRef.from_dir(str(home)))
    if Path("dagster.yaml").exists():
        return _prepared(InstanceRef.from_dir(str(scratch), config_dir=os.getcwd()))
    own.mkdir(parents=True, exist_ok=True, mode=0o700)
    storage = {"module": "wheel_assets.instance.storage", "class": "PrivateSqliteStorage"}
    ours = {
        "storage": {"custom": {**storage, "config": {"folder": str(own)}}},
        "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"},
        "freshness": {"enabled": True},
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
    }
    return InstanceRef.from_dir(str(own), overrides=ours)


def _prepared(ref: InstanceRef) -> InstanceRef:
    """The reference, after its records are created or repaired where they are Dagster's own SQLite."""
    kept = ref.storage_data
    if kept and kept.class_name == DagsterSqliteStorage.__name__:
        ensure_intact(Path(kept.config_dict["base_dir"]).absolute())
    return ref
