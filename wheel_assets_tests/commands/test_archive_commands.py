"""`wheel backup`, `wheel restore`, `wheel migrate`, and the jobs `backup` and `migrate`."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from wheel_assets.cache.archive.backup import backup
from wheel_assets.cache.reading.one_line_errors import OneLineError
from wheel_assets.cache.store.store import Entry, Store
from wheel_assets.cli import main
from wheel_assets.definitions import defs
from wheel_assets.defs.declare import settings
from wheel_assets.fetch.sample.sources import SampleMarket
from wheel_assets_tests.forked import wheel

FOLDER = Path("home/.wheel_trading/cache")  # where the settings' defaults lead in a test


@pytest.fixture
def chain():
    return SampleMarket().option_chain("U", datetime(2026, 11, 23, 15, tzinfo=UTC)).frame.head(30)


@pytest.fixture
def filled(tmp_path, chain) -> Store:
    """The cache of the default settings, with one chain in it."""
    store = Store(tmp_path / FOLDER / "wheel_cache.duckdb")
    store.put("option_chains", [Entry("U", chain, "sample")])
    return store


def chains(store: Store) -> int:
    return len(store.index([("option_chains", "U")])[0])


@pytest.mark.slow
def test_backup_and_restore(filled, tmp_path):
    told = json.loads(wheel("backup", "out", "--json").stdout)
    assert told["rows"] == {"option_chains": 30, "snapshots": 1, "api_calls": 0}
    filled.maintenance.clear()
    assert "option_chains 1; 0 were here already" in wheel("restore", "out").stdout
    assert chains(filled) == 1


def test_a_damaged_archive_is_one_line(filled, tmp_path):
    place = Path(backup(filled, "out").place)
    (place / "option_chains" / "00000.parquet").write_bytes(b"PAR1")
    done = CliRunner().invoke(main, ["restore", "out"])
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("wheel: error: the archive out/wheel-")


def test_no_archive_is_wrong_use(tmp_path):
    assert CliRunner().invoke(main, ["restore", "nowhere"]).exit_code == 2


@pytest.fixture
def exported(tmp_path, chain) -> Path:
    """The chain as CSV, with one bad row."""
    with Path("chain.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(chain.columns)
        writer.writerows([["" if value != value else value for value in row] for row in chain.astype("object").values])
        writer.writerow(["soon", *[""] * (len(chain.columns) - 1)])
    return Path("chain.csv")


def test_migrate_tells_what_it_will_do_then_does_it_once(exported, tmp_path):
    outputs = [CliRunner().invoke(main, ["migrate", str(exported), *more]).stdout for more in (["--dry-run"], [], [])]
    assert "1 snapshots would be taken; 0 are here already" in outputs[0]
    assert "1 snapshots were taken; 0 are here already" in outputs[1]
    assert "0 snapshots were taken; 1 are here already" in outputs[2]
    assert all("not taken: row 32: Invalid isoformat string: 'soon'" in output for output in outputs)
    assert chains(Store(tmp_path / FOLDER / "wheel_cache.duckdb")) == 1


def run(job: str, store: Store, **config: object) -> dg.ExecuteInProcessResult:
    """Run a job over this cache."""
    definition = defs.resolve_job_def(job)
    (op,) = definition.nodes
    asked = {"ops": {op.name: {"config": config}}} if config else None
    return definition.execute_in_process(asked, resources={"store": store})


@pytest.fixture
def told(monkeypatch) -> Iterator[Callable[..., None]]:
    """Set variables that the jobs read their settings from."""

    def set_all(**variables: object) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        settings.cache_clear()

    yield set_all
    settings.cache_clear()


def test_the_job_backup_writes_an_archive_where_the_settings_say(filled, tmp_path, told):
    told(WHEEL_BACKUP__DIR=tmp_path / "out")
    assert run("backup", filled).success
    assert len(list((tmp_path / "out").glob("wheel-*/manifest.json"))) == 1


def test_the_job_backup_is_told_no_other_destination(filled, tmp_path):
    with pytest.raises(dg.DagsterInvalidConfigError):
        run("backup", filled, destination=str(tmp_path / "out"))


@pytest.mark.parametrize("name", ["{here}/chain.csv", "../chain.csv", "link.csv", "~/chain.csv", "link/chain.csv"])
def test_the_job_migrate_reads_its_inbox_only(exported, filled, tmp_path, told, name):
    told(WHEEL_MIGRATE__DIR=tmp_path / "inbox")
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "link.csv").symlink_to(tmp_path / "chain.csv")
    (tmp_path / "inbox" / "link").symlink_to(tmp_path)
    with pytest.raises(OneLineError, match="is refused; the job reads files in .*inbox only"):
        run("migrate", filled, file=name.format(here=tmp_path))


def test_the_job_migrate_logs_what_it_could_not_take(exported, filled, tmp_path, told, capfd):
    told(WHEEL_MIGRATE__DIR=tmp_path / "inbox")
    (tmp_path / "inbox").mkdir()
    exported.rename(tmp_path / "inbox" / "chain.csv")
    assert run("migrate", filled, file="chain.csv").success
    assert "row 32: Invalid isoformat string: 'soon'" in capfd.readouterr().err
    assert chains(filled) == 2


@pytest.mark.parametrize("job", ["backup", "migrate"])
def test_every_field_of_a_job_is_described(job):
    (op,) = defs.resolve_job_def(job).nodes
    fields = getattr(op.definition.config_schema.config_type, "fields", {})
    assert all(field.description for field in fields.values())
