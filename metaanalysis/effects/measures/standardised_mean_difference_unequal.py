"""Standardised mean difference without the assumption of equal variances."""

import numpy as np
from numpy.typing import ArrayLike

from metaanalysis.effects.estimates import Estimates, arrays, require
from metaanalysis.effects.measure import Measure
from metaanalysis.effects.small_sample import hedges_factor


def standardised_mean_difference_unequal(
    m1: ArrayLike, sd1: ArrayLike, n1: ArrayLike, m2: ArrayLike, sd2: ArrayLike, n2: ArrayLike
) -> Estimates:
    """Return mean differences standardised by the root of the mean variance, with Bonett's variance.

    ``d = J(n1 + n2 − 2) (m1 − m2) / s`` with ``s² = (sd1² + sd2²) / 2`` and variance
    ``d² (sd1⁴/(n1−1) + sd2⁴/(n2−1)) / (8 s⁴) + (sd1²/(n1−1) + sd2²/(n2−1)) / s²``.

    Parameters
    ----------
    m1, sd1, n1 : (K,) array_like
        Mean, standard deviation and size of the treated arm.
    m2, sd2, n2 : (K,) array_like
        The same of the reference arm.

    Raises
    ------
    InputError
        If a standard deviation is not positive or an arm has fewer than two units.

    References
    ----------
    Bonett (2009), Journal of Educational and Behavioral Statistics 34(2), 225-235, doi:10.3102/1076998609332755.
    """
    where = "standardised_mean_difference_unequal"
    m1, sd1, n1, m2, sd2, n2 = arrays(where, m1=m1, sd1=sd1, n1=n1, m2=m2, sd2=sd2, n2=n2)
    for name, sd, size in (("sd1", sd1, n1), ("sd2", sd2, n2)):
        require(where, name, (sd > 0) & (size >= 2), "is not positive, or its arm has fewer than 2 units", "Check it.")
    square = (sd1**2 + sd2**2) / 2
    fourth = sd1**4 / (n1 - 1) + sd2**4 / (n2 - 1)
    yi = hedges_factor(n1 + n2 - 2) * (m1 - m2) / np.sqrt(square)
    return Estimates(yi, yi**2 * fourth / (8 * square**2) + (sd1**2 / (n1 - 1) + sd2**2 / (n2 - 1)) / square)


MEASURE = Measure(
    "standardised_mean_difference_unequal",
    "standardised mean difference, unequal variances",
    compute=standardised_mean_difference_unequal,
    code="SMDH",
)
