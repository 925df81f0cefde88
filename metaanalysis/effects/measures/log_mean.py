"""Log-transformed mean of a single group."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def log_mean(m: ArrayLike, sd: ArrayLike, n: ArrayLike) -> Estimates:
    """Return ``ln(m)`` with its delta-method variance ``sd² / (n m²)``.

    Parameters
    ----------
    m, sd, n : (K,) array_like
        Mean, standard deviation and size.

    Raises
    ------
    InputError
        If a mean or a size is not positive, or a standard deviation is negative.

    References
    ----------
    Nakagawa et al. (2015), Methods in Ecology and Evolution 6(2), 143-152, doi:10.1111/2041-210X.12309.
    """
    where = "log_mean"
    mean, s, size = arrays(where, m=m, sd=sd, n=n)
    require(where, "m", (mean > 0) & (size > 0), "is not positive, or its group is empty", "Check it.")
    require(where, "sd", s >= 0, "is negative", "Check it.")
    return Estimates(np.log(mean), s**2 / (size * mean**2))


MEASURE = Measure("log_mean", "log mean", compute=log_mean, back="exp", code="MNLN")
