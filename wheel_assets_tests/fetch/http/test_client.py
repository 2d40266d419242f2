"""The client: what it asks again, what it never does, what it tells the ledger."""

import gzip
import json
import socket
import threading
import time
import tracemalloc
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache

import pandas as pd
import pytest

from wheel_assets import errors
from wheel_assets.fetch.http.client import HttpClient, Request
from wheel_assets.fetch.http.rate_limiter import Pace
from wheel_assets.fetch.http.response import VendorFault
from wheel_assets.tables import API_CALLS

SECRET = "s3cr3t-value"


@pytest.fixture
def client(fake, calls, waits):
    def make(**options):
        return HttpClient("vendor", fake.url, calls.append, secrets=[SECRET], sleep=waits.append, **options)

    return make


@pytest.fixture
def reply(vendors):
    return vendors.Reply


HEAD = "HTTP/1.1 {} X\r\nLocation: /y\r\nContent-Length: 1000\r\n\r\n"
# What a server sends at once, before it goes on with a byte every tenth of a second.
DRIPS = {"body": HEAD, "redirect": HEAD, "status line": "HTTP/1.1", "header": "HTTP/1.1 200 X\r\nX-A: "}


@pytest.fixture
def dripping(calls):
    """A client of a server whose answer comes byte by byte, ten a second, without an end."""
    server, closing = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def serve(begin):
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(begin.encode())
            while not closing.wait(0.1):
                connection.sendall(b"x")

    def client(begin, **options):
        threading.Thread(target=serve, args=[begin], daemon=True).start()
        return HttpClient("vendor", f"http://127.0.0.1:{server.getsockname()[1]}", calls.append, retries=0, **options)

    yield client
    closing.set()
    server.close()


def failure(client, request=None):
    with pytest.raises(errors.SourceError) as raised:
        client.send(request or Request("/x")).json()
    return raised.value


def test_an_answer_is_read_and_written_to_the_ledger(client, fake, calls, reply):
    fake.on("/x", reply({"a": 1}))
    answer = client().get("/x", params={"q": SECRET}, key="XYZ", cost_usd=0.25)
    assert answer.json("a") == {"a": 1}
    row = API_CALLS.conform(pd.DataFrame([asdict(call) for call in calls])).iloc[0]
    assert (row.source, row.endpoint, row.status, row.bytes) == ("vendor", "/x", 200, len(answer.body))
    assert (row.cost_usd, row.key, row.error) == (0.25, "XYZ", None)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_passing_troubles_are_tried_three_times(client, fake, calls, waits, reply, status):
    fake.on("/x", reply(status=status))
    assert failure(client()).status == status
    assert [call.status for call in calls] == [status] * 3
    assert 0.25 <= waits[0] <= 0.75
    assert 0.5 <= waits[1] <= 1.5


@pytest.mark.parametrize("trouble", [{"status": 503}, {"reset": True}, {"cut": True, "body": b"12345678"}])
def test_a_later_try_may_succeed(client, fake, calls, reply, trouble):
    fake.on("/x", reply(**trouble), reply({"a": 1}))
    assert client().get("/x").json() == {"a": 1}
    assert [bool(call.error) for call in calls] == [True, False]


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 402, 403, 404, 418, 422, 501])
def test_what_will_not_pass_is_tried_once(client, fake, calls, waits, reply, status):
    fake.on("/x", reply(status=status, headers={"Location": "http://127.0.0.1:1/elsewhere"}))
    assert failure(client()).status == status
    assert (len(calls), waits) == (1, [])


def test_a_post_is_never_sent_twice(client, fake, reply):
    fake.on("/x", reply(status=503))
    failure(client(), Request("/x", form={"grant": "1"}))
    assert [seen.form for seen in fake.seen] == [{"grant": "1"}]


@pytest.mark.parametrize(("asked", "waited"), [("7", 7.0), ("0", None), ("soon", None), ("-5", None)])
def test_retry_after_in_seconds_is_honoured(client, fake, waits, reply, asked, waited):
    fake.on("/x", reply(status=429, headers={"Retry-After": asked}), reply({}))
    client().get("/x")
    assert waits == [waited] if waited else 0 < waits[0] < 1


def test_retry_after_as_a_date_is_honoured(client, fake, waits, reply):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    fake.on("/x", reply(status=503, headers={"Retry-After": date}), reply({}))
    client().get("/x")
    assert waits == [pytest.approx(30, abs=3)]


def test_a_wait_beyond_the_time_limit_is_not_begun(client, fake, calls, waits, reply):
    fake.on("/x", reply(status=429, headers={"Retry-After": "3600"}))
    error = failure(client(total_seconds=60))
    assert isinstance(error, errors.RateLimited)
    assert "3600 seconds" in str(error)
    assert (len(calls), waits) == (1, [])


def test_one_call_is_bounded_in_time(client, fake, calls, reply):
    fake.on("/x", reply({}, delay=0.5))
    error = failure(client(total_seconds=0.2))
    assert isinstance(error, errors.SourceUnreachable)
    assert len(calls) == 1


