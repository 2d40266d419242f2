"""Dagster's web server behind the guard, and its daemon: `python -m wheel_assets.web.host PIPE …`, by `supervise`."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import webbrowser
from contextlib import ExitStack, suppress
from pathlib import Path

import click
import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._serdes import serialize_value
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__

from wheel_assets.errors import UsageError, WheelError
from wheel_assets.instance.home import instance_ref
from wheel_assets.settings import load_settings
from wheel_assets.web.guard import Guard
from wheel_assets.web.supervisor import GRACE_SECONDS

USUAL_PORT = 3000
LOCATION = "load_from:\n  - python_module: {module_name: wheel_assets.definitions, location_name: wheel_assets}\n"


class _Server(uvicorn.Server):
    """Uvicorn that prints the link once it listens."""

    link = ""
    browse = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as uvicorn does, then print the link."""
        await super().startup(sockets)
        click.echo(self.link)
        if self.browse:
            threading.Thread(target=webbrowser.open, args=[self.link], daemon=True).start()


def serve(pipe: int, port: int | None, *, read_only: bool, browse: bool) -> int:
    """Serve until the pipe closes, a signal arrives or the daemon dies; return the exit code."""
    folder = Path(tempfile.gettempdir())  # private: `supervise` made it
    workspace = folder / "workspace.yaml"
    workspace.write_text(LOCATION)
    listener = _listener(port)
    with ExitStack() as held:
        held.callback(shutil.rmtree, folder, ignore_errors=True)
        instance = held.enter_context(DagsterInstance.from_ref(instance_ref(folder, load_settings().cache.records)))
        target = WorkspaceFileTarget([str(workspace)])
        context = held.enter_context(
            WorkspaceProcessContext(
                instance, target, version=__version__, read_only=read_only, code_server_log_level="warning"
            )
        )
        app = create_app_from_workspace_process_context(context)
        guard = Guard(app, listener.getsockname()[1])
        server = _Server(uvicorn.Config(guard, log_level="warning", server_header=False))
        server.link, server.browse = f"http://127.0.0.1:{listener.getsockname()[1]}{guard.path}", browse
        daemon = held.enter_context(_daemon(instance, workspace))
        held.callback(daemon.terminate)
        threading.Thread(target=_end_with_supervisor, args=[pipe, server], daemon=True).start()
        threading.Thread(target=_end_with_daemon, args=[daemon, server], daemon=True).start()
        server.run([listener])
        return 0 if daemon.poll() is None else 1


def _listener(port: int | None) -> socket.socket:
    """A listening socket on loopback: `port`, or without one the usual port, else any free one. Raises UsageError."""
    for wanted in [port] if port else [USUAL_PORT, 0]:
        listener = socket.socket()
        # Otherwise the port of a server that just ended is refused for a minute.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            listener.bind(("127.0.0.1", wanted))
            listener.listen(128)
            return listener
        listener.close()
    raise UsageError(f"port {port} is in use", "", "give another --port, or none for a free one")


def _daemon(instance: DagsterInstance, workspace: Path) -> subprocess.Popen[bytes]:
    """Dagster's daemon, which launches queued runs and watches freshness."""
    command = [sys.executable, "-m", "dagster._daemon", "run", "--instance-ref", serialize_value(instance.get_ref())]
    return subprocess.Popen([*command, "--log-level", "warning", "-w", str(workspace)])


def _end_with_supervisor(pipe: int, server: uvicorn.Server) -> None:
    """Wait for the pipe to close; then ask the server to exit, and after GRACE_SECONDS kill the whole session."""
    # Nothing is ever written: this returns when the kernel closes the pipe of a supervisor that ended or was killed.
    os.read(pipe, 1)
    server.should_exit = True
    time.sleep(GRACE_SECONDS)
    # The session is this program's own, begun by `supervise`: nothing else is in it.
    os.killpg(0, signal.SIGKILL)


def _end_with_daemon(daemon: subprocess.Popen[bytes], server: uvicorn.Server) -> None:
    daemon.wait()
    server.should_exit = True


def main(arguments: list[str] | None = None) -> int:
    """The command line that `supervise` uses."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pipe", type=int)
    parser.add_argument("--port", type=int)
    parser.add_argument("--read-only", action="store_true")
    parser.add_argument("--no-browser", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        return serve(asked.pipe, asked.port, read_only=asked.read_only, browse=not asked.no_browser)
    except WheelError as error:
        click.echo(f"wheel: error: {error}", err=True)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
