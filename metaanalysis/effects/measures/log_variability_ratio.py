"""Log ratio of two arms' standard deviations."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def log_variability_ratio(sd1: ArrayLike, n1: ArrayLike, sd2: ArrayLike, n2: ArrayLike) -> Estimates:
    """Return log variability ratios with their variances.

    ``ln(sd1/sd2) + 1/(2(n1−1)) − 1/(2(n2−1))`` with variance ``1/(2(n1−1)) + 1/(2(n2−1))``.

    Parameters
    ----------
    sd1, n1 : (K,) array_like
        Standard deviation and size of the treated arm.
    sd2, n2 : (K,) array_like
        The same of the reference arm.

    Raises
    ------
    InputError
        If a standard deviation is not positive or an arm has fewer than two units.

    References
    ----------
    Nakagawa et al. (2015), Methods in Ecology and Evolution 6(2), 143-152, doi:10.1111/2041-210X.12309, eqs 8-9.
    """
    where = "log_variability_ratio"
    sd1, n1, sd2, n2 = arrays(where, sd1=sd1, n1=n1, sd2=sd2, n2=n2)
    for name, sd, size in (("sd1", sd1, n1), ("sd2", sd2, n2)):
        require(where, name, (sd > 0) & (size >= 2), "is not positive, or its arm has fewer than 2 units", "Check it.")
    half1, half2 = 1 / (2 * (n1 - 1)), 1 / (2 * (n2 - 1))
    return Estimates(np.log(sd1 / sd2) + half1 - half2, half1 + half2)


MEASURE = Measure(
    "log_variability_ratio", "log variability ratio", compute=log_variability_ratio, back="exp", code="VR"
)
