"""The commands of the README and of the documents work as pasted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[2]
PAGES = [CLONE / "README.md", *sorted((CLONE / "docs").glob("*.md"))]
# Run by other tests, or this very one.
ELSEWHERE = ("make test", "dagster dev", "make benchmark", "python benchmarks/")
WRITTEN = [block for page in PAGES for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.S)]
BLOCKS = ["\n".join(line for line in block.splitlines() if not line.startswith(ELSEWHERE)) for block in WRITTEN]
BLOCKS = [block for block in BLOCKS if block]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of what is committed or about to be, with this environment as its `.venv`."""
    folder = tmp_path_factory.mktemp("clone") / "wheel_assets"
    ignored = shutil.ignore_patterns(".git", ".venv", ".dagster", ".tmp_*", "build", "*.egg-info", "__pycache__")
    shutil.copytree(CLONE, folder, ignore=ignored)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0][:30])
def test_every_command_works_as_pasted(clone, block, market):
    lines = block.splitlines()
    if "wheel recommend" not in block:
        lines = ["wheel recommend >/dev/null", *lines]
    if not (Path(sys.prefix) / "installed").exists():
        lines = [line for line in lines if not line.startswith("make")]
    environment = {**os.environ, "WHEEL_CBOE__BASE_URL": market.url, "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"}
    script = "set -e\n" + "\n".join(lines).replace("SMCI,PLTR", "AAA,BBB")
    done = subprocess.run(["bash", "-c", script], cwd=clone, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
