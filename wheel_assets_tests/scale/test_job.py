"""The life of a container's job against servers of Amazon's and Google's protocol: put back, recommend, archive."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Bucket:
    """An empty bucket on a server of our own: its URL, what a client needs to find it, where its objects are listed."""

    url: str
    environment: dict[str, str]
    listing: str

    def objects(self) -> list[str]:
        """The names of what lies in it."""
        return re.findall(r'(?<=<Key>)[^<]+|(?<="name": ")[^"]+', requests.get(self.listing, timeout=10).text)


@contextmanager
def served(program: str, *arguments: str, port: int) -> Iterator[str]:
    """A server beside the interpreter, at its address, ended afterwards."""
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def amazons() -> Iterator[Bucket]:
    port = free_port()
    with served("moto_server", "-H", "127.0.0.1", "-p", str(port), port=port) as address:
        requests.put(f"{address}/wheel", timeout=10).raise_for_status()
        found = {"AWS_ENDPOINT_URL": address, "AWS_DEFAULT_REGION": "us-east-1"}
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        yield Bucket("s3://wheel", found | keys, f"{address}/wheel")


@contextmanager
def googles() -> Iterator[Bucket]:
    port = free_port()
    arguments = ["start", "--host", "127.0.0.1", "--port", str(port), "--in-memory", "--default-bucket", "wheel"]
    with served("gcp-storage-emulator", *arguments, port=port) as address:
        # Without these, credentials and the bucket's kind are asked for at Google's own hosts, for seconds in vain.
        only_here = {"NO_GCE_CHECK": "true", "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
        found = {"STORAGE_EMULATOR_HOST": address, **only_here}
        yield Bucket("gs://wheel", found, f"{address}/storage/v1/b/wheel/o")


@pytest.fixture(scope="module", params=[amazons, googles])
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """A bucket of each kind in turn."""
    with request.param() as made:
        yield made


def started(folder: Path, bucket: Bucket) -> subprocess.Popen[bytes]:
    """A job on a machine of its own, which has nothing yet; its answer ends up in the file `answer`."""
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("WHEEL_", "DAGSTER"))} | {
        "HOME": str(folder),
        "WHEEL_BACKUP__DIR": f"{bucket.url}/archives",
        "PORTFOLIO_VALUE": "50000",
        "ACCOUNT_ID": "default",
        **bucket.environment,
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


def archives(bucket: Bucket) -> int:
    """How many whole archives lie in the bucket."""
    return sum(name.endswith("/manifest.json") for name in bucket.objects())


def killed_halfway(folder: Path, bucket: Bucket) -> bool:
    """Whether a job that was killed once it had begun to send its archive had not ended sending it."""
    before, whole = len(bucket.objects()), archives(bucket)
    job, deadline = started(folder, bucket), time.monotonic() + 120
    while len(bucket.objects()) == before and job.poll() is None and time.monotonic() < deadline:
        pass
    job.send_signal(signal.SIGKILL)
    job.wait(30)
    return len(bucket.objects()) > before and archives(bucket) == whole


def test_jobs_one_after_another_at_once_and_killed(tmp_path, bucket):
    first = ended(tmp_path / "first", started(tmp_path / "first", bucket))
    assert archives(bucket) == 1

    again = ended(tmp_path / "again", started(tmp_path / "again", bucket))
    assert again["as_of"] == first["as_of"]  # the stored answer: nothing was fetched twice

    assert any(killed_halfway(tmp_path / f"killed {number}", bucket) for number in range(8))
    whole = archives(bucket)

    both = [tmp_path / "one", tmp_path / "other"]
    jobs = [started(folder, bucket) for folder in both]
    for folder, job in zip(both, jobs, strict=True):
        assert ended(folder, job)["as_of"] == first["as_of"]
    assert archives(bucket) == whole + 2
    last = ended(tmp_path / "last", started(tmp_path / "last", bucket))
    assert last["as_of"] == first["as_of"]


def test_the_files_of_a_scan_lie_in_a_bucket(bucket, monkeypatch):
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    folder, at = ScanFolder(f"{bucket.url}/scan"), datetime(2026, 11, 23, 15)
    chain = SampleMarket().option_chain("U", at.replace(tzinfo=UTC)).frame
    for _ in range(2):  # the second takes the place of the first
        folder.write(CHAINS, "U", chain, About(at, "c"))
    assert folder.about(CHAINS) == {"U": About(at, "c")}
    pd.testing.assert_frame_equal(folder.read(CHAINS, OPTION_CHAINS, ["U"]), chain)
    assert "scan/chains/U.parquet" in bucket.objects()
