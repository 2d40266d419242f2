"""The `wheel` command: finds the command that was asked for, and shows an error in one line."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from wheel_assets.errors import INTERRUPTED, WheelError
from wheel_assets.sanitise import one_line

if TYPE_CHECKING:
    from types import TracebackType

# Each command and the module of `wheel_assets.commands` that holds it; a module is imported when it is asked for.
COMMANDS = {
    "recommend": "recommend",
    "job": "recommend",
    "explain": "explain",
    "diff": "comparisons",
    "cycles": "cycles",
    "backtest": "comparisons",
    "scan": "scan",
    "stats": "inspection",
    "costs": "inspection",
    "outcomes": "inspection",
    "report": "report",
    "config": "configuration",
    "login": "configuration",
    "cleanup": "upkeep",
    "clear": "upkeep",
    "backup": "upkeep",
    "restore": "upkeep",
    "migrate": "upkeep",
    "ui": "ui",
}


class _Wheel(click.Group):
    """A group of lazily imported commands that shows an error in one line and leaves with its exit code."""

    def list_commands(self, _: click.Context) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        """The command of this name, imported now."""
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"wheel_assets.commands.{COMMANDS[name]}"), name)
        return command

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
            _leave(error.format_message(), 2)
        except (click.Abort, KeyboardInterrupt):
            _leave(INTERRUPTED, 1)


@click.group(cls=_Wheel, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wheel_assets")
@click.option("--debug", is_flag=True, help="Show Dagster's log, and tracebacks.")
@click.pass_context
def main(context: click.Context, debug: bool) -> None:
    """Advice on the options wheel, on demand from one local cache: what to sell, close, roll or hold now."""
    context.obj = debug


def _tell_unexpected(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    """Show an unexpected error in one line; Python leaves with 1."""
    words = one_line(f"{kind.__name__}: {error}")
    click.echo(f"wheel: error: {words}; unexpected error; rerun with `wheel --debug ...` to see where", err=True)


def _leave(message: str, code: int) -> None:
    click.echo(f"wheel: error: {one_line(message)}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
