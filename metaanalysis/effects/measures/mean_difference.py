"""Difference of two arms' means."""

from typing import Literal

from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def mean_difference(
    m1: ArrayLike,
    sd1: ArrayLike,
    n1: ArrayLike,
    m2: ArrayLike,
    sd2: ArrayLike,
    n2: ArrayLike,
    *,
    variances: Literal["separate", "pooled"] = "separate",
) -> Estimates:
    """Return mean differences with their variances.

    Parameters
    ----------
    m1, sd1, n1 : (K,) array_like
        Mean, standard deviation and size of the treated arm.
    m2, sd2, n2 : (K,) array_like
        The same of the reference arm.
    variances : {"separate", "pooled"}
        Whether each arm keeps its variance, ``sd1²/n1 + sd2²/n2``, or both share the pooled one.

    Raises
    ------
    InputError
        If a standard deviation is negative or an arm has fewer than two units.

    References
    ----------
    Borenstein (2009), in The Handbook of Research Synthesis and Meta-Analysis, 2nd ed., 221-235, eqs 12.1-12.4.
    """
    where = "mean_difference"
    m1, sd1, n1, m2, sd2, n2 = arrays(where, m1=m1, sd1=sd1, n1=n1, m2=m2, sd2=sd2, n2=n2)
    for name, sd, size in (("sd1", sd1, n1), ("sd2", sd2, n2)):
        require(where, name, (sd >= 0) & (size >= 2), "is negative, or its arm has fewer than 2 units", "Check it.")
    if variances == "pooled":
        pooled = ((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / (n1 + n2 - 2)
        return Estimates(m1 - m2, pooled * (1 / n1 + 1 / n2))
    return Estimates(m1 - m2, sd1**2 / n1 + sd2**2 / n2)


MEASURE = Measure("mean_difference", "mean difference", compute=mean_difference, code="MD")
