"""The normal distribution function: SciPy's `ndtr`, without the 150 ms that importing `scipy.special` takes.

Most of that time goes into code for other array libraries, and it is more than valuing the chain of a symbol takes,
paid by every run that values one. So the one compiled module that holds `ndtr` is imported from the package while the
package itself is not executed; whoever imports `scipy.special` later gets the whole of it as ever. Rejected: a function
of our own (Hart's algorithm 5666 in NumPy is as exact, but American options then took 1.7 times as long).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec, module_from_spec

from wheel_assets.market.arrays import Floats

_PACKAGE = "scipy.special"


def _compiled() -> Callable[[Floats], Floats] | None:
    """`ndtr` from its compiled module alone; None where this SciPy is laid out otherwise, or imported already."""
    spec = None if _PACKAGE in sys.modules else find_spec(_PACKAGE)
    if spec is None:
        return None
    sys.modules[_PACKAGE] = module_from_spec(spec)
    try:
        from scipy.special._ufuncs import ndtr
    except ImportError:
        return None
    finally:
        del sys.modules[_PACKAGE]
    return ndtr


def _whole() -> Callable[[Floats], Floats]:
    from scipy.special import ndtr

    return ndtr


_ndtr = _compiled() or _whole()


def cumulative_normal(x: Floats) -> Floats:
    """The probability that a standard normal variable ends below x; NaN for NaN.

    >>> cumulative_normal(np.array([0.0, 1.96, -np.inf])).round(6).tolist()
    [0.5, 0.975002, 0.0]
    """
    return _ndtr(x)
