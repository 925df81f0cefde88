"""Square-root transformed incidence rate of a single group."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def root_rate(x: ArrayLike, time: ArrayLike) -> Estimates:
    """Return ``sqrt(x / time)`` with its variance ``1 / (4 time)``.

    Parameters
    ----------
    x : (K,) array_like
        Events (Poisson).
    time : (K,) array_like
        Time at risk.

    Raises
    ------
    InputError
        If a count is negative or a time is not positive.

    References
    ----------
    Rothman, Greenland & Lash (2008), Modern Epidemiology, 3rd ed.; Bartlett (1936), Supplement to the Journal of the
    Royal Statistical Society 3(1), 68-78, doi:10.2307/2983678.
    """
    where = "root_rate"
    events, exposure = arrays(where, x=x, time=time)
    require(where, "x", events >= 0, "is negative", "Counts cannot be.")
    require(where, "time", exposure > 0, "is not positive", "Leave out that effect.")
    return Estimates(np.sqrt(events / exposure), 1 / (4 * exposure))


MEASURE = Measure("root_rate", "square root of a rate", compute=root_rate, back="square", code="IRS")
