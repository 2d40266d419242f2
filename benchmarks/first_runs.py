"""First users of Dagster's records at the same moment, time after time: how many fail, and is the folder broken then?

    python benchmarks/first_runs.py [--times 8] [--users 4] [--keep]

`clone`: Dagster itself in a folder with our `dagster.yaml`, as `dagster asset materialize` and `dagster dev` come in.
`home`: our commands with a DAGSTER_HOME that holds no configuration. `stock`: Dagster itself with such a home, as
measured before; `then wheel`: whether one of our commands gets in after that.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = "from wheel_assets.instance.home import opened as instance"
OF_FOLDER = """
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
instance = lambda: DagsterInstance.from_ref(InstanceRef.from_dir("home", config_dir="."))"""
STOCK = "from dagster import DagsterInstance\ninstance = DagsterInstance.get"
USE = """
print("ready", flush=True)
input()
with instance() as home:
    home.get_runs(limit=1)
"""


def failed(script: str, folder: Path, home: bool, users: int) -> int:
    """How many of so many users, from `input` on at the same moment, do not get in."""
    environment = {**os.environ, "DAGSTER_HOME": str(folder) if home else ""}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    begun = [
        subprocess.Popen([sys.executable, "-c", script + USE], cwd=folder, env=environment, **pipes)
        for _ in range(users)
    ]
    for user in begun:
        user.stdout.readline()
    for user in begun:
        user.stdin.write("\n")
        user.stdin.flush()
    return sum(user.wait(120) != 0 for user in begun)


def trials(script: str, home: bool, times: int, users: int) -> dict[str, int]:
    """Users that failed, folders that are broken for the same users then, and those that our commands do not mend."""
    told = {"users failed": 0, "folders broken": 0, "broken for wheel": 0}
    for _ in range(times):
        with tempfile.TemporaryDirectory() as name:
            if not home:
                shutil.copy(HERE.parent / "dagster.yaml", name)
            told["users failed"] += failed(script, Path(name), home, users)
            told["folders broken"] += failed(script, Path(name), home, 1)
            told["broken for wheel"] += failed(OURS, Path(name), home, 1)
    return told


def main() -> None:
    """Try, and print; leave with 1 where one of ours failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=8)
    parser.add_argument("--users", type=int, default=4)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    ways = {"clone": (OF_FOLDER, False), "home": (OURS, True), "stock": (STOCK, True)}
    found = {name: trials(*way, options.times, options.users) for name, way in ways.items()}
    head = f"{options.times} times {options.users} users"
    lines = [
        f"{name:<7}" + ", ".join(f"{what} {count}" for what, count in told.items()) for name, told in found.items()
    ]
    print("\n".join([head, *lines]))
    if options.keep:
        (HERE / "results" / "first_runs.txt").write_text("\n".join([head, *lines]) + "\n")
    sys.exit(any(sum(found[name].values()) for name in ("clone", "home")) or found["stock"]["broken for wheel"] > 0)


if __name__ == "__main__":
    main()
