"""Scan: many symbols at once, a partition a symbol.

One step fetches what is not fresh, since one process keeps a vendor's pace; a fixed number of steps then value the
chains, each a share of them, on as many workers as the executor has. Steps pass on small JSON values; chains and
results lie as Parquet in `WHEEL_SCAN__DIR`. Dynamic outputs were rejected: the Dask executor does not run them.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import Field

from wheel_assets.cache.reading.one_line_errors import one_line_errors
from wheel_assets.cache.store.store import Store
from wheel_assets.defs.declare import OWNER, settings
from wheel_assets.defs.flow import scan_fingerprints
from wheel_assets.errors import UsageError
from wheel_assets.fetch.http.rate_limiter import pace_of
from wheel_assets.fetch.source import MarketSource, attempts, error_of_all
from wheel_assets.scan.snapshots import CHAINS, RESULTS, About, ScanFolder
from wheel_assets.scan.universe import UNIVERSE, blocks
from wheel_assets.tables import OPTION_CHAINS

BY_SYMBOL = dg.DynamicPartitionsDefinition(name=UNIVERSE)
STEPS = "scan_steps"  # IO manager of the values between steps
REPORT_SECONDS = 10.0  # between lines on the progress of a fetch


class FetchConfig(dg.Config):
    """Run config of a scan: maximum ages."""

    max_age_minutes: dict[str, float] = Field(
        default={"option_chains": settings().max_age.option_chains},
        description="age from which a chain is fetched again, minutes; 0 fetches again",
    )

    @property
    def max_age(self) -> timedelta:
        """Maximum age of a chain; raises UsageError for a limit of another table, or below 0."""
        for table, minutes in self.max_age_minutes.items():
            if table != OPTION_CHAINS.name or minutes < 0:
                only = f"tables: {OPTION_CHAINS.name}; minutes, 0 or more"
                raise UsageError(f"max_age_minutes {table}={minutes} is refused", "", only)
        return timedelta(minutes=self.max_age_minutes.get(OPTION_CHAINS.name, settings().max_age.option_chains))


VENDOR = f"vendor_{settings().market.source}"
# The Dask executor does not support pools and fails on a run with one; there the tag of the job limits runs.
_POOL = None if settings().scan.executor == "dask" else VENDOR


@dg.op(pool=_POOL, out=dg.Out(io_manager_key=STEPS))
def fetch_chains(
    context: dg.OpExecutionContext,
    config: FetchConfig,
    risk_free_rate: pd.DataFrame,
    market: dg.ResourceParam[MarketSource],
    store: dg.ResourceParam[Store],
) -> dict[str, Any]:
    """Fetch the chains that are not fresh. By the pool one step at a time asks the vendor, on however many machines."""
    folder, now = ScanFolder(settings().scan.dir), store.clock()
    chains, _ = scan_fingerprints(settings())
    with one_line_errors():
        keys, age = list(context.partition_keys), config.max_age
    fresh = {s for s, about in folder.about(CHAINS, set(keys)).items() if about.in_force(now, age, chains)}
    if pace := pace_of(market.name):
        pace.spread()

    def fetch(symbol: str) -> None:
        """Fetch the chain of a symbol into the scan folder."""
        frame = market.option_chain(symbol, now.replace(tzinfo=UTC)).frame
        folder.write(CHAINS, symbol, frame, About(store.clock(), chains))

    context.log.info(f"{len(fresh)} of {len(keys)} chains are fresh")
    stale = [key for key in keys if key not in fresh]
    with one_line_errors():
        results = attempts(stale, fetch, market.concurrency, _rarely(context.log.info)) if stale else {}
        failures = {symbol: error for symbol, error in results.items() if error is not None}
        if len(failures) == len(keys):
            raise error_of_all(failures)
    not_fetched = {symbol: str(error) for symbol, error in failures.items()}
    rates = {name: risk_free_rate[name].tolist() for name in ("tenor_years", "value")}
    return {"now": now.isoformat(), "not_fetched": not_fetched, **rates}


def _rarely(report: Callable[[str], None]) -> Callable[[str], None]:
    """`report` at most every REPORT_SECONDS: a line in Dagster's log costs as much as a fifth of a symbol's chain."""
    reported = time.monotonic()

    def watch(how_far: str) -> None:
        nonlocal reported
        if time.monotonic() - reported > REPORT_SECONDS:
            reported = time.monotonic()
            report(how_far)

    return watch


def _share(number: int, shares: int) -> dg.OpDefinition:
    """The step that values its share of the symbols."""

    @dg.op(
        name=f"value_share_{number:03d}", out=dg.Out(io_manager_key=STEPS), retry_policy=dg.RetryPolicy(max_retries=1)
    )
    def value_share(context: dg.OpExecutionContext, fetched: dict[str, Any]) -> list[str]:
        """Value this share of the universe's chains; return the symbols that have results now."""
        from wheel_assets.greeks import ZeroCurve

        folder, scan = ScanFolder(settings().scan.dir), settings().scan
        curve = ZeroCurve.of(pd.Series(fetched["tenor_years"], dtype=float), pd.Series(fetched["value"], dtype=float))
        batches = list(blocks(context.instance.get_dynamic_partitions(UNIVERSE), scan.batch))
        run = set(context.partition_keys) - set(fetched["not_fetched"])
        mine = [[symbol for symbol in batch if symbol in run] for batch in batches[number::shares]]
        now = datetime.fromisoformat(fetched["now"])
        return [symbol for batch in filter(None, mine) for symbol in _valued(folder, batch, curve, now)]

    return value_share


