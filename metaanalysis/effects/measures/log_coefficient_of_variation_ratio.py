"""Log ratio of two arms' coefficients of variation."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure


def log_coefficient_of_variation_ratio(
    m1: ArrayLike, sd1: ArrayLike, n1: ArrayLike, m2: ArrayLike, sd2: ArrayLike, n2: ArrayLike
) -> Estimates:
    """Return log ratios of coefficients of variation with their variances, means and deviations uncorrelated.

    ``ln((sd1/m1)/(sd2/m2)) + 1/(2(n1−1)) − 1/(2(n2−1))`` with the sum over arms of ``1/(2(n−1)) + sd²/(n m²)``.

    Parameters
    ----------
    m1, sd1, n1 : (K,) array_like
        Mean, standard deviation and size of the treated arm.
    m2, sd2, n2 : (K,) array_like
        The same of the reference arm.

    Raises
    ------
    InputError
        If a mean or standard deviation is not positive or an arm has fewer than two units.

    References
    ----------
    Nakagawa et al. (2015), Methods in Ecology and Evolution 6(2), 143-152, doi:10.1111/2041-210X.12309, eqs 11-12.
    """
    where = "log_coefficient_of_variation_ratio"
    m1, sd1, n1, m2, sd2, n2 = arrays(where, m1=m1, sd1=sd1, n1=n1, m2=m2, sd2=sd2, n2=n2)
    for name, mean, sd, size in (("m1", m1, sd1, n1), ("m2", m2, sd2, n2)):
        holds = (mean > 0) & (sd > 0) & (size >= 2)
        require(where, name, holds, "is not positive, or its arm has no deviation or fewer than 2 units", "Check it.")
    half1, half2 = 1 / (2 * (n1 - 1)), 1 / (2 * (n2 - 1))
    yi = np.log((sd1 / m1) / (sd2 / m2)) + half1 - half2
    return Estimates(yi, half1 + sd1**2 / (n1 * m1**2) + half2 + sd2**2 / (n2 * m2**2))


MEASURE = Measure(
    "log_coefficient_of_variation_ratio",
    "log ratio of coefficients of variation",
    compute=log_coefficient_of_variation_ratio,
    back="exp",
    code="CVR",
)
