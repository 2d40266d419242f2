"""Under the client: which machine is this one, what a wait means, and a session that threads share."""

import pytest
import requests

from wheel_assets.fetch.cboe import CboeMarket
from wheel_assets.fetch.databento.market import DatabentoMarket
from wheel_assets.fetch.http.transport import LONGEST_WAIT, Session, is_loopback, reason, seconds_to_wait, was_sent
from wheel_assets.fetch.schwab.market import SchwabMarket


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8765", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("https://cdn.cboe.com", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1@example.com", False),
    ],
)
def test_loopback_addresses(url, loopback):
    assert is_loopback(url) is loopback


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("1e3", 0.0),
        ("\u0663", 0.0),  # a digit, but not of HTTP
        ("9" * 400, LONGEST_WAIT),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 99999 23:59:59 GMT", 0.0),
        ("", 0.0),
    ],
)
def test_what_a_wait_means(header, seconds):
    assert seconds_to_wait(header) == seconds


def test_cookies_may_come_while_others_are_read():
    cookies = Session("http://127.0.0.1").cookies
    cookies.set("a", "1")
    reading = iter(cookies)
    cookies.set("b", "2")  # requests' own jar: dictionary changed size during iteration
    assert [cookie.name for cookie in reading] == ["a"]


def test_the_largest_crowd_fits_the_pool_of_connections():
    crowd = max(market.concurrency for market in (CboeMarket, SchwabMarket, DatabentoMarket))
    assert crowd <= requests.adapters.DEFAULT_POOLSIZE


@pytest.mark.parametrize(
    ("text", "words", "sent"),
    [
        ("[Errno 111] Connection refused", "connection refused", False),
        ("HTTPSConnectionPool: Connection to x timed out. (connect timeout=5)", "no connection in time", False),
        ("Read timed out. (read timeout=60)", "no answer in time", True),
        ("Missing dependencies for SOCKS support.", "SOCKS proxies are not supported", False),
        ("IncompleteRead(4 bytes read)", "the answer broke off", True),
        ("https://x/?key=secret", "the connection broke", True),
    ],
)
def test_why_a_request_failed(text, words, sent):
    assert reason(requests.ConnectionError(text)) == words
    assert was_sent(words) is sent
