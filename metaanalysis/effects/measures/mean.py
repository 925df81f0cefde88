"""Mean of a single group."""

from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def mean(m: ArrayLike, sd: ArrayLike, n: ArrayLike) -> Estimates:
    """Return means with their variances ``sd² / n``.

    Parameters
    ----------
    m, sd, n : (K,) array_like
        Mean, standard deviation and size.

    Raises
    ------
    InputError
        If a standard deviation is negative or a size is not positive.
    """
    where = "mean"
    yi, s, size = arrays(where, m=m, sd=sd, n=n)
    require(where, "sd", (s >= 0) & (size > 0), "is negative, or its group is empty", "Check it.")
    return Estimates(yi, s**2 / size)


MEASURE = Measure("mean", "mean", compute=mean, code="MN")
