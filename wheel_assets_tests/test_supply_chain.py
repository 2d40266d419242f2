"""What is installed is pinned: by version for whoever develops, by hash for whoever deploys."""

import re
import tomllib
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-all.lock")  # the image's, and with every extra for users
FOR_DEVELOPERS = {"scale", "test", "browser", "check"}
PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z0-9,_-]+\])?==([^\s;\\]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    found = PINNED.findall((CLONE / name).read_text())
    return {re.sub("[-_.]+", "-", package).lower(): version for package, version in found}


def named(extra: str | None = None) -> set[str]:
    """The packages that pyproject.toml names, of an extra where one is given."""
    project = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]
    listed = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return {re.split(r"[\[<>=~; ]", line)[0].lower() for line in listed} - {"wheel_assets"}


def extras() -> set[str]:
    return set(tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]["optional-dependencies"])


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_the_versions_that_are_tested(lock):
    tested, locked = pins("constraints.txt"), pins(lock)
    assert {name: version for name, version in locked.items() if tested.get(name, version) != version} == {}
    assert pins(LOCKS[0]).items() <= pins(LOCKS[1]).items()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_of_a_lock_has_a_hash(lock):
    entries = re.split(r"\n(?=\S)", (CLONE / lock).read_text().strip())
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("extra", [None, *sorted(extras())])
def test_every_extra_is_pinned(extra):
    """By hash what a user installs, by version what developers do."""
    where = "constraints.txt" if extra in FOR_DEVELOPERS else LOCKS[1]
    assert named(extra) <= set(pins(where))
    assert named() | named("cloud") | named("postgres") <= set(pins(LOCKS[0]))


def test_no_secret_enters_an_image():
    ignored = (CLONE / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert not {"!.env", "!wheel.toml", "!.git", "!.dagster"} & set(ignored)


def test_the_image_is_made_of_stages_and_files_that_are_there():
    image, ignored = (CLONE / "Dockerfile").read_text(), (CLONE / ".dockerignore").read_text().splitlines()
    stages, copies = re.findall(r"^FROM \S+ AS (\w+)", image, re.M), re.findall(r"^COPY (.+)", image, re.M)
    assert re.findall(r"--from=(\w+)", image) == stages
    sources = [name for copy in copies if "--from" not in copy for name in copy.split()[:-1]]
    assert {"wheel_assets", "requirements.lock"} <= set(sources)
    assert [name for name in sources if not (CLONE / name).exists() or f"!{name}" not in ignored] == []


def test_the_base_of_the_image_is_pinned():
    image = (CLONE / "Dockerfile").read_text()
    assert re.search(r"^ARG BASE=python:\S+@sha256:[0-9a-f]{64}$", image, re.M)
    assert set(re.findall(r"^FROM (\S+)", image, re.M)) == {"${BASE}"}
