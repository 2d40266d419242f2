"""Markets, users and servers, each function with its own but where a test says otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from wheel_assets.fetch.sample.sources import STOCKS
from wheel_assets_tests.end_to_end import loopback_market
from wheel_assets_tests.end_to_end.loopback_market import Market
from wheel_assets_tests.end_to_end.servers import GuardedServer, Server, at_home, serving
from wheel_assets_tests.end_to_end.users import FirstAnswer, User, cboe_user
from wheel_assets_tests.end_to_end.wheelers_account import write_positions
from wheel_assets_tests.fetch import fake_vendors


@pytest.fixture(scope="session")
def vendors() -> ModuleType:
    """Payloads and replies of the fake vendors."""
    return fake_vendors


@pytest.fixture(scope="session")
def documents() -> dict[str, bytes]:
    """What Cboe says of four symbols."""
    symbols = ("U", "AAA", "BBB", "SPY")
    return {symbol: json.dumps(loopback_market.cboe_document(symbol)).encode() for symbol in symbols}


@pytest.fixture(scope="session")
def served_market(documents: dict[str, bytes]) -> Iterator[Market]:
    """The market of all tests."""
    with loopback_market.serving(documents) as market:
        yield market


@pytest.fixture
def market(served_market: Market) -> Iterator[Market]:
    """The market that is served, well and not asked yet; it is left well."""
    served_market.begin_anew()
    yield served_market
    served_market.begin_anew()


@pytest.fixture
def sample_user(tmp_path: Path) -> User:
    """A newcomer: nothing is set but where the cache lies."""
    return User(tmp_path, {"WHEEL_CACHE__DIR": str(tmp_path / "cache")})


@pytest.fixture
def user(tmp_path: Path, market: Market) -> User:
    """A trader with real data who has asked nothing yet."""
    return cboe_user(tmp_path, market.url)


@pytest.fixture(scope="session")
def first_answer(tmp_path_factory: pytest.TempPathFactory, served_market: Market) -> FirstAnswer:
    return FirstAnswer(tmp_path_factory.mktemp("asked") / "once", served_market.url)


@pytest.fixture
def asked(first_answer: FirstAnswer, user: User, market: Market) -> User:
    """A trader with real data who has asked once and was told `earlier`; the market has been asked once a symbol."""
    user.earlier = first_answer.copy(user.folder / "cache")
    user.settings["WHEEL_BROKER__FILE"] = str(first_answer.folder / "positions.csv")
    market.begin_anew()
    market.requests.update(["AAA", "BBB"])
    return user


@pytest.fixture
def wheeler(tmp_path: Path) -> User:
    """A trader of the wheel on the sample market: nine positions on five symbols, out of a file."""
    write_positions(tmp_path / "positions.csv")
    files = {"WHEEL_CACHE__DIR": str(tmp_path / "cache"), "WHEEL_BROKER__FILE": str(tmp_path / "positions.csv")}
    return User(tmp_path, {**files, "WHEEL_BROKER__SOURCE": "file", "WHEEL_SYMBOLS": ",".join(STOCKS)})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, served_market: Market) -> Iterator[Server]:
    """The web server and daemon of a trader with real data, who has used the command line before."""
    user = cboe_user(tmp_path_factory.mktemp("served"), served_market.url)
    at_home(user)
    user.earlier = user.answer()
    with serving(user) as server:
        yield server


@pytest.fixture
def newcomers_server(sample_user: User) -> Iterator[Server]:
    """The web server and daemon of somebody who has set nothing and done nothing."""
    with serving(at_home(sample_user)) as server:
        yield server


@pytest.fixture
def wheelers_server(wheeler: User) -> Iterator[Server]:
    """The web server and daemon of the trader with nine positions."""
    with serving(at_home(wheeler)) as server:
        yield server


@pytest.fixture(params=[Server, GuardedServer], ids=["dagster dev", "wheel ui"])
def either_server(request: pytest.FixtureRequest, sample_user: User) -> Iterator[Server]:
    """The web server and daemon of somebody who has done nothing: Dagster's own way, and ours."""
    with serving(at_home(sample_user), request.param) as server:
        yield server


@pytest.fixture
def guarded_server(sample_user: User) -> Iterator[GuardedServer]:
    """`wheel ui` of somebody who has set nothing, in a folder without a `dagster.yaml`."""
    with serving(sample_user, GuardedServer) as server:
        yield server