def _valued(folder: ScanFolder, batch: Sequence[str], curve: Any, now: datetime) -> list[str]:
    """Value the chains of a batch and store the results; return the symbols that have some."""
    from wheel_assets.scan.valuation import by_symbol, screened

    about, (_, results) = folder.about(CHAINS, set(batch)), scan_fingerprints(settings())
    there = [symbol for symbol in batch if symbol in about]
    with one_line_errors():
        chains = folder.read(CHAINS, OPTION_CHAINS, there)
        found = by_symbol(screened(chains, curve=curve, settings=settings(), now=now.replace(tzinfo=UTC)))
        for symbol, rows in found.items():
            folder.write(RESULTS, symbol, rows, About(about[symbol].fetched_at, results))
    return list(found)


_SHARES = tuple(f"share_{number:03d}" for number in range(settings().scan.shares))


# An input each: a list of them comes empty under the Dask executor.
@dg.op(ins={name: dg.In(list) for name in _SHARES}, out=dg.Out(dg.Nothing))
def report_results(context: dg.AssetExecutionContext, fetched: dict[str, Any], **shares: list[str]) -> None:
    """Say in the partition's metadata why a symbol was not evaluated.

    Of those that were, the results say so: Dagster looks all partitions up for each one that has metadata of its own.
    """
    keys = context.partition_keys
    evaluated = {symbol for share in shares.values() for symbol in share}
    for symbol in [key for key in keys if key not in evaluated]:
        why = fetched["not_fetched"].get(symbol, "its chain has no put")
        context.add_asset_metadata({"not_evaluated": why}, asset_key="scan", partition_key=symbol)
    context.log.info(f"{len(evaluated)} of {len(keys)} symbols evaluated")


@dg.graph_asset(
    group_name="universe",
    partitions_def=BY_SYMBOL,
    backfill_policy=dg.BackfillPolicy.single_run(),
    ins={"risk_free_rate": dg.AssetIn()},
    kinds={"parquet", "pandas"},
    owners=[OWNER],
)
def scan(risk_free_rate: pd.DataFrame) -> Any:
    """Puts of many symbols, screened by your rules: chains, Greeks, predictions and verdicts, a partition a symbol.

    Each symbol as if your whole portfolio were cash and it the only one; earnings only where the chain prices them.
    Chains that are younger than `WHEEL_MAX_AGE__OPTION_CHAINS` are not fetched again. `wheel scan` fills the
    universe; job `scan_universe` runs it on the executor of `WHEEL_SCAN__EXECUTOR`.
    """
    fetched = fetch_chains(risk_free_rate)
    valued = {name: _share(number, len(_SHARES))(fetched) for number, name in enumerate(_SHARES)}
    return report_results(fetched, **valued)
