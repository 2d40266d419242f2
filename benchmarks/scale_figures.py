"""What docs/scale.md says of the kept results of `benchmarks/scale.py`: the table, and what larger scans need by it.

`python -m wheel_assets_tests.test_docs` writes it into the page, and a test keeps them equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from wheel_assets.vendors import VENDORS

RESULTS = Path(__file__).resolve().parent / "results" / "scale.txt"
UNIVERSE, EVERY_SECONDS, SCANS_A_DAY = 5_000, 900, 26
MARKET = 1_500_000  # contracts of the whole US market
REQUESTS = {"cboe": 1, "schwab": 1, "alpaca": 3, "tastytrade": 5, "tradier": 15}  # of a symbol
REMARKS = {"cboe": "and its terms object to automated collection"}
WRITE_USD, READ_USD = 5e-6, 0.4e-6  # of one object of a bucket
DATABENTO_USD, SESSIONS_A_MONTH = 0.06, 21  # of one symbol's chain of yesterday
EVENTS_A_SYMBOL = 2  # Dagster's: planned and done


@dataclass(frozen=True)
class Line:
    """A scan, or the computation alone: seconds by the wall and by the processors, contracts a second."""

    wall: float
    processor: float
    rate: float


@dataclass(frozen=True)
class Figures:
    """The kept results; kilobytes are of a symbol."""

    text: str
    symbols: int
    contracts: int
    chain_kb: float
    results_kb: float
    records_kb: float
    lines: dict[tuple[str, int], Line]

    @property
    def alone(self) -> Line:
        """The computation without Dagster."""
        return self.lines["computation", 1]

    @property
    def scan(self) -> Line:
        """The whole scan in one process."""
        return self.lines["in_process", 1]

    @property
    def start(self) -> float:
        """Processor seconds of a scan of one symbol."""
        return self.lines["one symbol", 1].processor

    @property
    def each(self) -> float:
        """Processor seconds that a further symbol of a scan costs."""
        return (self.scan.processor - self.start) / (self.symbols - 1)


def kept(text: str) -> Figures:
    """The figures of a table that the benchmark has written."""
    rows = re.findall(r"^(\w[\w ]*?) +(\d+) +([\d.]+) +([\d.]+) +([\d,]+)", text, re.M)
    lines = {(name, int(workers)): Line(*(_number(cell) for cell in cells)) for name, workers, *cells in rows}
    sizes = re.findall(r"(?:chain|results|records) ([\d.]+) kB", text)
    counts = re.findall(r"([\d,]+) (?:symbols|contracts)[,;]", text)
    return Figures(text, *(int(_number(count)) for count in counts), *(float(size) for size in sizes), lines)


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def page() -> str:
    """The made part of docs/scale.md."""
    figures = kept(RESULTS.read_text())
    results = f"```text\n{figures.text}```"
    return "\n\n".join([results, _costs(figures), "## 5,000 symbols every 15 minutes", _needs(figures)])


def _costs(f: Figures) -> str:
    rows = [("chains → Greeks → predictions → rules, alone", f.alone), ("the whole scan, in process", f.scan)]
    table = "\n".join(
        f"| {name} | {line.processor:.0f} | {1000 * line.processor / f.symbols:.0f} ms | "
        f"{f.contracts / line.processor:,.0f} |"
        for name, line in rows
    )
    ratio = f.scan.processor / f.alone.processor
    return (
        "| | processor seconds | a symbol | contracts a processor second |\n|---|---|---|---|\n"
        f"{table}\n\n"
        f"So the whole scan costs {ratio:.2f} times its computation; twice is the limit it is held to. "
        f"{f.start:.1f} s of it are\nstart, imports and the end; a further symbol costs {1000 * f.each:.0f} ms."
    )


def _needs(f: Figures) -> str:
    alone_ms, each_ms = 1000 * f.alone.processor / f.symbols, 1000 * f.each
    whole = UNIVERSE * f.each + f.start
    kb, a_day = f.chain_kb + f.results_kb, SCANS_A_DAY * UNIVERSE
    reads, writes = 5 * UNIVERSE, 2 * UNIVERSE
    usd = writes * WRITE_USD + reads * READ_USD
    return f"""\
Inputs: the table above, {f.contracts / f.symbols:.0f} contracts, {f.chain_kb:.0f} kB of chain and {f.results_kb:.0f} kB
of results a symbol, the paces of [vendors](vendors.md), {SCANS_A_DAY} scans a session.

- **Computation**: {UNIVERSE:,} × {alone_ms:.0f} ms = {UNIVERSE * alone_ms / 1000:.0f} s of one core; the whole scan
  {UNIVERSE:,} × {each_ms:.0f} ms + {f.start:.1f} s = {whole:.0f} s. Of the {EVERY_SECONDS} s that there are, two
  cores are busy for {whole / EVERY_SECONDS / 2:.0%}. The whole market, 1.5 M contracts, computes in
  {MARKET * f.alone.processor / f.contracts:.0f} s of one core.
- **First bottleneck, the vendor**: {UNIVERSE / EVERY_SECONDS:.1f} chains a second are needed.

{_vendors()}

  None of them does it. It takes a flat-rate feed of OPRA, whose price is the vendor's and the exchanges' to say, and a
  module in `fetch` for it. With Schwab's pace, {_most("schwab"):,.0f} symbols every 15 minutes is the most.
- **Second, Dagster's records**: {f.records_kb:.1f} kB and {EVENTS_A_SYMBOL} events a symbol and scan are
  {a_day * f.records_kb / 1e6:.1f} GB and {a_day * EVENTS_A_SYMBOL:,} events a day, which one SQLite file takes from one
  process at a time. PostgreSQL, retention, and a partition for a group of symbols are the ways out.
- **Third, the one step that fetches**: as it keeps a vendor's pace it is one process, and fetching and normalising are
  bounded by one core.
- **Storage**: {UNIVERSE:,} × {kb:.0f} kB = {UNIVERSE * kb / 1000:.0f} MB, written over each time; as history
  {a_day * kb / 1e6:.1f} GB a day.
- **Requests to a bucket**: {writes:,} writes and about {reads:,} reads a scan; at $5 a million writes and
  $0.40 a million reads ${usd:.2f} a scan, ${SCANS_A_DAY * usd:.2f} a day. A disk costs nothing."""


def _vendors() -> str:
    rows = [f"  | vendor | requests for {UNIVERSE:,} symbols | at its pace | |", "  |---|---|---|---|"]
    for name, each in REQUESTS.items():
        seconds = EVERY_SECONDS * UNIVERSE / _most(name)
        took = f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"
        rows.append(f"  | `{name}` | {each * UNIVERSE:,} | {took} | {REMARKS.get(name, '')} |")
    usd = UNIVERSE * DATABENTO_USD
    once = f"{UNIVERSE:,} × ${DATABENTO_USD} = ${usd:,.0f} a scan"
    rows.append(
        f"  | `databento`, yesterday's chains | {once} | | once a day: ${usd * SESSIONS_A_MONTH:,.0f} a month |"
    )
    return "\n".join(rows)


def _most(name: str) -> float:
    """Symbols that a vendor's pace allows between two scans."""
    limit = next(vendor.limit for vendor in VENDORS if vendor.name == name)
    assert limit
    return EVERY_SECONDS * limit.calls / limit.seconds / REQUESTS[name]
