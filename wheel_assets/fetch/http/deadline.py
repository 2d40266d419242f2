"""One deadline for a whole HTTP exchange: a vendor that drips a byte a second cannot hold it open.

The timeout of a socket is one of each read, and an answer's header is read line by line inside the
library. Here every read of a connection, of header and body alike, is given the time that is left.
"""

from __future__ import annotations

import io
import math
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

_DEADLINE: ContextVar[float] = ContextVar("deadline", default=math.inf)  # of time.monotonic, in this thread


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Every read of an exchange begun in this block ends at `deadline`, a time of `time.monotonic`."""
    token = _DEADLINE.set(deadline)
    try:
        yield
    finally:
        _DEADLINE.reset(token)


class DeadlineAdapter(HTTPAdapter):
    """Connections whose answers keep to the deadline of the exchange that they belong to."""

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """As the library's, with connections of our own."""
        pool: Any = super().get_connection_with_tls_context(*args, **options)
        pool.ConnectionCls = _HttpsConnection if pool.scheme == "https" else _HttpConnection
        return pool


class _Answer(HTTPResponse):
    """An answer that is read through `_Reader`."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_Reader(sock, _DEADLINE.get()))


class _HttpConnection(HTTPConnection):
    response_class = _Answer


class _HttpsConnection(HTTPSConnection):
    response_class = _Answer


class _Reader(io.RawIOBase):
    """The bytes of a socket; raises TimeoutError at the deadline, or after the socket's own timeout."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket, self._deadline = sock, deadline
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """Always True, as for any raw reader."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """As of any raw stream."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        own = self._socket.gettimeout()
        self._socket.settimeout(min(left, math.inf if own is None else own) if left < math.inf else own)
        try:
            return self._raw.readinto(buffer)
        finally:
            self._socket.settimeout(own)

    def close(self) -> None:
        """Give the socket back."""
        self._raw.close()
        super().close()
