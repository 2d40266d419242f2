"""The life of a container's job against a server of Amazon's protocol: put back, recommend, archive; killed once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
import requests

from wheel_assets.fetch.sample.sources import SampleMarket
from wheel_assets.scan.snapshots import CHAINS, About, ScanFolder
from wheel_assets.tables import OPTION_CHAINS
from wheel_assets_tests.scale.conftest import free_port, wait_for_port

JOB = [sys.executable, "-m", "wheel_assets.cli", "job", "--json"]
PLACE = "s3://wheel/archives"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a server with the empty bucket `wheel`."""
    port = free_port()
    program = Path(sys.executable).with_name("moto_server")
    command = [str(program), "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, server)
        requests.put(f"http://127.0.0.1:{port}/wheel", timeout=10).raise_for_status()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def objects(s3: str) -> str:
    """The listing of the bucket."""
    return requests.get(f"{s3}/wheel", timeout=10).text


def started(folder: Path, s3: str) -> subprocess.Popen[bytes]:
    """A job on a machine of its own, which has nothing yet; its answer ends up in the file `answer`."""
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("WHEEL_", "DAGSTER"))} | {
        "HOME": str(folder),
        "AWS_ENDPOINT_URL": s3,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "WHEEL_BACKUP__DIR": PLACE,
        "PORTFOLIO_VALUE": "50000",
        "ACCOUNT_ID": "default",
    }
    with (folder / "answer").open("wb") as answer, (folder / "told").open("wb") as told:
        return subprocess.Popen(JOB, env=environment, cwd=folder, stdout=answer, stderr=told)


def ended(folder: Path, job: subprocess.Popen[bytes]) -> dict[str, object]:
    """The answer of a job that was started in the folder."""
    try:
        job.wait(200)
    finally:
        job.kill()
    assert job.returncode == 0, (folder / "told").read_text()[-2000:]
    return dict(json.loads((folder / "answer").read_text()))


def test_jobs_one_after_another_at_once_and_killed(tmp_path, s3):
    first = ended(tmp_path / "first", started(tmp_path / "first", s3))
    assert objects(s3).count("manifest.json") == 1

    again = ended(tmp_path / "again", started(tmp_path / "again", s3))
    assert again["as_of"] == first["as_of"]  # the stored answer: nothing was fetched twice

    killed, deadline = started(tmp_path / "killed", s3), time.monotonic() + 120
    before = objects(s3).count("<Key>")
    while objects(s3).count("<Key>") == before and killed.poll() is None and time.monotonic() < deadline:
        pass  # until it has begun to send its archive
    killed.send_signal(signal.SIGKILL)
    killed.wait(30)
    assert objects(s3).count("manifest.json") == 2

    both = [tmp_path / "one", tmp_path / "other"]
    jobs = [started(folder, s3) for folder in both]
    for folder, job in zip(both, jobs, strict=True):
        assert ended(folder, job)["as_of"] == first["as_of"]
    assert objects(s3).count("manifest.json") == 4
    last = ended(tmp_path / "last", started(tmp_path / "last", s3))
    assert last["as_of"] == first["as_of"]


def test_the_files_of_a_scan_lie_in_a_bucket(s3, monkeypatch):
    for name, value in {"ENDPOINT_URL": s3, "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    folder, at = ScanFolder("s3://wheel/scan"), datetime(2026, 11, 23, 15)
    chain = SampleMarket().option_chain("U", at.replace(tzinfo=UTC)).frame
    for _ in range(2):  # the second takes the place of the first
        folder.write(CHAINS, "U", chain, About(at, "c"))
    assert folder.about(CHAINS) == {"U": About(at, "c")}
    pd.testing.assert_frame_equal(folder.read(CHAINS, OPTION_CHAINS, ["U"]), chain)
    assert "scan/chains/U.parquet" in objects(s3)
