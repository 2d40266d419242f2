"""Pasted tokens on disk: one JSON file per vendor, mode 0600."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from wheel_assets.errors import LoginExpired, SourceError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_secrets(path: Path, vendor: str, *names: str) -> dict[str, str]:
    """The named secrets in a file that `keep_secrets` wrote; raises LoginExpired where they cannot be had."""
    path, remedy = path.expanduser(), f"run `wheel login {vendor}`"
    try:
        if path.stat().st_mode & _OTHERS:
            why, remedy = f"{path} can be read by others", f"run `chmod 600 {path}`"
            raise LoginExpired(f"the {vendor} login is refused", why, remedy, source=vendor)
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise LoginExpired(f"there is no {vendor} login", f"{path} does not exist", remedy, source=vendor) from None
    except OSError as error:
        why = f"{path}: {error.strerror}"
        raise LoginExpired(f"the {vendor} login cannot be read", why, remedy, source=vendor) from None
    except ValueError:
        raise LoginExpired(
            f"the {vendor} login is damaged", f"{path} cannot be parsed", remedy, source=vendor
        ) from None
    found = {name: document.get(name) for name in names} if isinstance(document, dict) else {}
    if not found or not all(isinstance(value, str) and value for value in found.values()):
        raise LoginExpired(f"the {vendor} login is damaged", f"{path} cannot be parsed", remedy, source=vendor)
    return {name: str(value) for name, value in found.items()}


def keep_secrets(path: Path, vendor: str, secrets: Mapping[str, str]) -> None:
    """Put the file in place in one step, mode 0600, in a folder of mode 0700; raises SourceError where it cannot."""
    path = path.expanduser()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent, prefix=".wheel_") as folder:
            draft = Path(folder, path.name)
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(dict(secrets)))
            os.replace(draft, path)
    except OSError as error:
        why, remedy = f"{path}: {error.strerror}", "let this user write to its folder"
        raise SourceError(f"the {vendor} login cannot be saved", why, remedy, source=vendor) from None
