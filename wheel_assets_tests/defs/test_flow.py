"""The flow as plain values says what the assets say."""

import pytest

from wheel_assets.cache.reading.asset_tables import AssetTables
from wheel_assets.cache.reading.validation import checked
from wheel_assets.definitions import defs
from wheel_assets.defs.flow import STAGES
from wheel_assets.tables import STORED_TABLES


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_its_asset(name):
    graph = defs.resolve_asset_graph()
    declared = AssetTables(graph, "io_manager", {table.name: table for table in STORED_TABLES}, {}, lambda table: "")
    (key,) = (key for key in graph.materializable_asset_keys if key.to_user_string() == name)
    asset, stage = graph.get(key), STAGES[name]
    assert {above.to_user_string() for above in asset.parent_keys} == set(stage.upstream)
    assert {above.to_user_string() for above in declared.optional_inputs(key)} == stage.optional
    assert asset.code_version == stage.code_version


def test_the_definitions_fit_the_cache():
    assert checked(defs) is defs


def test_inputs_come_first():
    names = list(STAGES)
    assert all(names.index(above) < names.index(name) for name in names for above in STAGES[name].upstream)
