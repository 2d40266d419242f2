"""The freshness states that the UI shows: after a pull, a hit, a forced refresh, a clear, and as time goes by."""

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


def made(server, act):
    """Which of the assets asked for an act made."""
    before = times(server)
    act()
    after = times(server)
    return {name for name in ASKED if after[name] != before[name]}


def test_states_follow_the_clock_and_what_was_made_and_nothing_else(server):
    becomes(server, "HEALTHY", ASKED)  # pulled on the command line, before there was a server
    assert server.freshness()["price_history"] == "UNKNOWN", "never made"
    assert made(server, lambda: server.materialize("recommendation")) == {"recommendation"}, "a hit makes nothing"
    what_is_read_through_is_made(server)
    a_warning_ends_when_it_is_made_anew(server)
    assert server.user.run("wheel", "clear", "--yes").returncode == 0
    becomes(server, "UNKNOWN", ASKED)
    assert {name: at for name, at in times(server).items() if name in ASKED and at} == {}


def what_is_read_through_is_made(server):
    """Chains that are too old are pulled; positions that warn are a hit, and go on warning."""
    server.user.age("option_chains", 16)
    server.age(16, "option_chains", "recommendation")
    server.age(22, "positions")
    becomes(server, "DEGRADED", {"option_chains", "recommendation"})
    becomes(server, "WARNING", {"positions"})
    assert made(server, lambda: server.materialize("recommendation")) == ASKED - {"positions"}
    becomes(server, "HEALTHY", ASKED - {"positions"})
    assert server.freshness()["positions"] == "WARNING"
    synced = {node["assetKey"]["path"][0]: node["staleStatus"] for node in server.ask(STALE)["assetNodes"]}
    assert synced["recommendation"] == "FRESH", "it was made of what it pulled"


def a_warning_ends_when_it_is_made_anew(server):
    server.age(60, "positions")
    becomes(server, "DEGRADED", {"positions"})
    assert made(server, lambda: server.materialize("positions")) == {"positions"}
    becomes(server, "HEALTHY", ASKED)
