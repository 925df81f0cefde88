"""Log-transformed incidence rate of a single group."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def log_rate(x: ArrayLike, time: ArrayLike, *, add: float = 0.5) -> Estimates:
    """Return ``ln(x / time)`` with its variance ``1 / x``.

    Parameters
    ----------
    x : (K,) array_like
        Events (Poisson).
    time : (K,) array_like
        Time at risk.
    add : float
        Added to a count of zero.

    Raises
    ------
    InputError
        If a count is negative, a time is not positive, or a count is zero and `add` is 0.
    """
    where = "log_rate"
    events, exposure = arrays(where, x=x, time=time)
    require(where, "x", (events >= 0) & (exposure > 0), "is negative, or its time is not positive", "Check it.")
    events = events + add * (events == 0)
    require(where, "add", events > 0, "is a count of zero", "Give a positive correction.")
    return Estimates(np.log(events / exposure), 1 / events)


MEASURE = Measure("log_rate", "log rate", compute=log_rate, back="exp", code="IRLN")
