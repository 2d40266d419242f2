"""The freshness states that the UI shows: after a pull, a hit, a forced refresh, a clear, and as time goes by."""

import pytest

ASKED = {"recommendation", "option_chains", "positions", "greeks", "predictions"}
STALE = "{ assetNodes { assetKey { path } staleStatus } }"
TIMES = "{ assetNodes { assetKey { path } assetMaterializations(limit: 1) { timestamp } } }"


def times(server):
    """When each asset was materialized last."""
    nodes = server.ask(TIMES)["assetNodes"]
    events = {node["assetKey"]["path"][0]: node["assetMaterializations"] for node in nodes}
    return {name: found[0]["timestamp"] if found else None for name, found in events.items()}


def becomes(server, state, assets):
    """Wait until these assets have the state."""
    server.wait_for(lambda: {name for name, has in server.freshness().items() if has == state} >= assets)


@pytest.fixture
def hurried_server(user, request):
    """A server whose chains are good for a minute and positions for one and a half; it looks every 2 seconds."""
    user.settings |= {"WHEEL_MAX_AGE__OPTION_CHAINS": "1", "WHEEL_MAX_AGE__POSITIONS": "1.5"}
    user.settings |= {"FRESHNESS_DAEMON_INTERVAL_SECONDS": "2"}
    return request.getfixturevalue("server")


def test_states_follow_the_clock_and_a_hit_leaves_a_warning_as_it_is(hurried_server):
    server = hurried_server
    becomes(server, "HEALTHY", ASKED)
    assert server.freshness()["price_history"] == "UNKNOWN", "never made"
    becomes(server, "WARNING", {"positions"})
    becomes(server, "DEGRADED", {"option_chains", "recommendation"})
    warned = times(server)

    server.materialize("recommendation")
    becomes(server, "HEALTHY", {"option_chains", "recommendation"})
    assert times(server)["positions"] == warned["positions"]
    assert server.freshness()["positions"] != "HEALTHY"
    becomes(server, "DEGRADED", {"positions"})
    server.materialize("positions")
    becomes(server, "HEALTHY", {"positions"})


def test_freshness_follows_what_was_made_and_nothing_else(server, user):
    server.wait_for(lambda: set(server.assets()) >= ASKED)
    becomes(server, "HEALTHY", ASKED)  # pulled on the command line, before there was a server
    pulled = times(server)

    server.materialize("recommendation")
    hit = times(server)
    made = {name for name in ASKED if hit[name] != pulled[name]}
    assert made == {"recommendation"}, "a hit is no materialization"

    user.age("option_chains", 16)
    server.materialize("recommendation")
    renewed = times(server)
    made = {name for name in ASKED if renewed[name] != hit[name]}
    assert made == ASKED - {"positions"}, "what was read through was really made"
    synced = {node["assetKey"]["path"][0]: node["staleStatus"] for node in server.ask(STALE)["assetNodes"]}
    assert synced["recommendation"] == "FRESH", "it was made of what it pulled"

    server.materialize("positions")
    assert times(server)["positions"] > renewed["positions"]
    becomes(server, "HEALTHY", ASKED)

    assert user.run("wheel", "clear", "--yes").returncode == 0
    becomes(server, "UNKNOWN", ASKED)
    assert {name: at for name, at in times(server).items() if name in ASKED and at} == {}
