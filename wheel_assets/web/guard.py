"""Guard of Dagster's web server, which itself accepts any request that reaches it.

Dagster runs mutations sent by any page that is open in the same browser, by any local user, for any host
name and by GET. The guard requires a session cookie, set by a one-time link, and an origin among this server's own
pages.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

LANDING_PAGE = "/assets/recommendation?view=events"  # the view of the asset that shows the answer first
NO_COOKIE = "open the link that `wheel ui` printed; each link opens one browser, `wheel ui` prints a new one"
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """ASGI middleware that lets through requests of one browser, sent by pages of `http://127.0.0.1:<port>`."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app = app
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.origins = {f"http://{host}" for host in self.hosts}
        self.cookie = f"wheel_ui_{port}"  # cookies are shared by all ports of a host
        self._token: str | None = secrets.token_urlsafe(32)
        self._session = secrets.token_urlsafe(32)

    @property
    def path(self) -> str:
        """The path of the link that opens one browser, once."""
        return f"/?token={self._token}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on; responses get HEADERS."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        answer = self._answer(scope)
        if answer is None:
            await self.app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await WebSocketClose(1008)(scope, receive, send)
        else:
            await answer(scope, receive, _with_headers(send))

    def _answer(self, scope: Scope) -> Response | None:
        """The guard's own response; None where the request may pass."""
        headers = Headers(scope=scope)
        # The origin before the token: a page of another site must not be able to use up the one-time link.
        if why := self._foreign(scope, headers):
            return PlainTextResponse(f"refused: {why}", 403)
        token = QueryParams(scope["query_string"]).get("token")
        if scope["type"] == "http" and scope["path"] == "/" and token and self._redeem(token):
            answer = RedirectResponse(LANDING_PAGE, 303)
            answer.set_cookie(self.cookie, self._session, httponly=True, samesite="strict")
            return answer
        if not self._knows(headers):
            return PlainTextResponse(NO_COOKIE, 403)
        return self._odd_request(scope, headers)

    def _foreign(self, scope: Scope, headers: Headers) -> str:
        """Reason to refuse a request from a page of another server; empty for one from this server, or from no page."""
        origin = headers.get("origin")
        # Against DNS rebinding: a foreign name that resolves to 127.0.0.1 is same-origin to the browser.
        if headers.get("host") not in self.hosts:
            return "another host name"
        # A browser always sends the origin of a WebSocket, and applies no same-origin rule to it itself.
        if (origin is not None or scope["type"] == "websocket") and origin not in self.origins:
            return "another origin"
        return "" if headers.get("sec-fetch-site", "none") in ("none", "same-origin") else "another site"

    def _odd_request(self, scope: Scope, headers: Headers) -> Response | None:
        """Refusal of requests that Dagster's own pages never send; None for others."""
        if scope["type"] == "websocket":
            return None
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("refused: method", 405)
        if scope["method"] == "POST":
            # A form of another site can send three content types without a CORS preflight; JSON is none of them.
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            return None if kind == "application/json" else PlainTextResponse("refused: JSON only", 415)
        # Dagster runs mutations by GET too, which a mere link or image can cause.
        if scope["path"].rstrip("/") == "/graphql":
            return PlainTextResponse("refused: GraphQL by POST only", 405)
        return None

    def _redeem(self, token: str) -> bool:
        """Whether this is the one-time token, which is invalid from then on."""
        # Compared in constant time; and once only: the link stays in the history of the terminal and the browser.
        if self._token is None or not hmac.compare_digest(token.encode(), self._token.encode()):
            return False
        self._token = None
        return True

    def _knows(self, headers: Mapping[str, str]) -> bool:
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return False
        return morsel is not None and hmac.compare_digest(morsel.value.encode(), self._session.encode())


def _with_headers(send: Send) -> Send:
    async def send_guarded(message: Message) -> None:
        """Send a message with the security headers added to a response."""
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                if name == "Content-Security-Policy":
                    headers.append(name, value)  # appended to Dagster's own policy: browsers enforce both
                else:
                    headers[name] = value
        await send(message)

    return send_guarded
