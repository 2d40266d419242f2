"""The normal distribution function, and what it takes to import it."""

from __future__ import annotations

import subprocess
import sys
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheel_assets.greeks.normal import cumulative_normal


# Hull, Options, Futures, and Other Derivatives: the table of N(x) at the end of the book.
@pytest.mark.parametrize(
    ("x", "printed"), [(-1.23, 0.1093), (0.0, 0.5), (0.64, 0.7389), (1.65, 0.9505), (-2.0, 0.0228)]
)
def test_it_is_the_printed_table(x, printed):
    assert cumulative_normal(np.array([x]))[0] == pytest.approx(printed, abs=5e-5)


@given(st.floats(-40, 40))
def test_it_is_the_standard_librarys_and_symmetric(x):
    below, above = cumulative_normal(np.array([x, -x]))
    assert below == pytest.approx(NormalDist().cdf(x), abs=1e-15)
    assert below + above == pytest.approx(1.0, abs=1e-15)


def test_it_ends_at_0_and_1_and_lets_nan_through():
    np.testing.assert_array_equal(cumulative_normal(np.array([-np.inf, np.inf, np.nan])), [0.0, 1.0, np.nan])


def in_a_new_process(script: str) -> str:
    """What a script prints that begins without SciPy."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


ASK = "from wheel_assets.greeks.normal import cumulative_normal; import sys, numpy; "
ASK += "one = cumulative_normal(numpy.zeros(1))[0];"


def test_the_package_is_not_imported_for_it():
    loaded = "[name in sys.modules for name in ('scipy.special', 'numpy.f2py')]"
    assert in_a_new_process(f"{ASK} print(one, *{loaded})") == "0.5 False False"


@pytest.mark.parametrize("order", ["{ask} {whole}", "{whole} {ask}"])
def test_the_package_is_whole_before_and_after(order):
    whole = "import scipy.special, scipy.stats; far = scipy.special.erfcx(0.0), scipy.stats.norm.cdf(0.0);"
    script = order.format(ask=ASK, whole=whole)
    assert in_a_new_process(f"{script} print(one, *map(float, far), scipy.special.ndtr(0.0))") == "0.5 1.0 0.5 0.5"


LAID_OUT_OTHERWISE = """
import builtins, sys
ours = builtins.__import__
def import_(name, *more, **others):
    if name == "scipy.special._ufuncs" and "scipy.special._basic" not in sys.modules:
        raise ImportError(name)
    return ours(name, *more, **others)
builtins.__import__ = import_
"""


def test_where_scipy_is_laid_out_otherwise_the_package_is_imported():
    assert in_a_new_process(f"{LAID_OUT_OTHERWISE}\n{ASK} print(one, 'scipy.special' in sys.modules)") == "0.5 True"
