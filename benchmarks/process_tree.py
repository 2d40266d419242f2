"""What a command used together with every process that it started, whoever waited for them; Linux only.

Processor seconds are the kernel's: this process adopts orphans, so that each descendant is waited for here or by a
process that is. Memory is sampled: what processes share is counted once (PSS).
"""

from __future__ import annotations

import ctypes
import os
import resource
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

SAMPLED_SECONDS = 0.5
END_SECONDS = 60.0  # what still runs then is ended
_PR_SET_CHILD_SUBREAPER = 36


@dataclass
class Used:
    """Seconds by the wall and by the processors, and the largest memory, MB: of all processes at once, and of one."""

    wall: float = 0.0
    processor: float = 0.0
    all_mb: float = 0.0
    one_mb: float = 0.0


@contextmanager
def measured(apart: Collection[int] = ()) -> Iterator[Used]:
    """What all children of this process use in the block but those of `apart`, which end after it.

    The block waits for its commands; their descendants are waited for at its end.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    used, over = Used(), threading.Event()
    sampler = threading.Thread(target=_sample, args=(used, apart, over))
    before, started = _processor_seconds(), time.perf_counter()
    sampler.start()
    try:
        yield used
        used.wall = used.wall or time.perf_counter() - started
    finally:
        over.set()
        sampler.join()
        _wait_for_all(apart)
    used.processor = _processor_seconds() - before


def _processor_seconds() -> float:
    """Of all children that were waited for, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _sample(used: Used, apart: Collection[int], over: threading.Event) -> None:
    while not over.wait(SAMPLED_SECONDS):
        sizes = []
        for child in _children(apart):
            for process in (child, *_descendants(child)):
                with suppress(psutil.Error):
                    sizes.append(process.memory_full_info().pss / 2**20)
        used.all_mb = max(used.all_mb, sum(sizes))
        used.one_mb = max(used.one_mb, max(sizes, default=0.0))


def _children(apart: Collection[int]) -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.pid not in apart]


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return process.children(recursive=True)
    return []


def _wait_for_all(apart: Collection[int]) -> None:
    """Wait for the children that are left, and for those that are adopted from them."""
    deadline = time.monotonic() + END_SECONDS
    while children := _children(apart):
        if time.monotonic() > deadline:
            for child in children:
                child.kill()
        for child in children:
            with suppress(ChildProcessError):
                os.waitpid(child.pid, os.WNOHANG)
        time.sleep(0.05)
