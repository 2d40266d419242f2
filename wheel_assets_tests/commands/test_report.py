"""`wheel report` and the asset of that name write the same page."""

from __future__ import annotations

import stat

import dagster as dg
import pytest

from wheel_assets.cli import main as wheel
from wheel_assets.commands import run
from wheel_assets.definitions import defs
from wheel_assets.defs.declare import settings

pytestmark = pytest.mark.slow


def materialize_report(instance):
    job = defs.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(asset_selection=[dg.AssetKey("report")], instance=instance, raise_on_error=False)


def test_the_command_writes_the_page_and_says_where(tmp_path, capsys):
    wheel(["report", "mine.html"])
    page = tmp_path / "mine.html"
    assert capsys.readouterr().out == f"report  {page}\n"
    assert page.read_text().startswith("<!doctype html>")
    assert "SAMPLE DATA" in page.read_text()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_a_page_that_cannot_be_written_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        wheel(["report", "file/r.html"])
    assert capsys.readouterr().err.startswith("wheel: error: file/r.html cannot be written; ")


def test_the_asset_shows_the_newest_answer_and_links_to_its_page(monkeypatch):
    with dg.DagsterInstance.ephemeral() as home:
        assert not materialize_report(home).success
        job = defs.resolve_implicit_global_asset_job_def()
        job.execute_in_process(asset_selection=[run.QUESTION], instance=home)
        (event,) = materialize_report(home).asset_materializations_for_node("report")
    file = settings().cache.dir / "report.html"
    assert event.metadata["page"].value == file.resolve().as_uri()
    assert "SELL TO OPEN" in file.read_text()
