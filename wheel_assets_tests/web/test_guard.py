"""Only the browser that opened the link, and only this server's own pages, get through."""

import asyncio

import pytest

from wheel_assets.web.guard import LANDING_PAGE, Guard

HOST, ORIGIN = "127.0.0.1:3000", "http://127.0.0.1:3000"


async def inner(scope, receive, send):
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"dagster"})


def ask(guard: Guard, path: str = "/", method: str = "GET", kind: str = "http", **headers: str):
    """The first message of the answer, its headers as text."""
    sent = []
    given = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    path, _, query = path.partition("?")
    scope = {"type": kind, "path": path, "query_string": query.encode(), "method": method, "scheme": "http"}
    scope["headers"] = [(name.encode(), value.encode()) for name, value in given.items()]

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    first = sent[0]
    first["headers"] = {name.decode(): value.decode() for name, value in first.get("headers", [])}
    return first


@pytest.fixture
def guard() -> Guard:
    return Guard(inner, 3000)


@pytest.fixture
def cookie(guard) -> str:
    """The cookie of whoever opened the link."""
    return ask(guard, guard.path)["headers"]["set-cookie"].partition(";")[0]


def test_the_link_opens_once_and_becomes_a_strict_cookie(guard):
    link = guard.path
    first = ask(guard, link)
    assert (first["status"], first["headers"]["location"]) == (303, LANDING_PAGE)
    assert {"HttpOnly", "SameSite=strict"} <= set(first["headers"]["set-cookie"].split("; "))
    assert ask(guard, link)["status"] == 403


@pytest.mark.parametrize("path", ["/", "/graphql", "/?token=", "/?token=None", "/?token=%FF", "/server_info"])
def test_without_the_cookie_nothing_is_told(guard, path):
    assert ask(guard, path)["status"] == 403
    assert ask(guard, path, cookie="wheel_ui_3000=guess")["status"] == 403


def test_its_own_pages_work(guard, cookie):
    own = {"cookie": cookie, "sec_fetch_site": "same-origin"}
    assert ask(guard, "/assets/recommendation", cookie=cookie, sec_fetch_site="none")["status"] == 200
    json = {"method": "POST", "content_type": "application/json; charset=utf-8", "origin": ORIGIN}
    assert ask(guard, "/graphql", **json, **own)["status"] == 200
    assert ask(guard, "/graphql", kind="websocket", origin=ORIGIN, **own)["type"] == "websocket.accept"


JSON = {"method": "POST", "content_type": "application/json"}
ATTACKS = {
    "another host name": {"host": "evil.example:3000"},
    "another port's name": {"host": "127.0.0.1:4000"},
    "another origin": {**JSON, "origin": "http://evil.example"},
    "another port's page": {**JSON, "origin": "http://127.0.0.1:4000"},
    "a sandboxed frame": {**JSON, "origin": "null"},
    "another site": {"sec_fetch_site": "cross-site"},
    "a neighbour on this machine": {"sec_fetch_site": "same-site"},
    "a form": {"method": "POST", "content_type": "application/x-www-form-urlencoded", "origin": ORIGIN},
    "a text form": {"method": "POST", "content_type": "text/plain", "origin": ORIGIN},
    "a form that says JSON": {"method": "POST", "content_type": "text/plain; application/json", "origin": ORIGIN},
    "no content type": {"method": "POST", "origin": ORIGIN},
    "GraphQL by GET": {"path": "/graphql?query=mutation"},
    "GraphQL by HEAD": {"path": "/graphql?query=mutation", "method": "HEAD"},
    "a preflight": {"method": "OPTIONS"},
    "another method": {"method": "DELETE"},
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_even_with_the_cookie_it_refuses(guard, cookie, attack):
    asked = {"path": "/graphql", **ATTACKS[attack]} if "method" in ATTACKS[attack] else ATTACKS[attack]
    assert ask(guard, cookie=cookie, **asked)["status"] in (403, 405, 415)


@pytest.mark.parametrize("headers", [{}, {"origin": "http://evil.example"}, {"origin": ORIGIN}])
def test_a_socket_needs_origin_and_cookie(guard, cookie, headers):
    with_cookie = {} if headers.get("origin") == ORIGIN else {"cookie": cookie}
    assert ask(guard, "/graphql", kind="websocket", **headers, **with_cookie)["type"] == "websocket.close"


def test_nobody_frames_it(guard, cookie):
    headers = ask(guard, cookie=cookie)["headers"]
    assert (headers["x-frame-options"], headers["content-security-policy"]) == ("DENY", "frame-ancestors 'none'")
