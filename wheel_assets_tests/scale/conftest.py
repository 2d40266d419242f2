"""Real servers for the tests of many runs and many workers: PostgreSQL and Redis, on loopback, ended with the tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port on loopback that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for_port(port: int, server: subprocess.Popen[bytes]) -> None:
    """Return once somebody listens; fails the test where the server ends or takes a minute."""
    for _ in range(600):
        assert server.poll() is None, f"the server ended with {server.returncode}"
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("the server did not listen within a minute")


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty database of a PostgreSQL server of our own."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    assert programs, "PostgreSQL is not installed: `make test-scale` installs it"
    folder = tmp_path_factory.mktemp("postgres")
    as_user: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        for path in [folder, *folder.parents[:2]]:
            path.chmod(0o755)
        shutil.chown(folder, "postgres")
        as_user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
    data, port = folder / "data", free_port()
    initdb = [*as_user, str(programs[-1].with_name("initdb")), "-D", str(data), "-U", "wheel", "-A", "trust", "-N"]
    subprocess.run(initdb, check=True, capture_output=True, cwd="/")
    options = ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=400", "-c", "fsync=off", "-k", str(folder)]
    server = subprocess.Popen(
        [*as_user, str(programs[-1]), "-D", str(data), "-p", str(port), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        wait_for_port(port, server)
        yield f"postgresql+psycopg2://wheel@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty Redis server of our own."""
    assert shutil.which("redis-server"), "Redis is not installed: `make test-scale` installs it"
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, server)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(30)