def test_a_body_is_bounded_in_size(client, fake, reply):
    fake.on("/x", reply(b"x" * 300_000))
    error = failure(client(max_bytes=100_000))
    assert isinstance(error, errors.UnexpectedAnswer)


def test_codes_that_are_final_are_not_tried_again(client, fake, calls, reply):
    fake.on("/x", reply({"code": "too.big"}, status=502))
    options = {"explain": lambda answer: VendorFault(answer.json()["code"]), "final_codes": {"too.big"}}
    assert failure(client(**options)).code == "too.big"
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.SourceRefused),
        (402, errors.SourceRefused),
        (403, errors.SourceRefused),
        (404, errors.UnexpectedAnswer),
        (429, errors.RateLimited),
        (500, errors.SourceUnreachable),
    ],
)
def test_an_error_carries_all_that_is_known(client, fake, reply, status, kind):
    fake.on("/x", reply({}, status=status, headers={"x-request-id": "id-7"}))
    error = failure(client(retries=0), Request("/x", params={"key": SECRET}))
    assert type(error) is kind
    assert (error.source, error.endpoint, error.status, error.request_id) == ("vendor", "/x", status, "id-7")
    assert f"HTTP {status}" in str(error)


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        ("<html>Denied</html>", "text/html", "text/html instead of JSON: <html>Denied"),
        ('{"a": 1', "application/json", "damaged JSON of 7 bytes"),
        (b"\xff\xfe\x00", "application/json", "damaged JSON"),
        ("[" * 100_000, "application/json", "damaged JSON"),
        ("[" + "0," * 4_000_001 + "0]", "application/json", "JSON of more than 4,000,000 values"),
        ("[1]", "application/json", "a JSON list instead of an object"),
        ('{"b": 1}', "application/json", "no a among its keys ['b']"),
    ],
)
def test_answers_of_another_shape_say_what_came(client, fake, reply, body, content_type, words):
    fake.on("/x", reply(body, content_type=content_type))
    with pytest.raises(errors.UnexpectedAnswer) as raised:
        client().get("/x").json("a")
    assert words in str(raised.value)


def test_an_answer_without_a_content_type_may_be_json(client, fake, reply):
    fake.on("/x", reply({"a": 1}, content_type="; charset=utf-8"))
    assert client().get("/x").json("a") == {"a": 1}


@pytest.mark.parametrize(
    "request_",
    [
        Request("/x", params={"key": SECRET}),
        Request("/x", headers={"Authorization": f"Bearer {SECRET}"}),
        Request("/x", auth=("user", SECRET)),
        Request(f"/{SECRET}", endpoint="/{hash}", secrets=[SECRET]),
        Request("/x", form={"refresh_token": SECRET}, secrets=[SECRET]),
    ],
)
@pytest.mark.parametrize("trouble", [{"status": 403}, {"status": 200}, {"status": 500}, {"reset": True}])
def test_no_secret_is_repeated(client, fake, calls, reply, request_, trouble):
    def echo(seen):
        return reply(json.dumps({"echo": [seen.query, seen.headers, seen.path, seen.form]}), **trouble)

    fake.on("/x", echo)
    fake.on(f"/{SECRET}", echo)
    error = failure(client(retries=0), request_)
    basic = "dXNlcjpzM2NyM3QtdmFsdWU="  # user:s3cr3t-value
    for text in (str(error), repr(error), repr(vars(error)), repr(calls)):
        assert SECRET not in text
        assert basic not in text
    assert error.__cause__ is None
    assert error.__context__ is None


def test_a_refused_connection_has_a_plain_reason(calls, waits):
    client = HttpClient("vendor", "http://127.0.0.1:9", calls.append, sleep=waits.append)
    error = failure(client)
    assert str(error).startswith("vendor cannot be reached; connection refused; check the network")
    assert [(call.status, call.bytes) for call in calls] == [(None, None)] * 3


def test_an_unknown_host_has_a_plain_reason(calls, waits):
    client = HttpClient("vendor", "https://no-such-host.invalid", calls.append, retries=0, sleep=waits.append)
    assert isinstance(failure(client), errors.SourceUnreachable)


@pytest.mark.parametrize("url", ["http://example.com", "http://10.0.0.1:80", "ftp://127.0.0.2.example"])
def test_plain_http_is_for_this_machine_only(calls, url):
    with pytest.raises(errors.SettingError, match="plain http"):
        HttpClient("vendor", url, calls.append)


