"""`python -m wheel_assets_tests.market`: every vendor on this machine, made up, until Ctrl-C."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from wheel_assets_tests.market.synthetic import SyntheticMarket


def main() -> None:
    """Serve, and say what to set."""
    parser = argparse.ArgumentParser(description="A made-up market in the protocol of every vendor, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0, which is the default, takes a free one")
    port = parser.parse_args().port
    with TemporaryDirectory() as folder:
        market = SyntheticMarket(port)
        try:
            click.echo(f"# {market.url}, until Ctrl-C. Set these, then name vendors, for example:")
            click.echo("#   WHEEL_MARKET__SOURCE=tradier WHEEL_BROKER__SOURCE=tastytrade wheel recommend")
            for vendor, settings in market.settings(Path(folder)).items():
                click.echo(f"# {vendor}")
                click.echo("\n".join(f"export {name}={value}" for name, value in settings.items()))
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass
        finally:
            market.close()


if __name__ == "__main__":
    main()
