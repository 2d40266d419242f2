"""Values between the steps of a scan: small JSON documents in its folder or bucket, readable by every worker."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from upath import UPath


class StepValues(dg.UPathIOManager):
    """Plain values of ops as JSON, by run and step; those of runs that ended well are removed by later ones."""

    extension = ".json"

    def dump_to_path(self, context: dg.OutputContext, obj: Any, path: UPath) -> None:
        """Write one value."""
        path.write_text(json.dumps(obj))

    def load_from_path(self, context: dg.InputContext, path: UPath) -> Any:
        """Read one value."""
        return json.loads(path.read_text())

    def forget(self, instance: dg.DagsterInstance) -> None:
        """Remove step values of finished runs; those of a failed run stay, because it may be re-executed from there."""
        for folder in self._base_path.iterdir() if self._base_path.exists() else ():
            run = instance.get_run_by_id(folder.name)
            if run is None or run.status is dg.DagsterRunStatus.SUCCESS:
                with suppress(FileNotFoundError):  # another process was first
                    folder.fs.rm(folder.path, recursive=True)
