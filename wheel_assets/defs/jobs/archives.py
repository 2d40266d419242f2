"""Jobs about data of other times: an archive of the cache, and old data taken in."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from wheel_assets.cache.reading.one_line import one_sentence
from wheel_assets.cache.store.store import Store
from wheel_assets.defs.declare import settings
from wheel_assets.sanitise import one_line


class BackupConfig(dg.Config):
    """Where to."""

    destination: str = Field(
        default=settings().backup.dir or str(settings().cache.dir.parent / "backups"),
        description="folder, or a URL such as gs://bucket/folder; each archive gets a dated folder in it",
    )


class MigrateConfig(dg.Config):
    """What to take in."""

    file: str = Field(
        description="path of an old SQLite or DuckDB file, or of a CSV, JSON or Parquet file in our column names"
    )
    dry_run: bool = Field(default=False, description="true: only tell what would be taken, and take nothing")


@dg.op
def write_archive(context: dg.OpExecutionContext, config: BackupConfig, store: dg.ResourceParam[Store]) -> None:
    """Write everything that is cached to a dated Parquet archive."""
    from wheel_assets.cache.archive.backup import backup as back_up

    with one_sentence():
        context.add_output_metadata(asdict(back_up(store, config.destination)))


@dg.op
def take_old_data(context: dg.OpExecutionContext, config: MigrateConfig, store: dg.ResourceParam[Store]) -> None:
    """Take in what an old file holds, under its original times; every row that was not taken is logged."""
    from wheel_assets.migrate.migration import migrate as take

    with one_sentence():
        done = take(store, Path(config.file), dry_run=config.dry_run)
    for refusal in done.refused:
        context.log.warning(one_line(f"{refusal.where}: {refusal.reason}"))
    told: dict[str, Any] = {**asdict(done), "refused": len(done.refused)}
    context.add_output_metadata(told)


@dg.job(
    description="Write everything that is cached to a dated Parquet archive, in a folder or a bucket. "
    "`wheel restore DIR` brings it back, without duplicates."
)
def backup() -> None:
    """An archive."""
    write_archive()


@dg.job(
    description="Take in data of the original design, or exported by hand, under its original times. What is cached "
    "stays as it is; every row that is not taken is told with its reason.\n\nName the `file` in the Launchpad."
)
def migrate() -> None:
    """Old data."""
    take_old_data()


ARCHIVE_JOBS = (backup, migrate)
