"""Difference of two arms' risks."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.cells import corrected, from_events
from metaanalysis.effects.estimates import Estimates
from metaanalysis.effects.measure import Measure


def risk_difference(
    a: ArrayLike, n1: ArrayLike, c: ArrayLike, n2: ArrayLike, *, add: float = 0.5, to_all: bool = False
) -> Estimates:
    """Return risk differences with their large-sample variances.

    ``p1 − p2`` with variance ``p1 (1 − p1) / n1 + p2 (1 − p2) / n2``.

    Parameters
    ----------
    a, c : (K,) array_like
        Events in the treated and in the reference arm.
    n1, n2 : (K,) array_like
        Sizes of the arms.
    add : float
        Added to every cell for the variance (never for the estimate) of a table with an empty one, so that no
        variance is zero.
    to_all : bool
        Add it to every table instead.

    Raises
    ------
    InputError
        If a count is negative or exceeds its size, or a cell is empty and `add` is 0.

    References
    ----------
    Fleiss & Berlin (2009), in The Handbook of Research Synthesis and Meta-Analysis, 2nd ed., 237-253.
    """
    where = "risk_difference"
    plain = from_events(where, a, n1, c, n2)
    estimate = plain[0] / (plain[0] + plain[1]) - plain[2] / (plain[2] + plain[3])
    one, not_one, two, not_two = corrected(where, plain, add=add, to_all=to_all)
    variance = one * not_one / (one + not_one) ** 3 + two * not_two / (two + not_two) ** 3
    return Estimates(np.asarray(estimate), variance)


MEASURE = Measure("risk_difference", "risk difference", compute=risk_difference, code="RD")
