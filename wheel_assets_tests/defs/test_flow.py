"""The flow as plain values says what the assets say."""

import pytest

from wheel_assets.cache.reading.request import optional_inputs
from wheel_assets.definitions import defs
from wheel_assets.defs.flow import STAGES


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_its_asset(name):
    graph = defs.resolve_implicit_global_asset_job_def().asset_layer.asset_graph
    (key,) = (key for key in graph.materializable_asset_keys if key.to_user_string() == name)
    asset, stage = graph.get(key), STAGES[name]
    assert {above.to_user_string() for above in asset.parent_keys} == set(stage.upstream)
    assert {above.to_user_string() for above in optional_inputs(asset.assets_def)} == stage.optional
    assert asset.code_version == stage.code_version


def test_inputs_come_first():
    names = list(STAGES)
    assert all(names.index(above) < names.index(name) for name in names for above in STAGES[name].upstream)
