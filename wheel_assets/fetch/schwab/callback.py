"""The loopback end of Schwab's login: a web server for one visitor, for a few minutes, on this machine.

Schwab sends the browser to the callback that the app has registered, and that has to be https. A
certificate for 127.0.0.1 that every browser trusts cannot be had, so that one is made for each login
by the `openssl` program, self-signed, and its key forgotten once it is loaded; the browser warns
of it. (The `cryptography` package could make one as well, and would weigh 16 MB for that alone.)
"""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import Empty, SimpleQueue
from socketserver import ThreadingTCPServer
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from wheel_assets.errors import SourceError, UsageError

PATIENCE_SECONDS = 300.0
_ADDRESS = "127.0.0.1"
_OPENSSL_SECONDS = 30.0
_CLOSE = "You may close this page. The terminal shows whether the login succeeded.\n"


class CallbackListener(ThreadingTCPServer):
    """Listens at a callback URL on 127.0.0.1 until closed, best by `with`.

    `is_answer` is shown every address that is asked for and says which one answers this login; all
    others are turned away, so that no other page can end the wait. Raises UsageError where it cannot
    listen: another host, a port that is taken or reserved, no certificate.
    """

    allow_reuse_address = True
    daemon_threads, block_on_close = True, False  # browsers keep connections open that they no longer need

    def __init__(self, callback_url: str, is_answer: Callable[[str], bool]) -> None:
        self.callback_url, self.is_answer = callback_url, is_answer
        self.arrived: SimpleQueue[str] = SimpleQueue()
        port, context = _port(callback_url), _self_signed(callback_url)
        try:
            super().__init__((_ADDRESS, port), _Visit)
        except OSError as error:
            raise _cannot(callback_url, error.strerror or "the port cannot be had") from None
        # The handshake is left to each visit's own thread: one that stalls must not keep out the next.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def __exit__(self, *args: Any) -> None:
        """Stop listening."""
        self.shutdown()
        super().__exit__(*args)

    def wait(self, seconds: float = PATIENCE_SECONDS) -> str:
        """The address by which the browser answered this login; raises SourceError where none came in time."""
        try:
            return self.arrived.get(timeout=seconds)
        except Empty:
            what = f"no browser came back to {self.callback_url} within {seconds / 60:g} minutes"
            remedy = "run `wheel login schwab` again, with --paste if the browser is on another machine"
            raise SourceError(what, "", remedy, source="schwab") from None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a browser that does not know the certificate breaks off, asks its user, and comes again."""


class _Visit(BaseHTTPRequestHandler):
    """One connection."""

    server: CallbackListener
    timeout = 10.0  # seconds for handshake and request

    def do_GET(self) -> None:  # noqa: N802
        """Answer a browser request: accept the redirect with the code, refuse everything else."""
        parts = urlsplit(self.server.callback_url)
        address = f"{parts.scheme}://{parts.netloc}{self.path}"
        is_answer = self.server.is_answer(address)
        body = (_CLOSE if is_answer else "This is not the answer to the login under way.\n").encode()
        self.send_response(200 if is_answer else 404)
        headers = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": f"{len(body)}"}
        for name, value in (headers | {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if is_answer:
            self.server.arrived.put(address)

    def log_message(self, *args: Any) -> None:
        """Nothing: the line asked for holds the code."""


def _port(callback_url: str) -> int:
    """The port to listen at; raises UsageError where the callback is not 127.0.0.1."""
    parts = urlsplit(callback_url)
    if parts.hostname not in (_ADDRESS, "localhost"):
        raise _cannot(callback_url, f"it is not {_ADDRESS}")
    try:
        return parts.port or 443
    except ValueError:
        raise _cannot(callback_url, "there is no such port") from None


def _self_signed(callback_url: str) -> ssl.SSLContext:
    """A server's side of TLS with a certificate of its own for a day; raises UsageError without `openssl`."""
    program = shutil.which("openssl")
    if program is None:
        raise _cannot(callback_url, "there is no `openssl` program to make a certificate with")
    with TemporaryDirectory(prefix="wheel_login_") as folder:  # mode 0700
        key, certificate = Path(folder, "key.pem"), Path(folder, "certificate.pem")
        terms = ["-days", "1", "-subj", f"/CN={_ADDRESS}", "-addext", f"subjectAltName=IP:{_ADDRESS},DNS:localhost"]
        made = ["-newkey", "rsa:2048", "-nodes", "-keyout", f"{key}", "-out", f"{certificate}"]
        try:
            command = [program, "req", "-x509", *made, *terms]
            subprocess.run(command, check=True, capture_output=True, timeout=_OPENSSL_SECONDS)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
        except (OSError, subprocess.SubprocessError):
            raise _cannot(callback_url, f"{program} made no certificate") from None
    return context


def _cannot(callback_url: str, why: str) -> UsageError:
    return UsageError(f"nothing can listen at {callback_url}", why, "run `wheel login schwab --paste`")
