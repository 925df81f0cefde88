"""Arcsine square-root transformed share of a single group."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def arcsine_proportion(x: ArrayLike, n: ArrayLike) -> Estimates:
    """Return ``asin(sqrt(x / n))`` with its variance ``1 / (4 n)``.

    Parameters
    ----------
    x : (K,) array_like
        Events.
    n : (K,) array_like
        Trials.

    Raises
    ------
    InputError
        If a count is negative or exceeds its trials.

    References
    ----------
    Anscombe (1948), Biometrika 35(3/4), 246-254, doi:10.1093/biomet/35.3-4.246.
    """
    where = "arcsine_proportion"
    events, trials = arrays(where, x=x, n=n)
    require(where, "x", (events >= 0) & (events <= trials) & (trials > 0), "is not between 0 and its n", "Check it.")
    return Estimates(np.arcsin(np.sqrt(events / trials)), 1 / (4 * trials))


MEASURE = Measure(
    "arcsine_proportion", "arcsine square-root of a share", compute=arcsine_proportion, back="sin_square", code="PAS"
)
