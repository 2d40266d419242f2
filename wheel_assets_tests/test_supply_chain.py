"""What is installed is pinned: by version for whoever develops, by hash for whoever deploys."""

import re
from pathlib import Path

CLONE = Path(__file__).resolve().parents[1]
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    found = PINNED.findall((CLONE / name).read_text())
    return {re.sub("[-_.]+", "-", package).lower(): version for package, version in found}


def test_the_lock_has_the_versions_that_are_tested():
    tested, locked = pins("constraints.txt"), pins("requirements.lock")
    assert {name: version for name, version in locked.items() if tested.get(name, version) != version} == {}
    assert {"dagster", "duckdb", "pandas", "requests"} <= set(locked)


def test_every_package_of_the_lock_has_a_hash():
    entries = re.split(r"\n(?=\S)", (CLONE / "requirements.lock").read_text().strip())
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


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
