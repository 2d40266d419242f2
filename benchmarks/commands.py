"""How long the main job takes, beside the same command over Dagster's stock DuckDB IO manager.

    python benchmarks/commands.py [--rounds 15] [--keep]

The stock command is `dagster asset materialize` of one asset that loads four stored frames of the same sizes through
`DuckDBPandasIOManager` and returns one: in-process executor, the same environment, the same `dagster.yaml` but for the
records of runs, which Dagster's own storage keeps there. Commands take turns within a round, so that whatever else the
machine does hits all of them. Medians, not means: a command is sometimes held up by the machine and never sped up by
it; processor seconds stand beside the wall's, for they depend less on the rest of the machine. Every command is a new
process, as a user's is, with a warm file cache and compiled modules. What is asked again, fresh and cold is measured
with one symbol on the watchlist and with a hundred.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import yaml

HERE = Path(__file__).resolve().parent
LIMITS = {"asked again": 0.25, "everything fresh": 1.0, "cold": 1.3}
MANY = ",".join(f"{a}{b}" for a in "ABCDEFGHIJ" for b in "KLMNOPQRST")  # a watchlist of a hundred
# The sample market has a few stocks; here it has all of those.
MANY_PROJECT = f"""
from wheel_assets.fetch.sample import sources
sources.STOCKS.update(dict.fromkeys("{MANY}".split(","), sources.STOCKS["F"]))
from wheel_assets.definitions import defs
"""
MANY_LIMIT = 1.5  # of everything fresh with a hundred symbols, times one symbol
STOCK = """
import dagster as dg, numpy as np, pandas as pd
from dagster_duckdb_pandas import DuckDBPandasIOManager

def frame(rows, columns):
    return pd.DataFrame(np.random.default_rng(1).random((rows, columns)), columns=[f"c{{i}}" for i in range(columns)])

@dg.asset
def option_chains() -> pd.DataFrame: return frame({rows}, 20)
@dg.asset
def positions() -> pd.DataFrame: return frame(4, 15)
@dg.asset
def greeks() -> pd.DataFrame: return frame({rows}, 21)
@dg.asset
def predictions() -> pd.DataFrame: return frame({rows}, 16)
@dg.asset
def recommendation(option_chains: pd.DataFrame, positions: pd.DataFrame, greeks: pd.DataFrame,
                   predictions: pd.DataFrame) -> pd.DataFrame: return frame(4, 26)

defs = dg.Definitions([option_chains, positions, greeks, predictions, recommendation],
    resources={{"io_manager": DuckDBPandasIOManager(database="stock.duckdb")}}, executor=dg.in_process_executor)
"""


class Took(NamedTuple):
    """Seconds of one command."""

    wall: float
    processor: float


def materialize(folder: Path, module: str, select: str = "recommendation", symbols: str = "U") -> Took:
    """Run the command in `folder` and tell what it took."""
    return run(folder, "dagster", "asset", "materialize", "-m", module, "--select", select, symbols=symbols)


def run(folder: Path, program: str, *arguments: str, symbols: str = "U") -> Took:
    """Run a command of this environment in `folder`; its cache and settings are those of the folder alone."""
    command = [str(Path(sys.executable).parent / program), *arguments]
    left_out = ("WHEEL_", "DAGSTER_", "PYTHONDONTWRITEBYTECODE")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    environment |= {"WHEEL_CACHE__DIR": str(folder / "cache"), "PYTHONPATH": str(folder), "WHEEL_SYMBOLS": symbols}
    environment["PYTHONPYCACHEPREFIX"] = str(folder.parent / "compiled")
    began, used = time.perf_counter(), processor_seconds()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return Took(time.perf_counter() - began, processor_seconds() - used)


def processor_seconds() -> float:
    """What all commands so far have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def prepare(folder: Path) -> tuple[Path, Path, Path]:
    """A project over the stock IO manager with its frames stored, and ours with a full cache and with none."""
    import duckdb

    stock, ours, many = folder / "stock", folder / "ours", folder / "many"
    for project in (stock, ours, many):
        project.mkdir()
        shutil.copy(HERE.parent / "dagster.yaml", project)
    instance = yaml.safe_load((HERE.parent / "dagster.yaml").read_text())
    instance["storage"] = {"sqlite": {"base_dir": ".dagster/storage"}}
    (stock / "dagster.yaml").write_text(yaml.safe_dump(instance))
    materialize(ours, "wheel_assets.definitions")
    with duckdb.connect(str(ours / "cache" / "wheel_cache.duckdb"), read_only=True) as connection:
        rows = connection.execute("SELECT count(*) FROM option_chains").fetchall()[0][0]
    (stock / "stock_project.py").write_text(STOCK.format(rows=rows))
    (many / "many_project.py").write_text(MANY_PROJECT)
    materialize(stock, "stock_project", "*")
    print(f"{rows} contracts a symbol")
    run(ours, "wheel", "recommend")
    return stock, ours, many


def measure(stock: Path, ours: Path, many: Path, rounds: int) -> dict[str, list[Took]]:
    """What every command took, round by round."""
    names = [f"{name}{end}" for end in ("", ", 100 symbols") for name in ("asked again", "everything fresh", "cold")]
    took: dict[str, list[Took]] = {name: [] for name in ("stock", *names)}
    for _ in range(rounds):
        took["stock"].append(materialize(stock, "stock_project"))
        for folder, symbols, end in ((ours, "U", ""), (many, MANY, ", 100 symbols")):
            module = "many_project" if folder == many else "wheel_assets.definitions"
            shutil.rmtree(folder / "cache", ignore_errors=True)
            for name in ("cold", "everything fresh"):
                took[f"{name}{end}"].append(materialize(folder, module, symbols=symbols))
            took[f"asked again{end}"].append(run(folder, "wheel", "recommend", symbols=symbols))
    return took


def report(took: dict[str, list[Took]]) -> str:
    """Medians and their ratios to the stock command, with the limits they are held to."""
    stock = Took(*(statistics.median(column) for column in zip(*took["stock"], strict=True)))
    lines = [f"{'command':<31}{'wall s':>8}{'x stock':>9}{'limit':>7}{'processor s':>13}{'x stock':>9}"]
    for name, times in took.items():
        wall, processor = (statistics.median(column) for column in zip(*times, strict=True))
        limit = LIMITS.get(name, "")
        lines.append(
            f"{name:<31}{wall:>8.2f}{wall / stock.wall:>9.2f}{limit:>7}"
            f"{processor:>13.2f}{processor / stock.processor:>9.2f}"
        )
    fresh = [statistics.median(t.processor for t in took[f"everything fresh{end}"]) for end in ("", ", 100 symbols")]
    lines.append(f"everything fresh, 100 symbols beside one: {fresh[1] / fresh[0]:.2f} x, at most {MANY_LIMIT}")
    return "\n".join(lines)


def main() -> None:
    """Measure and print; `--keep` writes the table to benchmarks/results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = report(measure(*prepare(Path(folder)), options.rounds))
    load = f"load {os.getloadavg()[2]:.1f}"  # of the last 15 minutes: above the cores, the wall's seconds say little
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {options.rounds} rounds, {load}"
    print(table, machine, sep="\n")
    if options.keep:
        (HERE / "results" / "commands.txt").write_text(f"{machine}\n{table}\n")


if __name__ == "__main__":
    main()
