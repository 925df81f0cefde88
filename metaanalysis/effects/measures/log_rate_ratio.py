"""Log ratio of two arms' incidence rates."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def log_rate_ratio(x1: ArrayLike, time1: ArrayLike, x2: ArrayLike, time2: ArrayLike, *, add: float = 0.5) -> Estimates:
    """Return ``ln((x1 / time1) / (x2 / time2))`` with variance ``1 / x1 + 1 / x2``.

    Parameters
    ----------
    x1, x2 : (K,) array_like
        Events in the treated and in the reference arm (Poisson).
    time1, time2 : (K,) array_like
        Times at risk, or units exposed equally long.
    add : float
        Added to both counts where one is zero.

    Raises
    ------
    InputError
        If a count is negative, a time is not positive, or a count is zero and `add` is 0.

    References
    ----------
    Rothman, Greenland & Lash (2008), Modern Epidemiology, 3rd ed., ch. 14.
    """
    where = "log_rate_ratio"
    one, t1, two, t2 = arrays(where, x1=x1, time1=time1, x2=x2, time2=time2)
    for name, count, time in (("x1", one, t1), ("x2", two, t2)):
        require(where, name, (count >= 0) & (time > 0), "is negative, or its time is not positive", "Check it.")
    extra = add * ((one == 0) | (two == 0))
    one, two = one + extra, two + extra
    require(where, "add", (one > 0) & (two > 0), "has a zero count", "Give a positive correction.")
    return Estimates(np.log((one / t1) / (two / t2)), 1 / one + 1 / two)


MEASURE = Measure("log_rate_ratio", "log rate ratio", compute=log_rate_ratio, back="exp", code="IRR")
