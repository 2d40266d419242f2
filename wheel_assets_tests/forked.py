"""Commands in new processes that are spared the import of the libraries: half of what a command takes.

They are forked from a process that has imported the libraries and nothing of `wheel_assets`; so a command meets its
settings, its modules and its files as one that is started from a shell does.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

_LIBRARIES = """dagster._cli.asset dagster._core.storage.sqlite_storage dagster_duckdb_pandas duckdb exchange_calendars
    jinja2 pandas pydantic_settings requests rich.table scipy.optimize scipy.stats"""
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_LIBRARIES.split())


def wheel(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command `wheel` here to its end, with these variables too."""
    return Command("wheel", *arguments, folder=Path.cwd(), environment={**os.environ, **settings}).ended()


class Command:
    """A program of this environment's bin folder that runs in a folder and with these variables only."""

    def __init__(self, *command: str, folder: Path, environment: Mapping[str, str], typed: str = "") -> None:
        self.command = command
        self._scratch = tempfile.TemporaryDirectory()
        streams = [Path(self._scratch.name, name) for name in ("in", "out", "err")]
        streams[0].write_text(typed)
        self._printed = streams[1:]
        where = (str(folder), dict(environment), [str(path) for path in streams])
        self.process = _context.Process(target=_become, args=(command, *where))
        self.process.start()

    def ended(self, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        """How it ended and what it printed, once it has; it is killed if it takes longer."""
        with self._scratch:
            self.process.join(seconds)
            code = self.process.exitcode
            if code is None:
                self.process.kill()
                raise subprocess.TimeoutExpired(self.command, seconds)
            return subprocess.CompletedProcess(self.command, code, *(path.read_text() for path in self._printed))


def _become(command: tuple[str, ...], folder: str, environment: dict[str, str], streams: list[str]) -> NoReturn:
    """Go on as the program, down to how Python leaves."""
    _end_with_the_tests()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for stream, path in enumerate(streams):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), stream)
    sys.stdin = os.fdopen(0, closefd=False)
    warnings.simplefilter("default")
    sys.argv = [str(Path(sys.executable).parent / command[0]), *command[1:]]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
        code: object = 0
    except SystemExit as left:
        code = left.code
    except BaseException:  # noqa: BLE001, as Python itself does
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        code = 1
    atexit._run_exitfuncs()
    sys.exit(code)


def _end_with_the_tests() -> None:
    """Should the process forked from die, however it dies, this one is asked to end (Linux)."""
    if sys.platform == "linux":
        import ctypes
        import signal

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
