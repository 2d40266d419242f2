"""Jobs: backup of the cache, import of old data."""

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

MOST_LOGGED = 1_000  # refused rows that are logged, each an event of the run; `wheel migrate` lists them all


class MigrateConfig(dg.Config):
    """Run config of an import."""

    file: str = Field(
        description="name of a file in WHEEL_MIGRATE__DIR: an old SQLite or DuckDB file, or CSV, JSON or Parquet "
        "in our column names"
    )
    dry_run: bool = Field(default=False, description="true: only report what would be imported, and import nothing")


@dg.op(config_schema={})  # without config: a user who may launch runs must not choose where the cache is copied to
def write_archive(context: dg.OpExecutionContext, store: dg.ResourceParam[Store]) -> None:
    """Write everything that is cached to a dated Parquet archive."""
    from wheel_assets.cache.archive.backup import backup as back_up

    with one_line_errors(), reporting_progress("rows archived", context.log.info) as report:
        done = back_up(store, settings().backup.dir or str(settings().cache.backups), report=report)
    context.add_output_metadata(asdict(done))


@dg.op
def take_old_data(context: dg.OpExecutionContext, config: MigrateConfig, store: dg.ResourceParam[Store]) -> None:
    """Import an old file under its original times; the first refused rows are logged."""
    from wheel_assets.migrate.migration import migrate as take

    with one_line_errors():
        done = take(store, in_inbox(config.file), dry_run=config.dry_run)
    for refusal in done.refused[:MOST_LOGGED]:
        context.log.warning(one_line(f"{refusal.where}: {refusal.reason}"))
    summary: dict[str, Any] = {**asdict(done), "refused": len(done.refused)}
    context.add_output_metadata(summary)


def in_inbox(name: str) -> Path:
    """The file of this name in the inbox; raises UsageError for one outside it, also by a link or `..`.

    A user who can launch runs, or a page that has a browser launch one, must not read other files of this machine.
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
    """Write an archive of the cache."""
    write_archive()


@dg.job(
    description="Take in data of the original design, or exported by hand, under its original times. What is cached "
    "stays as it is; rows that are not taken are listed with their reason.\n\nPut the file into WHEEL_MIGRATE__DIR "
    "and name it in the Launchpad."
)
def migrate() -> None:
    """Import old data."""
    take_old_data()


ARCHIVE_JOBS = (backup, migrate)
