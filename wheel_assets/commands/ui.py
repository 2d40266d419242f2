"""`wheel ui`: Dagster's web server, guarded."""

from __future__ import annotations

import sys

import click


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port on 127.0.0.1; 3000 or a free one if not given.")
@click.option("--no-browser", is_flag=True, help="Only print the link.")
@click.option("--read-only", is_flag=True, help="Look only: nothing can be launched or changed.")
def ui(port: int | None, no_browser: bool, read_only: bool) -> None:
    """Open the advice in the browser, on Dagster's web server, for you alone. Ends with Ctrl-C."""
    from wheel_assets.settings import load_settings
    from wheel_assets.web.supervisor import supervise

    load_settings()  # what is wrong with them is said here, in one line
    flags = {"--no-browser": no_browser, "--read-only": read_only}
    asked = [name for name, wanted in flags.items() if wanted]
    sys.exit(supervise(*asked, *(["--port", str(port)] if port else [])))
