"""A file of an older version is brought up to date with all that it holds, and stays verifiable."""

import pandas as pd
import pytest

from wheel_assets.cache.store import Entry, Store
from wheel_assets.tables import RISK_FREE_RATE


@pytest.fixture
def store_of_version_1(tmp_path, clock, make_frame):
    """A cache as the first version made it: its rates have no tenor."""
    store = Store(tmp_path / "wheel_cache.duckdb", clock=clock)
    store.put("risk_free_rate", [Entry("all", make_frame(RISK_FREE_RATE), "FRED DGS3MO")])
    with store.file.transaction() as connection:
        connection.execute("ALTER TABLE risk_free_rate DROP COLUMN tenor_years")
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
        connection.execute(
            "UPDATE snapshots SET content_hash = (SELECT regexp_replace(content_hash, '[0-9a-f]{16}$', '') "
            "|| format('{:016x}', bit_xor(hash(t))) FROM risk_free_rate t)"
        )
    return Store(store.path, clock=clock)


def test_rates_of_version_1_were_of_three_months(store_of_version_1):
    frame = store_of_version_1.get("risk_free_rate", [1])
    assert frame["tenor_years"].tolist() == [0.25] * 3
    assert frame["value"].tolist() == [0.2] * 3


def test_what_was_brought_up_to_date_survives_a_compaction(store_of_version_1, make_frame):
    (new,) = store_of_version_1.put("risk_free_rate", [Entry("all", make_frame(RISK_FREE_RATE, 2), "fred")])
    with store_of_version_1.file.attached() as connection:
        assert store_of_version_1.file.rewrite(connection) == [1, new.snapshot_id]
    frames = [store_of_version_1.get("risk_free_rate", [i]) for i in (1, new.snapshot_id)]
    assert [len(frame) for frame in frames] == [3, 2]
    pd.testing.assert_index_equal(frames[0].columns, frames[1].columns)
