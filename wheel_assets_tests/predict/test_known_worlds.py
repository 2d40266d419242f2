"""Probabilities against worlds in which they are known: the ones of the benchmark, and what it prints."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

CALIBRATION = Path(__file__).resolve().parents[2] / "benchmarks" / "calibration.py"


@pytest.fixture(scope="module")
def known() -> ModuleType:
    """The benchmark."""
    spec = importlib.util.spec_from_file_location("calibration_benchmark", CALIBRATION)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# A week before an announcement a price has two likely places to be, and quotes in ticks of 5 cents hardly tell.
WORLDS = {
    "log-normal, 30 %": 0.005,
    "log-normal, 150 %": 0.005,
    "fear of a crash": 0.05,
    "earnings, ± 8 %": 0.04,
    "jumps (Merton)": 0.01,
    "Heston": 0.005,
}


@pytest.mark.parametrize("days", [7, 30, 90])
@pytest.mark.parametrize("name", WORLDS)
def test_the_probability_is_the_true_one(known, name, days):
    world = known.worlds(days / 365)[name]
    assert known.errors(known.quoted_chain(world, days), world)["prob_itm"].max() < WORLDS[name]


@pytest.mark.parametrize("days", [7, 30, 90])
@pytest.mark.parametrize("name", ["fear of a crash", "earnings, ± 8 %", "jumps (Merton)", "Heston"])
def test_where_there_is_a_smile_the_textbook_is_worse_by_far(known, name, days):
    world = known.worlds(days / 365)[name]
    mean = {of: found.mean() for of, found in known.errors(known.quoted_chain(world, days), world).items()}
    assert mean["prob_itm"] < min(mean["N(d2)"], mean["|delta|"]) / 4


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["log-normal, 30 %", "jumps (Merton)", "Heston"])
def test_stale_quotes_hardly_move_it(known, name, seed):
    world = known.worlds(30 / 365)[name]
    stale = known.staled(known.quoted_chain(world, 30), np.random.default_rng(seed))
    assert known.errors(stale, world)["prob_itm"].mean() < 0.01


def test_touching_in_hestons_world_is_as_probable_as_simulated(known):
    line = next(known.touches(paths=8_000, steps=150))
    mean, worst = (float(part.split()[1]) for part in line.split("prob_touch")[-1].split(","))
    assert mean < 2
    assert worst < 4
