"""`wheel diff` and `wheel backtest`: comparisons over stored snapshots."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from typing import Any

import click

from wheel_assets.commands.context import console, moment, settings_and_store

CASH = 100_000.0
DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("before", type=moment, metavar="TIME")
@click.argument("after", type=moment, metavar="TIME")
@click.option(
    "--symbol", "symbols", multiple=True, help="Only this symbol; may repeat. Default: the watchlist and what was held."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def diff(before: datetime, after: datetime, symbols: tuple[str, ...], as_json: bool) -> None:
    """What changed in the advice from BEFORE to AFTER, and what moved; from the snapshots that are kept."""
    from wheel_assets.settings import checked_symbol

    settings, store = settings_and_store()
    from wheel_assets.defs.replay import replayed
    from wheel_assets.show.views.diff_view import diff_document, diff_lines

    replay = partial(
        replayed,
        store,
        settings,
        symbols=[checked_symbol(symbol) for symbol in symbols] or None,
        account_id=settings.account_id,
        portfolio_value=settings.portfolio_value,
    )
    document = diff_document(replay(before), replay(after))
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    for line in diff_lines(document):
        console().print(line)


@click.command()
@click.option("--symbol", "symbols", multiple=True, help="Only this symbol; may repeat. Default: the watchlist.")
@click.option("--start", type=DAY, metavar="DATE", help="First day, 2026-11-02. Default: the oldest in the cache.")
@click.option("--end", type=DAY, metavar="DATE", help="Last day. Default: the newest in the cache.")
@click.option(
    "--cash",
    type=click.FloatRange(1, 1e12),
    help=f"Dollars to begin with. Default: WHEEL_PORTFOLIO_VALUE, or {CASH:,.0f}.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, with equity by day and all ledgers.")
def backtest(
    symbols: tuple[str, ...], start: datetime | None, end: datetime | None, cash: float | None, as_json: bool
) -> None:
    """What the rules would have done over the days in the cache, to the cent; beside two plain strategies.

    Nothing is fetched or stored. An archive is walked after `wheel restore DIR`.
    """
    from wheel_assets.errors import UsageError
    from wheel_assets.settings import checked_symbol

    if start and end and end < start:
        raise UsageError(f"--end {end:%Y-%m-%d} is refused", f"it is before --start {start:%Y-%m-%d}", "swap them")
    settings, store = settings_and_store()
    from wheel_assets.defs.backtest_days import BacktestDays

    named = [checked_symbol(symbol) for symbol in symbols] or list(settings.symbols)
    days = BacktestDays(store, settings, list(dict.fromkeys(named)), start and start.date(), end and end.date())
    document = _walked(days, cash or settings.portfolio_value or CASH)
    for line in [json.dumps(document, indent=2)] if as_json else _lines(document):
        click.echo(line)


def _walked(days: Any, cash: float) -> dict[str, Any]:
    from wheel_assets.backtest.document import backtest_document
    from wheel_assets.backtest.strategies import advised, buy_and_hold, plain_wheel
    from wheel_assets.backtest.walk import walk

    rules, symbols = days.settings.strategy, days.symbols
    strategies = {
        "wheel": advised(rules, symbols),
        "plain_wheel": plain_wheel(cash, symbols),
        "buy_and_hold": buy_and_hold(cash, symbols),
    }
    tracks = walk(days, strategies, cash=cash, commission=rules.commission)
    return backtest_document(tracks, symbols, skipped=days.skipped)


def _lines(document: dict[str, Any]) -> list[str]:
    from wheel_assets.backtest.document import NAMES

    days = f"{document['days']} day{'s' * (document['days'] != 1)}"
    title = f"{', '.join(document['symbols'])}: {days}, {document['start']} to {document['end']}"
    head = f"{'':<22}{'equity':>14}{'profit':>13}{'return':>9}{'drawdown':>10}{'trades':>8}{'assigned':>10}{'fees':>9}"
    results = [
        f"{NAMES[name]:<22}{r['equity']:>14,.2f}{r['profit']:>+13,.2f}{r['return']:>+9.2%}{r['max_drawdown']:>10.2%}"
        f"{r['trades']:>8}{r['assignments']:>10}{r['fees']:>9,.2f}"
        for name, r in document["results"].items()
    ]
    ledger = [
        f"{e['date']}  {e['event']:<12}{e['symbol']:<22}{e['quantity']:>7}{e['price']:>10.2f}{e['fee']:>9.2f}"
        f"{e['amount']:>+14,.2f}{e['cash']:>15,.2f}"
        for e in document["ledger"]["wheel"]
    ]
    columns = (
        f"{'date':<12}{'event':<12}{'symbol':<22}{'size':>7}{'price':>10}{'fee':>9}{'amount':>14}{'cash after':>15}"
    )
    remarks = [f"! {line}" for line in (*document["skipped"], *document["remarks"]["wheel"])]
    return [title, "", head, *results, "", columns, *ledger, *remarks, "", document["caution"]]
