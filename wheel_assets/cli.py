"""The `wheel` command: reads the arguments, asks, prints."""

from __future__ import annotations

import json
import math
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from wheel_assets.errors import WheelError

if TYPE_CHECKING:
    from rich.console import Console

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


def _console() -> Console:
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)


def _tell_unexpected(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    """The last word on an error that nobody foresaw: still one line; Python leaves with 1."""
    words = " ".join(f"{kind.__name__}: {error}".split())
    click.echo(f"wheel: error: {words}; nobody foresaw this; `wheel --debug ...` shows where", err=True)


def _leave(message: str, code: int) -> None:
    click.echo(f"wheel: error: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
