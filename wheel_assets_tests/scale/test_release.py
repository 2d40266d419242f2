"""The steps of the image in a clean environment: the locked packages by hash, the wheel alone, an answer."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wheel_assets_tests.scale.conftest import CLONE

COPIED = ("wheel_assets", "pyproject.toml", "setup.cfg", "README.md", "LICENSE")  # as the Dockerfile does


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The pip of a virtual environment in which nothing is installed."""
    folder = tmp_path_factory.mktemp("released") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return [str(folder / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]


def built(pip: list[str], folder: Path) -> Path:
    """The wheel of a copy of the sources in a folder."""
    sources = folder / "sources"
    sources.mkdir(parents=True)
    for name in COPIED:
        path = CLONE / name
        copy = shutil.copytree if path.is_dir() else shutil.copy
        copy(path, sources / name)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600"}
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(sources)], check=True, env=environment)
    return next(folder.glob("*.whl"))


def test_two_builds_are_equal(pip, tmp_path):
    digests = {hashlib.sha256(built(pip, tmp_path / name).read_bytes()).hexdigest() for name in ("one", "other")}
    assert len(digests) == 1


def test_the_wheel_answers_where_only_the_lock_is_installed(pip, tmp_path):
    wheel = built(pip, tmp_path / "build")
    subprocess.run([*pip, "install", "--require-hashes", "--requirement", str(CLONE / "requirements.lock")], check=True)
    subprocess.run([*pip, "install", "--no-deps", str(wheel)], check=True)
    subprocess.run([*pip, "check"], check=True)
    home = tmp_path / "wheel"
    home.mkdir()
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PORTFOLIO_VALUE": "50000", "ACCOUNT_ID": "default"}
    for command in ("recommend", "stats"):
        program = str(Path(pip[0]).with_name("wheel"))
        done = subprocess.run([program, command, "--json"], env=environment, cwd=home, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)
