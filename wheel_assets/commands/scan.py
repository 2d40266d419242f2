"""`wheel scan`: the best puts of many symbols."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wheel_assets.commands.context import console

if TYPE_CHECKING:
    import dagster as dg

    from wheel_assets.settings import Settings

TOP = 20


@click.command()
@click.option(
    "--symbols-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Symbols to scan: one a line, or a CSV with a column Symbol or Ticker, such as the list of an index.",
)
@click.option("--symbol", "symbols", multiple=True, help="Scan this symbol; may repeat. Default: all scanned before.")
@click.option("--fresh", is_flag=True, help="Fetch and value everything anew.")
@click.option("--top", type=click.IntRange(1, 100_000), default=TOP, show_default=True, help="Lines to print.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def scan(
    debug: bool, symbols_file: Path | None, symbols: tuple[str, ...], fresh: bool, top: int, as_json: bool
) -> None:
    """The best put of each of many symbols, by your rules, best first. Only what is not fresh is fetched and valued."""
    from wheel_assets.errors import RunFailed
    from wheel_assets.scan.universe import UNIVERSE, symbols_of
    from wheel_assets.settings import checked_symbol, load_settings

    settings = load_settings()
    listed, refused = symbols_of(symbols_file) if symbols_file else ([], {})
    asked = [*listed, *map(checked_symbol, symbols)]
    with _instance(settings) as instance:
        known = list(instance.get_dynamic_partitions(UNIVERSE))
        wanted = list(dict.fromkeys(asked or known or settings.symbols))
        if new := [symbol for symbol in wanted if symbol not in set(known)]:
            instance.add_dynamic_partitions(UNIVERSE, new)
        not_evaluated = _scan_stale(instance, settings, wanted, [*known, *new], fresh=fresh, debug=debug)
    missing = {symbol: not_evaluated[symbol] for symbol in wanted if symbol in not_evaluated}
    if len(missing) == len(wanted):
        raise RunFailed(f"none of {len(wanted)} symbols was evaluated", f"{wanted[0]}: {missing[wanted[0]]}")
    document = _document(settings, wanted, missing)
    document["not_evaluated"] |= refused
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    from wheel_assets.show.terminal.scan import show_scan

    show_scan(document, top, console())


@contextmanager
def _instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Dagster's records, which hold the universe: the same as of `wheel ui`."""
    import dagster as dg

    from wheel_assets.instance.home import instance_ref

    with tempfile.TemporaryDirectory() as scratch:
        ref = instance_ref(Path(scratch), settings.cache.records)
        with dg.DagsterInstance.from_ref(ref) as instance:
            yield instance


def _scan_stale(
    instance: dg.DagsterInstance,
    settings: Settings,
    wanted: Sequence[str],
    universe: Sequence[str],
    *,
    fresh: bool,
    debug: bool,
) -> dict[str, str]:
    """Run the scan for the batches that hold a wanted symbol without a result in force; why, by symbol, some failed."""
    from wheel_assets.errors import RunFailed
    from wheel_assets.scan.universe import blocks

    current = set() if fresh else set(_in_force(settings))
    stale = {symbol for symbol in wanted if symbol not in current}
    batches = [list(block) for block in blocks(universe, settings.scan.batch)]
    ranges: list[list[str]] = []
    last = -2
    for number, batch in enumerate(batches):
        if stale & set(batch):
            ranges = [*ranges[:-1], [*ranges[-1], *batch]] if number == last + 1 else [*ranges, batch]
            last = number
    not_evaluated: dict[str, str] = {}
    for keys in ranges:
        try:
            not_evaluated |= _run(instance, keys, fresh=fresh, debug=debug)
        except RunFailed as error:  # costs its own symbols
            if len(ranges) == 1:
                raise
            not_evaluated |= dict.fromkeys(keys, f"{error}")
    return not_evaluated


def scan_job() -> dg.JobDefinition:
    """The job of the scan; its workers import it from here."""
    from wheel_assets.definitions import defs

    return defs.resolve_job_def("scan_universe")


def _run(instance: dg.DagsterInstance, keys: Sequence[str], *, fresh: bool, debug: bool) -> dict[str, str]:
    """One run over neighbours in the universe; why, by symbol, some were not evaluated. Raises RunFailed."""
    import dagster as dg
    from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

    from wheel_assets.cache.reading.one_line_errors import OneLineError
    from wheel_assets.cache.reading.pull import failure_message
    from wheel_assets.errors import RunFailed
    from wheel_assets.instance.event_log import BATCH_SIZE

    os.environ.setdefault(BATCH_SIZE, "1000")  # of this process and the workers that it starts
    config = {"config": {"max_age_minutes": {"option_chains": 0.0}}} if fresh else {}
    try:
        job = dg.reconstructable(scan_job)
    except OneLineError as error:  # a setting that the definitions refuse
        raise error.error from error
    result = dg.execute_job(
        job,
        instance,
        run_config={
            "ops": {"scan": {"ops": {"fetch_chains": config}}},
            "loggers": {"console": {"config": {"log_level": "DEBUG" if debug else "CRITICAL"}}},
        },
        tags={ASSET_PARTITION_RANGE_START_TAG: keys[0], ASSET_PARTITION_RANGE_END_TAG: keys[-1]},
    )
    for event in result.all_events:
        if message := failure_message(event):
            raise RunFailed(message)
    if not result.success:
        raise RunFailed("the scan did not end", "a worker was lost", "run it again: what was done is kept")
    return dict(_not_evaluated(result.all_events))


def _not_evaluated(events: Sequence[dg.DagsterEvent]) -> Iterator[tuple[str, str]]:
    for event in events:
        if event.is_step_materialization and event.partition:
            why = event.step_materialization_data.materialization.metadata.get("not_evaluated")
            if why is not None:
                yield event.partition, str(why.value)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _in_force(settings: Settings) -> list[str]:
    from wheel_assets.scan.ranking import in_force
    from wheel_assets.scan.snapshots import ScanFolder

    return in_force(ScanFolder(settings.scan.dir), now=_now(), **_limits(settings))


def _limits(settings: Settings) -> dict[str, Any]:
    from wheel_assets.defs.flow import scan_fingerprints

    age: timedelta = settings.max_age.of("option_chains")
    return {"max_age": age, "fingerprint": scan_fingerprints(settings)[1]}


def _document(settings: Settings, wanted: Sequence[str], not_evaluated: dict[str, str]) -> dict[str, Any]:
    """What was found, as plain values: of a symbol that was not evaluated now, no older result."""
    from wheel_assets.scan.ranking import ranked
    from wheel_assets.scan.snapshots import ScanFolder
    from wheel_assets.scan.valuation import cash_of
    from wheel_assets.show.answer import SAMPLE

    ranking = ranked(ScanFolder(settings.scan.dir), now=_now(), **_limits(settings))
    ranking = ranking[ranking["symbol"].isin(set(wanted) - set(not_evaluated))] if len(ranking) else ranking
    ranking = ranking.assign(rank=range(1, len(ranking) + 1))
    return {
        "symbols": len(wanted),
        "cash": cash_of(settings),
        "sample": bool(len(ranking)) and SAMPLE in set(ranking["source"]),
        "ranking": [_plain(row) for row in ranking.to_dict("records")],
        "not_evaluated": dict(not_evaluated),
    }


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    import pandas as pd

    return {
        str(name): None if pd.isna(value) else value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
    }
