"""The `wheel` command: reads the arguments, asks, prints."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from wheel_assets.errors import WheelError

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

    from wheel_assets.cache.store import Store
    from wheel_assets.settings import Settings

PIPED_WIDTH = 110  # columns, where there is no terminal to ask


class _Wheel(click.Group):
    """A group that tells an error in one line and leaves with its exit code."""

    def main(self, *args: Any, **options: Any) -> Any:
        """As click's, but for our errors; `--debug` lets the traceback through."""
        if "--debug" not in sys.argv:
            sys.excepthook = _tell_unexpected
        try:
            return super().main(*args, **{**options, "standalone_mode": False})
        except WheelError as error:
            if "--debug" in sys.argv:
                raise
            _leave(str(error), error.exit_code)
        except click.ClickException as error:
            _leave(" ".join(error.format_message().split()), 2)
        except (click.Abort, KeyboardInterrupt):
            _leave("interrupted; nothing that was stored is lost", 1)


@click.group(cls=_Wheel, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wheel_assets")
@click.option("--debug", is_flag=True, help="Show Dagster's log, and tracebacks.")
@click.pass_context
def main(context: click.Context, debug: bool) -> None:
    """What should I do now? The options wheel, answered on demand from one local cache."""
    context.obj = debug


def _finite(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a number of dollars.")
    return value


def _svg(_: click.Context, __: click.Parameter, value: str | None) -> Path | None:
    if value is not None and not value.lower().endswith(".svg"):
        raise click.BadParameter(f"{value} does not end in .svg, the only format drawn.")
    return None if value is None else Path(value)


@main.command()
@click.option(
    "--portfolio",
    type=click.FloatRange(min=0, min_open=True),
    callback=_finite,
    help="Dollars to size against.",
)
@click.option("--symbol", "symbols", multiple=True, help="Advise on this symbol; may repeat. Default: the watchlist.")
@click.option("--account", help="Account to advise on.")
@click.option("--fresh", is_flag=True, help="Fetch and compute everything anew.")
@click.option("--allow-stale", type=click.FloatRange(min=0), help="If data cannot be renewed: minutes old it may be.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_obj
def recommend(
    debug: bool,
    portfolio: float | None,
    symbols: tuple[str, ...],
    account: str | None,
    fresh: bool,
    allow_stale: float | None,
    as_json: bool,
) -> None:
    """What to sell, close, roll or hold now, and why. Advice only: nothing is ever ordered."""
    from wheel_assets.settings import checked_account, checked_symbol, load_settings

    settings = load_settings()
    asked = {
        "symbols": [checked_symbol(symbol) for symbol in symbols] or list(settings.symbols),
        "account_id": checked_account(account or settings.account_id),
        "portfolio_value": portfolio or settings.portfolio_value,
        "allow_stale": allow_stale,
    }
    from wheel_assets import ask
    from wheel_assets.cache.progress import watched

    with watched():
        document = ask.recommend({k: v for k, v in asked.items() if v is not None}, fresh=fresh, debug=debug)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        from wheel_assets.recommend.terminal import show

        show(document, _console())


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def config(as_json: bool) -> None:
    """Every setting in force; secrets are hidden."""
    from wheel_assets.settings import effective, load_settings

    rows = effective(load_settings())
    if as_json:
        click.echo(json.dumps({name: value for name, value, _ in rows}, indent=2))
        return
    from rich.table import Table

    table = Table("setting", "value", "meaning", box=None)
    for row in rows:
        table.add_row(*row)
    _console().print(table)


@main.command()
@click.argument("broker", type=click.Choice(["schwab"]))
@click.option("--paste", is_flag=True, help="Do not listen for the browser: ask for the address it ends at.")
def login(broker: str, paste: bool) -> None:
    """Log in to Schwab: open a page and agree there. Schwab wants it anew every seven days."""
    from datetime import UTC

    from wheel_assets.cache.ledger import ledger_of
    from wheel_assets.fetch.schwab_login import SchwabLogin
    from wheel_assets.fetch.schwab_terminal import agreed
    from wheel_assets.fetch.schwab_token import login_end

    settings, store = _settings_and_store()
    with ledger_of(store).kept() as ledger:
        attempt = SchwabLogin(settings.schwab, ledger.record)
        redirect = agreed(attempt, paste)
        now = store.clock().replace(tzinfo=UTC)
        attempt.finish(redirect, now)
    click.echo(f"logged in for seven days, until {login_end(now)}; the login is kept in {settings.schwab.token_file}")


def _console() -> Console:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)


def _tell_unexpected(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    """The last word on an error that nobody foresaw: still one line; Python leaves with 1."""
    words = " ".join(f"{kind.__name__}: {error}".split())
    click.echo(f"wheel: error: {words}; nobody foresaw this; `wheel --debug ...` shows where", err=True)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def stats(as_json: bool) -> None:
    """What is cached, how old it is, how often it was of use, what it takes and what it cost."""
    from wheel_assets.cache.stats import stats as statistics
    from wheel_assets.cache.terminal import show_stats

    settings, store = _settings_and_store()
    document = statistics(store, settings.max_age.of)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        show_stats(document, settings.budget.monthly_usd, _console())


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def costs(as_json: bool) -> None:
    """API calls, hits saved and dollars by source and month, against the plan and the budget."""
    from wheel_assets.cache.terminal import show_costs
    from wheel_assets.costs import costs as bill

    settings, store = _settings_and_store()
    document = bill(store, settings.budget.monthly_usd)
    click.echo(json.dumps(document, indent=2)) if as_json else show_costs(document, _console())


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--symbol", "symbols", multiple=True, help="Only predictions on this symbol; may repeat.")
@click.option("--model", help="Only predictions of this version of the model.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only predictions from quotes of this day (UTC) on.")
@click.option("--plot", metavar="FILE.svg", callback=_svg, help="Draw the reliability diagram.")
def outcomes(
    as_json: bool, symbols: tuple[str, ...], model: str | None, since: datetime | None, plot: Path | None
) -> None:
    """Were the predictions right? Those that have expired, scored beside |delta| and N(d2)."""
    from wheel_assets.cache.forecasts import Which
    from wheel_assets.outcomes import draw
    from wheel_assets.outcomes import outcomes as audit
    from wheel_assets.predict.terminal import show_outcomes
    from wheel_assets.settings import checked_symbol

    which = Which(tuple(checked_symbol(symbol) for symbol in symbols) or None, model, since)
    _, store = _settings_and_store()
    document = audit(store, which)
    if plot:
        draw(document, plot)
    click.echo(json.dumps(document, indent=2)) if as_json else show_outcomes(document, _console())


@main.command()
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def cleanup(dry_run: bool, as_json: bool) -> None:
    """Retention now: what is too old or too much goes, the file is compacted, old run records go."""
    from wheel_assets.ask import instance
    from wheel_assets.cache.terminal import show_removal
    from wheel_assets.defs.jobs import clean_up

    _, store = _settings_and_store()
    with instance() as home:
        told = clean_up(store, home, dry_run)
    click.echo(json.dumps(told, indent=2)) if as_json else show_removal(told, _console())


@main.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def clear(yes: bool, as_json: bool) -> None:
    """Empty the cache. The ledger of API calls stays."""
    _, store = _settings_and_store()
    if not yes and not click.confirm(f"Remove everything that is cached in {store.path}?", err=True):
        raise click.ClickException("nothing was removed")
    from wheel_assets.ask import instance
    from wheel_assets.cache.terminal import show_removal
    from wheel_assets.defs.jobs import clear as clear_all

    with instance() as home:
        told = clear_all(store, home)
    click.echo(json.dumps(told, indent=2)) if as_json else show_removal(told, _console())


@main.command()
@click.argument("destination", metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def backup(destination: str, as_json: bool) -> None:
    """Write everything that is cached to a dated Parquet archive in DIR: a folder, or a URL such as gs://bucket."""
    from wheel_assets.cache.archive import backup as back_up
    from wheel_assets.cache.archive_terminal import show_backup

    _, store = _settings_and_store()
    done = back_up(store, destination)
    click.echo(json.dumps(asdict(done), indent=2)) if as_json else show_backup(done, _console())


@main.command()
@click.argument("source", metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def restore(source: str, as_json: bool) -> None:
    """Put back the archive in DIR, or the newest of those that lie there. What is here stays as it is."""
    from wheel_assets.cache.archive import restore as put_back
    from wheel_assets.cache.archive_terminal import show_restored

    _, store = _settings_and_store()
    done = put_back(store, source)
    click.echo(json.dumps(asdict(done), indent=2)) if as_json else show_restored(done, _console())


@main.command()
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Only tell what would be taken.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def migrate(file: str, dry_run: bool, as_json: bool) -> None:
    """Take in old data: SQLite or DuckDB of the original design, or CSV, JSON or Parquet in our column names."""
    from wheel_assets.migrate.migration import migrate as take
    from wheel_assets.migrate.terminal import show_migration

    _, store = _settings_and_store()
    done = take(store, file, dry_run=dry_run)
    click.echo(json.dumps(asdict(done), indent=2)) if as_json else show_migration(done, _console())


def _settings_and_store() -> tuple[Settings, Store]:
    """The settings in force and the cache that they name."""
    from wheel_assets.cache.maintenance import Limits
    from wheel_assets.cache.store import store_at
    from wheel_assets.settings import load_settings

    settings = load_settings()
    return settings, store_at(settings.cache.file, Limits.of(settings.cache))


def _leave(message: str, code: int) -> None:
    click.echo(f"wheel: error: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
