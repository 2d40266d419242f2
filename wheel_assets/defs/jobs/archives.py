"""Jobs about data of other times: an archive of the cache, and old data taken in."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.store.store import Store
from wheel_assets.cache.upkeep.progress import reporting_progress
from wheel_assets.defs.declare import settings
from wheel_assets.errors import UsageError
from wheel_assets.sanitise import one_line

MOST_LOGGED = 1_000  # rows that were not taken, each an event of the run; `wheel migrate` lists them all


class MigrateConfig(dg.Config):
    """What to take in."""

    file: str = Field(
        description="name of a file in WHEEL_MIGRATE__DIR: an old SQLite or DuckDB file, or CSV, JSON or Parquet "
        "in our column names"
    )
    dry_run: bool = Field(default=False, description="true: only tell what would be taken, and take nothing")


@dg.op(config_schema={})  # nothing: who may launch a run does not choose where everything that is cached goes
def write_archive(context: dg.OpExecutionContext, store: dg.ResourceParam[Store]) -> None:
    """Write everything that is cached to a dated Parquet archive."""
    from wheel_assets.cache.archive.backup import backup as back_up

    with one_line_errors(), reporting_progress("rows archived", context.log.info) as report:
        done = back_up(store, settings().backup.dir or str(settings().cache.backups), report=report)
    context.add_output_metadata(asdict(done))


@dg.op
def take_old_data(context: dg.OpExecutionContext, config: MigrateConfig, store: dg.ResourceParam[Store]) -> None:
    """Take in what an old file holds, under its original times; the first rows that were not taken are logged."""
    from wheel_assets.migrate.migration import migrate as take

    with one_line_errors():
        done = take(store, in_inbox(config.file), dry_run=config.dry_run)
    for refusal in done.refused[:MOST_LOGGED]:
        context.log.warning(one_line(f"{refusal.where}: {refusal.reason}"))
    summary: dict[str, Any] = {**asdict(done), "refused": len(done.refused)}
    context.add_output_metadata(summary)


def in_inbox(name: str) -> Path:
    """The file of this name in the inbox; raises UsageError for one that lies elsewhere, by whatever way.

    Whoever can launch a run, or have a browser launch one, must not choose among all files of this machine.
    """
    inbox = settings().migrate.dir.expanduser().resolve()
    path = (inbox / Path(name).expanduser()).resolve()
    if not path.is_relative_to(inbox):
        remedy = f"move it to {inbox}, or use `wheel migrate FILE`"
        raise UsageError(f"{name[:200]!r} is refused", f"the job reads files in {inbox} only", remedy)
    return path


@dg.job(
    description="Write everything that is cached to a dated Parquet archive in WHEEL_BACKUP__DIR, and nowhere else. "
    "`wheel restore DIR` brings it back, without duplicates."
)
def backup() -> None:
    """An archive."""
    write_archive()


@dg.job(
    description="Take in data of the original design, or exported by hand, under its original times. What is cached "
    "stays as it is; rows that are not taken are listed with their reason.\n\nPut the file into WHEEL_MIGRATE__DIR "
    "and name it in the Launchpad."
)
def migrate() -> None:
    """Old data."""
    take_old_data()


ARCHIVE_JOBS = (backup, migrate)