def test_the_environment_diverts_nothing_from_loopback(client, fake, reply, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password stolen\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    fake.on("/x", reply({"a": 1}))
    assert client().get("/x").json() == {"a": 1}
    assert "Authorization" not in fake.seen[0].headers


def test_it_says_who_it_is(client, fake, reply):
    fake.on("/x", reply({}))
    client().get("/x")
    assert fake.seen[0].headers["User-Agent"].startswith("wheel_assets/")


@pytest.mark.parametrize(
    "asked", ["9" * 400, "9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 99999 23:59:59 GMT"]
)
def test_an_absurd_wait_is_neither_begun_nor_a_crash(client, fake, waits, reply, asked):
    fake.on("/x", reply(status=429, headers={"Retry-After": asked}))
    assert isinstance(failure(client(retries=1)), errors.RateLimited)
    assert sum(waits) < 1


@pytest.mark.parametrize("part", DRIPS)
def test_an_answer_that_drips_is_bounded_in_time(client, dripping, calls, part):
    started = time.monotonic()
    error = failure(dripping(DRIPS[part].format(302 if part == "redirect" else 200), total_seconds=0.3))
    assert isinstance(error, errors.SourceUnreachable)
    assert "is too slow; it took over 0.3 seconds" in str(error)
    assert time.monotonic() - started < 2  # the body alone would take 100


def test_an_answer_in_time_after_a_slow_one_uses_the_same_connection(client, fake, reply):
    fake.on("/x", reply({"a": 1}, delay=0.1), reply({"a": 2}))
    ours = client(total_seconds=5)
    assert [ours.get("/x").json()["a"], ours.get("/x").json()["a"]] == [1, 2]
    assert len(fake.connections) == 1


@cache
def bomb(layers: int) -> bytes:
    """A few kilobytes that unpack to a hundred megabytes."""
    return gzip.compress(bomb(layers - 1), 1) if layers else b"0" * 100_000_000


@pytest.mark.parametrize("status", [200, 302, 404])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_bomb_is_not_unpacked(client, fake, reply, status, layers):
    body = bomb(layers)
    headers = {"Content-Encoding": ", ".join(["gzip"] * layers), "Location": "/elsewhere"}
    fake.on("/x", reply(body, status, headers=headers))
    tracemalloc.start()
    told = "sent over 0 MB" if layers == 1 else "sent an answer that is packed more than once"
    assert told in str(failure(client(max_bytes=1_000_000)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_damaged_compression_is_a_broken_answer(client, fake, calls, reply):
    fake.on("/x", reply(b"no gzip at all", headers={"Content-Encoding": "gzip"}))
    assert "its compression is damaged" in str(failure(client()))
    assert len(calls) == 3


@pytest.mark.parametrize("location", ["http://[", "\xff\xfe", "https://127.0.0.1:1/other", "//", "ftp://x"])
def test_a_redirect_is_not_so_much_as_looked_at(client, fake, reply, location):
    fake.on("/x", reply(status=302, headers={"Location": location}))
    error = failure(client(), Request("/x", headers={"Authorization": f"Bearer {SECRET}"}))
    assert (error.status, len(fake.seen)) == (302, 1)


def test_a_secret_is_found_in_other_spellings_too(fake, calls, reply):
    client = HttpClient("vendor", fake.url, calls.append, secrets=["a b/c@"])
    fake.on("/x", reply('{"echo": "a%20b%2Fc%40 a+b%2Fc%40 a b/c@"}', 403))
    assert '"echo": "*** *** ***"' in str(failure(client))


@pytest.mark.parametrize(
    ("trouble", "billed"),
    [
        ({"status": 200}, 0.25),
        ({"status": 503}, 0.25),
        ({"cut": True, "body": b"12345678"}, 0.25),
        ({"status": 402}, 0.0),
        ({"status": 429}, 0.0),
        ({"status": 302}, 0.0),
    ],
)
def test_what_was_refused_is_not_paid_for(client, fake, calls, reply, trouble, billed):
    fake.on("/x", reply(**trouble))
    with suppress(errors.SourceError):
        client(retries=0).send(Request("/x", cost_usd=0.25))
    assert [call.cost_usd for call in calls] == [billed]


def test_what_never_left_is_not_paid_for(calls, waits):
    client = HttpClient("vendor", "http://127.0.0.1:9", calls.append, sleep=waits.append)
    failure(client, Request("/x", cost_usd=0.25))
    assert {call.cost_usd for call in calls} == {0.0}


def test_what_is_interrupted_may_have_to_be_paid_for(client, fake, calls, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(HttpClient, "_exchange", interrupted)
    with pytest.raises(KeyboardInterrupt):
        client().send(Request("/x", cost_usd=0.25))
    assert [(call.cost_usd, call.error) for call in calls] == [(0.25, "interrupted")]


def test_waiting_for_its_turn_does_not_use_up_the_time(fake, calls, reply, monkeypatch):
    monkeypatch.setattr("wheel_assets.fetch.http.client.is_loopback", lambda _: False)
    pace = Pace(1, 60.0, clock=lambda: 0.0, sleep=lambda _: time.sleep(0.3))
    client = HttpClient(
        "vendor", fake.url.replace("http", "https"), calls.append, pace=pace, total_seconds=0.2, retries=0
    )
    client._base_url = fake.url
    fake.on("/x", reply({"a": 1}))
    client.get("/x")
    assert client.get("/x").json() == {"a": 1}
