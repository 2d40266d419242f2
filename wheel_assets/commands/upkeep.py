"""`wheel cleanup`, `clear`, `backup`, `restore` and `migrate`: upkeep of the cache, by hand."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from wheel_assets.commands.context import console, settings_and_store
from wheel_assets.errors import RunFailed
from wheel_assets.sanitise import one_line

if TYPE_CHECKING:
    from wheel_assets.cache.store.store import Store


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def cleanup(dry_run: bool, as_json: bool) -> None:
    """Retention now: what is too old or too much goes, the file is compacted, old run records go."""
    from wheel_assets.defs.jobs.upkeep import clean_up, clean_up_runs
    from wheel_assets.instance.home import opened
    from wheel_assets.show.terminal.cache import show_removal

    _, store = settings_and_store()
    removal = clean_up(store, dry_run)
    with opened() as instance:  # afterwards: on a full disk the cache has made room by now
        removal["runs"] = clean_up_runs(store, instance, dry_run)
    click.echo(json.dumps(removal, indent=2)) if as_json else show_removal(removal, console())


@click.command()
@click.option("--yes", is_flag=True, help="Do not run.")
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def clear(yes: bool, dry_run: bool, as_json: bool) -> None:
    """Empty the cache. The ledger of API calls stays."""
    _, store = settings_and_store()
    if not yes and not dry_run and not click.confirm(_question(store), err=True):
        raise click.ClickException("nothing was removed")
    from wheel_assets.defs.jobs.upkeep import clear as clear_all
    from wheel_assets.instance.home import opened
    from wheel_assets.instance.run_records import forget_materializations
    from wheel_assets.show.terminal.cache import show_removal

    removal = clear_all(store, dry_run)
    if not dry_run:
        with opened() as instance:  # afterwards: on a full disk there is room by now
            forget_materializations(instance, list(store.tables))
    click.echo(json.dumps(removal, indent=2)) if as_json else show_removal(removal, console())


def _question(store: Store) -> str:
    return one_line(f"Remove everything that is cached in {store.path}?")


@click.command()
@click.argument("destination", metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def backup(destination: str, as_json: bool) -> None:
    """Write everything that is cached to a dated Parquet archive in DIR: a folder, or a URL such as gs://bucket."""
    from wheel_assets.cache.archive.backup import backup as back_up
    from wheel_assets.show.terminal.archive import show_backup

    _, store = settings_and_store()
    done = back_up(store, destination)
    click.echo(json.dumps(asdict(done), indent=2)) if as_json else show_backup(done, console())


@click.command()
@click.argument("source", metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def restore(source: str, as_json: bool) -> None:
    """Put back the archive in DIR, or the newest of those that lie there. What is here stays as it is."""
    from wheel_assets.cache.archive.restore import restore as put_back
    from wheel_assets.show.terminal.archive import show_restored

    _, store = settings_and_store()
    done = put_back(store, source)
    click.echo(json.dumps(asdict(done), indent=2)) if as_json else show_restored(done, console())


@click.command()
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Only show what would be taken.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def migrate(file: str, dry_run: bool, as_json: bool) -> None:
    """Take in old data: SQLite or DuckDB of the original design, or CSV, JSON or Parquet in our column names."""
    from wheel_assets.migrate.migration import migrate as take
    from wheel_assets.show.terminal.migration import show_migration

    _, store = settings_and_store()
    done = take(store, file, dry_run=dry_run)
    click.echo(json.dumps(asdict(done), indent=2)) if as_json else show_migration(done, console())
    if not done.snapshots:
        why = "no row of it fits a table" if done.refused else "there is no row in it"
        raise RunFailed(
            f"nothing of {file} was imported", why, "see above for each row's reason" if done.refused else ""
        )
