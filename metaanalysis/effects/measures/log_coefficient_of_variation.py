"""Log-transformed coefficient of variation of a single group."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def log_coefficient_of_variation(m: ArrayLike, sd: ArrayLike, n: ArrayLike) -> Estimates:
    """Return ``ln(sd / m) + 1 / (2 (n − 1))`` with its variance ``1 / (2 (n − 1)) + sd² / (n m²)``.

    Parameters
    ----------
    m, sd, n : (K,) array_like
        Mean, standard deviation and size.

    Raises
    ------
    InputError
        If a mean or standard deviation is not positive or a size is below 2.

    References
    ----------
    Nakagawa et al. (2015), Methods in Ecology and Evolution 6(2), 143-152, doi:10.1111/2041-210X.12309.
    """
    where = "log_coefficient_of_variation"
    mean, s, size = arrays(where, m=m, sd=sd, n=n)
    require(where, "m", (mean > 0) & (s > 0), "or its standard deviation is not positive", "Check it.")
    require(where, "n", size >= 2, "is below 2", "Leave out that effect.")
    half = 1 / (2 * (size - 1))
    return Estimates(np.log(s / mean) + half, half + s**2 / (size * mean**2))


MEASURE = Measure(
    "log_coefficient_of_variation",
    "log coefficient of variation",
    compute=log_coefficient_of_variation,
    back="exp",
    code="CVLN",
)
