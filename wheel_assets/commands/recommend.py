"""`wheel recommend`: the advice; `wheel job`: the same where nothing stays on the machine between two runs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from wheel_assets.commands.context import console, moment


def _finite(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number of dollars.")
    return value


@click.command()
@click.option(
    "--portfolio",
    type=click.FloatRange(min=0, min_open=True),
    callback=_finite,
    help="Dollars to size against.",
)
@click.option(
    "--symbol",
    "symbols",
    multiple=True,
    help="Advise on this symbol; may repeat. Default: the watchlist and all you hold.",
)
@click.option("--account", help="Account to advise on.")
@click.option("--fresh", is_flag=True, help="Fetch and compute everything anew.")
@click.option("--allow-stale", type=click.FloatRange(min=0), help="If data cannot be renewed: minutes old it may be.")
@click.option(
    "--as-of", type=moment, metavar="TIME", help="Replay: as advised from the snapshots in force then, New York time."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("-v", "--verbose", is_flag=True, help="Show all reasons, what was refused and every input too.")
@click.pass_obj
def recommend(
    debug: bool,
    portfolio: float | None,
    symbols: tuple[str, ...],
    account: str | None,
    fresh: bool,
    allow_stale: float | None,
    as_of: datetime | None,
    as_json: bool,
    verbose: bool,
) -> None:
    """What to sell, close, roll or hold now, and why. Advice only: nothing is ever ordered."""
    from wheel_assets.settings import checked_account, checked_symbol, load_settings

    if as_of and (fresh or allow_stale is not None):
        raise click.UsageError("--as-of replays what is cached: it goes with neither --fresh nor --allow-stale.")
    settings = load_settings()
    asked = {
        "symbols": [checked_symbol(symbol) for symbol in symbols] or None,
        "account_id": checked_account(account or settings.account_id),
        "portfolio_value": portfolio or settings.portfolio_value,
        "allow_stale": allow_stale,
    }
    document = _replayed(asked, as_of) if as_of else _answer(asked, fresh=fresh, debug=debug)
    _print(document, as_json=as_json, verbose=verbose)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def job(debug: bool, as_json: bool) -> None:
    """Recommend in a container: put back what lies in WHEEL_BACKUP__DIR, recommend, archive it anew.

    Two at once lose nothing: each writes an archive of its own, and the next one puts both back.
    """
    from wheel_assets.cache.archive.lineage import kept_in
    from wheel_assets.commands.context import settings_and_store
    from wheel_assets.errors import UsageError

    settings, store = settings_and_store()
    if settings.backup.dir is None:
        what, remedy = "there is nowhere to keep the cache between two runs", "set it to gs://BUCKET/FOLDER or s3://…"
        raise UsageError(what, "WHEEL_BACKUP__DIR is not set", remedy)
    asked = {"symbols": None, "account_id": settings.account_id, "portfolio_value": settings.portfolio_value}
    with kept_in(settings.backup.dir, store):
        document = _answer({**asked, "allow_stale": None}, fresh=False, debug=debug)
    _print(document, as_json=as_json)


def _print(document: Mapping[str, Any], *, as_json: bool, verbose: bool = False) -> None:
    """Print an answer as one JSON document, or for a person."""
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    from wheel_assets.show.terminal.answer import show

    show(document, console(), verbose=verbose)


def _answer(asked: Mapping[str, Any], *, fresh: bool, debug: bool) -> dict[str, Any]:
    """The answer that is stored, or else one that is made now."""
    stored = None if fresh or debug else _stored(asked)
    if stored is not None:
        return stored
    from wheel_assets.cache.upkeep.progress import watched
    from wheel_assets.commands import run

    with watched():
        return run.recommend({k: v for k, v in asked.items() if v is not None}, fresh=fresh, debug=debug)


def _replayed(asked: Mapping[str, Any], when: datetime) -> dict[str, Any]:
    from wheel_assets.commands.context import settings_and_store
    from wheel_assets.defs.replay import replayed

    settings, store = settings_and_store()
    return replayed(store, settings, when, **{name: value for name, value in asked.items() if name != "allow_stale"})


def _stored(asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer to the same question that is still in force and fresh: no run starts, and Dagster is not imported."""
    from wheel_assets.commands.context import settings_and_store
    from wheel_assets.defs.flow import stored_answer

    settings, store = settings_and_store()
    if not store.path.exists():
        return None
    return stored_answer(store, settings, asked["symbols"], asked["account_id"], asked["portfolio_value"])
